import Arrow
import Base

/// One file of rows while it is being written: what formats them, and the text that has not been written yet.
final class OutputPart {
  private let formatter: any RowFormatter
  private let file: OutputFile
  private let out: ByteWriter
  /// Bytes that went to the file; with the waiting ones, its size.
  private var writtenBytes = 0
  private(set) var rows = 0
  /// When it was opened.
  let since = MonotonicTime.now

  /// Opens the file, under its hidden name, and begins it.
  ///
  /// - Parameters:
  ///   - bufferBytes: memory for waiting text to begin with.
  ///   - place: leads messages: "sink 'out' (csv)".
  init(path: String, formatter: any RowFormatter, bufferBytes: Int, place: String) throws(Failure) {
    self.formatter = formatter
    file = try OutputFile(path: path, place: place)
    out = ByteWriter(capacity: bufferBytes)
    formatter.writeHeader(to: out)
  }

  /// Bytes of the file so far, what waits to be written included.
  var byteCount: Int { writtenBytes + out.count }

  func chunkRows(of batch: RecordBatch) -> Int { formatter.chunkRows(of: batch) }

  func write(_ batch: RecordBatch, _ range: Range<Int>) throws(Failure) {
    formatter.write(batch, range, to: out)
    rows += range.count
    if out.count >= FileSink.chunkBytes { try flush() }
  }

  /// Gives the file what waits.
  func flush() throws(Failure) {
    try file.write(out.start, out.count)
    writtenBytes += out.count
    out.removeAll()
  }

  /// The file is complete, and appears under its own name.
  func commit() throws(Failure) {
    formatter.writeFooter(to: out)
    try flush()
    try file.commit()
  }

  /// The file is not to be.
  func discard() { file.discard() }
}
