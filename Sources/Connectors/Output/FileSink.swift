import Arrow
import Base
import Dataflow
import Glibc

/// Writes rows as text to a file, which appears when it is complete.
final class FileSink: Sink {
  /// Bytes that are put together before they are written.
  static let chunkBytes = 256 << 10
  /// Rows of a batch that are formatted before what they gave is written: few when they are long.
  static func chunkRows(of batch: RecordBatch) -> Int {
    max(1, min(1024, chunkBytes * batch.length / max(1, batch.byteCount)))
  }

  let blocks = true
  private let target: FileTarget
  private let formatter: any RowFormatter
  private let out = ByteWriter(capacity: FileSink.chunkBytes * 2)
  private var file: OutputFile?

  init(_ target: FileTarget, formatter: any RowFormatter) {
    self.target = target
    self.formatter = formatter
  }

  func open() throws(Failure) {
    file = try target.open()
    formatter.writeHeader(to: out)
  }

  func write(_ batch: RecordBatch) throws(Failure) {
    let step = Self.chunkRows(of: batch)
    var row = 0
    while row < batch.length {
      let end = min(batch.length, row + step)
      formatter.write(batch, row..<end, to: out)
      row = end
      if out.count >= Self.chunkBytes { try flush() }
    }
  }

  func flush() throws(Failure) {
    try file?.write(out.start, out.count)
    out.removeAll()
  }

  func close(complete: Bool) throws(Failure) {
    defer { file = nil }
    guard complete else {
      file?.discard()
      return
    }
    try flush()
    try file?.commit()
    try target.removeFormerParts()
  }
}

/// Where a subtask's file is.
struct FileTarget {
  /// As the plan has it: a file, or a folder when it ends with "/".
  let path: String
  /// "csv", "jsonl".
  let suffix: String
  let subtask: Int
  let parallelism: Int
  /// Leads messages: "sink 'out' (csv)".
  let place: String

  private var isFolder: Bool { path.hasSuffix("/") }

  private func part(_ index: Int) -> String { "\(path)part-\(index).\(suffix)" }

  func open() throws(Failure) -> OutputFile {
    guard isFolder else { return try OutputFile(path: path, place: place) }
    try makeFolder(path, place: place)
    return try OutputFile(path: part(subtask), place: place)
  }

  /// Parts beyond this job's, which an earlier one with more subtasks wrote, would look like rows of this one. The first
  /// subtask removes them when its own part is complete.
  func removeFormerParts() throws(Failure) {
    guard isFolder, subtask == 0, let folder = opendir(path) else { return }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasPrefix("part-"), name.hasSuffix(".\(suffix)") else { continue }
      let number = name.dropFirst("part-".count).dropLast(suffix.count + 1)
      guard let index = Int(number), index >= parallelism, "\(index)" == number else { continue }
      guard unlink(part(index)) == 0 || errno == ENOENT else {
        throw Failure(.io, "\(place): \(part(index)): a former job's part cannot be removed: \(systemError())")
      }
    }
  }
}
