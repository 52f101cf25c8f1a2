import Arrow
import Base
import Dataflow
import Glibc

/// Writes rows to one output: a file, which appears when it is complete, or standard output.
final class FileSink: Sink {
  /// Bytes that are put together before they are written.
  static let chunkBytes = 256 << 10

  let blocks = true
  private let target: any OutputTarget
  private let formatter: any RowFormatter
  private let compression: OutputCompression?
  private var part: OutputPart?

  init(_ target: any OutputTarget, formatter: any RowFormatter, compression: OutputCompression? = nil) {
    self.target = target
    self.formatter = formatter
    self.compression = compression
  }

  func open() throws(Failure) { part = try target.open(formatter, compression.map { CompressorPool($0) }) }

  func write(_ batch: RecordBatch) throws(Failure) {
    let step = formatter.chunkRows(of: batch)
    var row = 0
    while row < batch.length {
      let end = min(batch.length, row + step)
      try part?.write(batch, row..<end)
      row = end
    }
  }

  func flush() throws(Failure) { try part?.flush() }

  func close(complete: Bool) throws(Failure) {
    defer { part = nil }
    guard complete else {
      part?.discard()
      return
    }
    try part?.commit()
    try target.finish()
  }
}

/// Where a subtask's rows go.
protocol OutputTarget: Sendable {
  func open(_ formatter: any RowFormatter, _ compressors: CompressorPool?) throws(Failure) -> OutputPart
  /// The part is complete.
  func finish() throws(Failure)
}

/// Where a subtask's file is.
struct FileTarget: OutputTarget {
  /// As the plan has it: a file, or a folder when it ends with "/".
  let path: String
  let names: PartNames
  let subtask: Int
  let parallelism: Int
  /// Leads messages: "sink 'out' (csv)".
  let place: String

  private var isFolder: Bool { path.hasSuffix("/") }

  private func part(_ index: Int) -> String { path + names.name(subtask: index) }

  func open(_ formatter: any RowFormatter, _ compressors: CompressorPool?) throws(Failure) -> OutputPart {
    if isFolder {
      try makeFolder(path, place: place)
      try refuseEpochs()
    }
    return try OutputPart(
      path: isFolder ? part(subtask) : path, formatter: formatter, bufferBytes: FileSink.chunkBytes * 2, place: place,
      compressors: compressors)
  }

  /// Parts beyond this job's, which an earlier one with more subtasks wrote, would look like rows of this one. The first
  /// subtask removes them when its own part is complete.
  func finish() throws(Failure) {
    guard isFolder, subtask == 0 else { return }
    for name in folderEntries(path) ?? [] {
      guard let (index, sequence) = names.numbers(of: name), sequence == nil, index >= parallelism else { continue }
      guard unlink(part(index)) == 0 || errno == ENOENT else {
        throw Failure(
          .io,
          "\(place): \(part(index)): a former job's part cannot be removed: \(systemError()); remove it, because its rows "
            + "look like this job's")
      }
    }
  }

  /// A run with epochs has left rows in files that this one, which replaces a former run's, would leave beside its own.
  private func refuseEpochs() throws(Failure) {
    for name in folderEntries(path) ?? [] {
      guard let numbers = names.numbers(of: name), numbers.sequence != nil else { continue }
      throw Failure(
        .usage,
        "\(place): '\(path)' holds files of a run with checkpoints, such as '\(name)', which this one without them would not "
          + "replace; remove them or give another path")
    }
  }
}
