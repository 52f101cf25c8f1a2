import Volley

/// Refuses a level that a library would silently replace.
func checkLevel(_ level: Int, _ range: ClosedRange<Int>, of codec: String) throws(VolleyError) {
  guard range.contains(level) else {
    throw VolleyError(
      "option 'level' of \(codec) is \(level), expected \(range.lowerBound) to \(range.upperBound); give another")
  }
}

/// What is wrong with input that stops where more is needed.
func endsEarly() -> VolleyError {
  VolleyError("the compressed data ends early; it was cut short or is not complete yet")
}

/// What is wrong with input that its library refuses.
func isDamaged(_ reason: String) -> VolleyError { VolleyError("the compressed data is damaged (\(reason))") }
