/// A row that one of two runs gave and the other did not.
struct ReplayDifference: Sendable, Hashable {
  var sink: String
  /// Nil: nothing in its place.
  var first: String?
  var second: String?

  /// The first difference of two runs' rows in the order of their texts, each row as often as it comes; nil when there is
  /// none.
  init?(sink: String, _ first: [String], _ second: [String]) {
    var (one, other) = ([String](), [String]())
    let (first, second) = (first.sorted(), second.sorted())
    var (i, j) = (0, 0)
    while i < first.count || j < second.count {
      if i < first.count, j < second.count, first[i] == second[j] {
        (i, j) = (i + 1, j + 1)
      } else if j == second.count || (i < first.count && first[i] < second[j]) {
        one.append(first[i])
        i += 1
      } else {
        other.append(second[j])
        j += 1
      }
    }
    guard let least = [one.first, other.first].compactMap(\.self).min() else { return nil }
    self.sink = sink
    // The row of the other run that begins most like it stands in its place.
    if one.first == least {
      self.first = least
      self.second = Self.closest(to: least, in: other)
    } else {
      self.first = Self.closest(to: least, in: one)
      self.second = least
    }
  }

  private static func closest(to row: String, in rows: [String]) -> String? {
    rows.max { common($0, row) < common($1, row) }
  }

  private static func common(_ one: String, _ other: String) -> Int {
    zip(one.utf8, other.utf8).prefix { $0 == $1 }.count
  }

  var text: String {
    """
    the runs differ at sink '\(sink)':
      first run:  \(first ?? "no row")
      second run: \(second ?? "no row")

    """
  }
}
