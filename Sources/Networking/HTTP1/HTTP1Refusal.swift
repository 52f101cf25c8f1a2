/// Why bytes are no request, or none that is taken: the connection is closed after the answer, because nobody knows where the
/// next request would begin.
struct HTTP1Refusal: Error, Equatable {
  var status: Int
  /// For people: what was found and what was expected.
  var text: String

  init(_ status: Int, _ text: String) {
    self.status = status
    self.text = text
  }
}
