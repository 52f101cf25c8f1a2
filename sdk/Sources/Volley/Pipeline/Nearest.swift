enum Nearest {
  /// The name with the fewest insertions, deletions and changes of a letter between it and `name`.
  static func of(_ name: String, in names: [String]) -> String? {
    names.min { distance($0, name) < distance($1, name) }
  }

  /// Wagner and Fischer, "The String-to-String Correction Problem", 1974.
  private static func distance(_ left: String, _ right: String) -> Int {
    let right = Array(right.unicodeScalars)
    var row = Array(0...right.count)
    for (index, letter) in left.unicodeScalars.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for (column, other) in right.enumerated() {
        let above = row[column + 1]
        row[column + 1] = min(above + 1, row[column] + 1, diagonal + (letter == other ? 0 : 1))
        diagonal = above
      }
    }
    return row[right.count]
  }
}
