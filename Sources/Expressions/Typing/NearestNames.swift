/// Names that somebody may have meant, for messages.
enum NearestNames {
  /// How many names a message lists.
  static let limit = 12

  /// The known names in quotes, nearest to `name` first; of those past `limit` only the number is told.
  static func list(_ known: [String], near name: String, limit: Int = limit) -> String {
    let ranked = known.enumerated()
      .map { (distance: distance(name, $0.element), place: $0.offset, name: $0.element) }
      .sorted { ($0.distance, $0.place) < ($1.distance, $1.place) }
    let quoted = ranked.prefix(limit).map { "'\($0.name)'" }.joined(separator: ", ")
    return ranked.count > limit ? "\(quoted) and \(ranked.count - limit) more" : quoted
  }

  /// Edits (insertion, removal, replacement or exchange of neighbours) from one name to the other; upper and lower case
  /// count as equal. Algorithm: optimal string alignment.
  static func distance(_ left: String, _ right: String) -> Int {
    let a = Array(left.lowercased().utf8.prefix(64))
    let b = Array(right.lowercased().utf8.prefix(64))
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in 0..<a.count {
      var row = [i + 1]
      for j in 0..<b.count {
        var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforeLast[j - 1] + 1) }
        row.append(best)
      }
      (beforeLast, last) = (last, row)
    }
    return last[b.count]
  }
}
