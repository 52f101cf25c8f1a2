/// The names of the files that a sink makes in a folder: `part-<subtask>.<suffix>`, or, where one follows the other,
/// `part-<subtask>-<sequence>.<suffix>` in the folders of their partition. With epochs those of the first
/// form follow each other too, as `part-<subtask>.<sequence>.<suffix>`.
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
    /// Nil of a complete one.
    let hiding: HiddenName?
    let subtask: Int
    /// Nil of a file that none follows.
    let sequence: Int?

    var path: String { "\(folder)\(name)" }
  }

  /// Whether only names of epochs count.
  private var isByEpoch = false

  init(suffix: String, isRolled: Bool, partitions: [String] = []) {
    self.suffix = suffix
    self.isRolled = isRolled
    self.partitions = partitions
  }

  /// The names with epochs.
  var byEpoch: PartNames {
    var names = self
    names.isByEpoch = !isRolled
    return names
  }

  /// The names with epochs and those without.
  var all: PartNames {
    var names = self
    names.isByEpoch = false
    return names
  }

  func name(subtask: Int, sequence: Int = 0) -> String {
    if isByEpoch { return "part-\(subtask).\(sequence).\(suffix)" }
    return isRolled ? "part-\(subtask)-\(sequence).\(suffix)" : "part-\(subtask).\(suffix)"
  }

  /// The numbers in a name; nil for one of another form.
  func numbers(of name: String) -> (subtask: Int, sequence: Int?)? {
    let (prefix, end) = ("part-", ".\(suffix)")
    guard name.hasPrefix(prefix), name.hasSuffix(end) else { return nil }
    let parts = name.dropFirst(prefix.count).dropLast(end.count).split(
      separator: isRolled ? "-" : ".", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { text in
      Int(text).flatMap { $0 >= 0 && $0 < .max && "\($0)" == text ? $0 : nil }
    }
    guard numbers.count == parts.count, numbers.count == 2 || (numbers.count == 1 && !isRolled && !isByEpoch) else {
      return nil
    }
    return (numbers[0], numbers.count == 2 ? numbers[1] : nil)
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
      let hiding = HiddenName.allCases.first { $0.shown(entry) != nil }
      let name = hiding?.shown(entry) ?? entry
      guard let (subtask, sequence) = numbers(of: name) else { continue }
      body(File(folder: folder, name: name, hiding: hiding, subtask: subtask, sequence: sequence))
    }
  }
}
