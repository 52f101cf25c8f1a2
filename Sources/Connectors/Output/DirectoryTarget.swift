import Base

/// Where a subtask's files of a directory are.
struct DirectoryTarget {
  /// Ends with "/".
  let path: String
  let names: PartNames
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
    return "\(folder)\(names.name(subtask: subtask, sequence: sequence))"
  }

  /// The first sequence that is above all that earlier jobs left of this subtask, also in part.
  func nextSequence() -> Int {
    var next = 0
    names.forEachFile(in: path) { file in
      if file.subtask == subtask { next = max(next, (file.sequence ?? 0) + 1) }
    }
    return next
  }
}
