/// The known name that a misspelt one probably means: the one with the smallest edit distance, if that is at most a third of
/// the longer name, and at least 1 is allowed.
public func nearestName(to name: String, among known: some Sequence<String>) -> String? {
  var best: (name: String, distance: Int)?
  for candidate in known {
    let distance = editDistance(name, candidate)
    if distance <= max(1, max(name.utf8.count, candidate.utf8.count) / 3), distance < best?.distance ?? .max {
      best = (candidate, distance)
    }
  }
  return best?.name
}

/// The known names in quotes, nearest to `name` first; of those past `limit` only the number is told.
public func namesNearestFirst(to name: String, among known: [String], limit: Int = 12) -> String {
  let ranked = known.enumerated()
    .map { (distance: editDistance(name, $0.element), place: $0.offset, name: $0.element) }
    .sorted { ($0.distance, $0.place) < ($1.distance, $1.place) }
  let quoted = ranked.prefix(limit).map { "'\($0.name)'" }.joined(separator: ", ")
  return ranked.count > limit ? "\(quoted) and \(ranked.count - limit) more" : quoted
}

/// Edits from one name to the other: insert, delete, replace, and swap of neighbours, each 1; upper and lower case are equal,
/// and only the first 64 bytes count. Algorithm: optimal string alignment, after Damerau 1964.
private func editDistance(_ left: String, _ right: String) -> Int {
  let left = Array(left.lowercased().utf8.prefix(64))
  let right = Array(right.lowercased().utf8.prefix(64))
  var beforeLast = [Int](repeating: 0, count: right.count + 1)
  var last = Array(0...right.count)
  for i in 0..<left.count {
    var current = [i + 1] + [Int](repeating: 0, count: right.count)
    for j in 0..<right.count {
      let replaced = last[j] + (left[i] == right[j] ? 0 : 1)
      current[j + 1] = min(replaced, last[j + 1] + 1, current[j] + 1)
      if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
        current[j + 1] = min(current[j + 1], beforeLast[j - 1] + 1)
      }
    }
    (beforeLast, last) = (last, current)
  }
  return last[right.count]
}
