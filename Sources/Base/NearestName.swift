/// The known name that a misspelt one probably means: the one with the smallest edit distance (insert, delete, replace, and
/// swap of neighbours, each 1; Damerau 1964), if that is at most a third of the longer name, and at least 1 is allowed.
public func nearestName(to name: String, among known: some Sequence<String>) -> String? {
  let wanted = Array(name.lowercased().utf8)
  var best: (name: String, distance: Int)?
  for candidate in known {
    let bytes = Array(candidate.lowercased().utf8)
    let distance = editDistance(wanted, bytes)
    if distance <= max(1, max(wanted.count, bytes.count) / 3), distance < best?.distance ?? .max {
      best = (candidate, distance)
    }
  }
  return best?.name
}

private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
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
