/// The names of the files that a sink makes in a folder: `part-<subtask>.<suffix>`, or, where one follows the other,
/// `part-<subtask>-<sequence>.<suffix>` in the folders of their partition.
struct PartNames: Sendable, Hashable {
  /// "csv", "jsonl.gz".
  let suffix: String
  let isRolled: Bool
  /// What the folders of each partition column begin with, "country=", the outermost first.
  var partitions: [String] = []

  /// A file of such a name, complete or hidden.
  struct File {
    /// Ends with "/".
    let folder: String
    /// Also of a hidden file the name that it is to get.
    let name: String
    let isHidden: Bool
    let subtask: Int
    /// 0 of a file that none follows.
    let sequence: Int

    var path: String { "\(folder)\(name)" }
  }

  func name(subtask: Int, sequence: Int = 0) -> String {
    isRolled ? "part-\(subtask)-\(sequence).\(suffix)" : "part-\(subtask).\(suffix)"
  }

  /// The numbers in a name; nil for one of another form.
  func numbers(of name: String) -> (subtask: Int, sequence: Int)? {
    let (prefix, end) = ("part-", ".\(suffix)")
    guard name.hasPrefix(prefix), name.hasSuffix(end) else { return nil }
    let parts = name.dropFirst(prefix.count).dropLast(end.count).split(
      separator: "-", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { text in
      Int(text).flatMap { $0 >= 0 && $0 < .max && "\($0)" == text ? $0 : nil }
    }
    guard numbers.count == parts.count, numbers.count == (isRolled ? 2 : 1) else { return nil }
    return (numbers[0], isRolled ? numbers[1] : 0)
  }

  /// Whether a folder may be one of the partition column `index`.
  func isPartition(_ name: some StringProtocol, of index: Int) -> Bool {
    name.utf8.starts(with: partitions[index].utf8)
  }

  /// Calls `body` with the files of such names that are in a folder, which ends with "/", and those of its partitions.
  func forEachFile(in folder: String, _ body: (File) -> Void) { forEachFile(in: folder, depth: 0, body) }

  private func forEachFile(in folder: String, depth: Int, _ body: (File) -> Void) {
    for entry in folderEntries(folder) ?? [] {
      guard depth == partitions.count else {
        if isPartition(entry, of: depth) { forEachFile(in: "\(folder)\(entry)/", depth: depth + 1, body) }
        continue
      }
      let own = OutputFile.name(ofHidden: entry)
      guard let (subtask, sequence) = numbers(of: own ?? entry) else { continue }
      body(
        File(folder: folder, name: own ?? entry, isHidden: own != nil, subtask: subtask, sequence: sequence))
    }
  }
}
