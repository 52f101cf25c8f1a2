/// A source's unit of reading: a range of a file.
struct FileSplit: Sendable, Hashable {
  var path: String
  /// Records that begin in `start`..<`end` belong to it; `end` is past every file for the last split of one.
  var start: Int64
  var end: Int64
  /// Bytes of the whole file when its splits were made, if it is one that is split by them.
  var fileBytes: Int64?
}

extension FileSplit {
  /// Bytes of a split of a file that can be split. A property of the files alone, never of the parallelism, so that the
  /// splits of a job are the same however many subtasks share them.
  static let size: Int64 = 32 << 20

  /// The splits of a file, in order.
  static func splits(of path: String, byteCount: Int64, isSplittable: Bool, size: Int64 = FileSplit.size) -> [FileSplit]
  {
    let count = isSplittable ? max(1, (byteCount + size - 1) / size) : 1
    return (0..<count).map {
      FileSplit(path: path, start: $0 * size, end: $0 == count - 1 ? .max : ($0 + 1) * size, fileBytes: byteCount)
    }
  }

  /// What subtask `index` of `parallelism` reads: every `parallelism`th split.
  static func assigned(_ splits: [FileSplit], to index: Int, of parallelism: Int) -> [FileSplit] {
    splits.enumerated().filter { $0.offset % parallelism == index }.map(\.element)
  }
}
