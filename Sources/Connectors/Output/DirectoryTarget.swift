import Base
import Glibc

/// Where a subtask's files of a directory are.
struct DirectoryTarget {
  /// Ends with "/".
  let path: String
  /// "csv", "jsonl".
  let suffix: String
  let subtask: Int
  /// Leads messages: "sink 'out' (csv)".
  let place: String

  /// The path of a file in a partition's folders, which are made if they are missing.
  func file(_ sequence: Int, in folders: [String]) throws(Failure) -> String {
    var folder = path
    for name in folders {
      // 255 bytes is the longest name of every common file system.
      guard name.utf8.count <= 256 else {
        throw Failure(
          .data,
          "\(place): the folder '\(name.prefix(64))…' would have a name of \(name.utf8.count - 1) bytes, more than the 255 "
            + "that file systems allow; partition by a column of shorter values")
      }
      folder += name
    }
    if !folders.isEmpty { try makeFolder(folder, place: place) }
    return "\(folder)part-\(subtask)-\(sequence).\(suffix)"
  }

  /// Looks at what earlier jobs left: removes files of this subtask that were never completed, and returns the first sequence
  /// that is above all.
  func survey(_ partitions: PartitionPath) -> Int { survey(path, partitions, depth: 0) }

  private func survey(_ folder: String, _ partitions: PartitionPath, depth: Int) -> Int {
    var next = 0
    for name in folderEntries(folder) ?? [] {
      if depth < partitions.depth, partitions.isFolder(name, of: depth) {
        next = max(next, survey("\(folder)\(name)/", partitions, depth: depth + 1))
        continue
      }
      let hidden = OutputFile.name(ofHidden: name)
      guard let sequence = sequence(of: hidden ?? name) else { continue }
      next = max(next, sequence + 1)
      if let hidden { OutputFile.removeAbandoned("\(folder)\(hidden)") }
    }
    return next
  }

  private func sequence(of name: String) -> Int? {
    let (prefix, end) = ("part-\(subtask)-", ".\(suffix)")
    guard name.hasPrefix(prefix), name.hasSuffix(end) else { return nil }
    let digits = name.dropFirst(prefix.count).dropLast(end.count)
    guard let number = Int(digits), number >= 0, number < .max, "\(number)" == digits else { return nil }
    return number
  }
}
