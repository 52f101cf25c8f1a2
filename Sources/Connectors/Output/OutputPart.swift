import Arrow
import Base

/// One file of rows, or standard output, while it is being written: what formats them, and the text that has not been written yet.
final class OutputPart {
  private let formatter: any RowFormatter
  let file: any ByteOutput
  private let out: ByteWriter
  private let compressors: CompressorPool?
  private var compressor: Compressor?
  /// Bytes that went to the file; with the waiting ones, its size.
  private var writtenBytes = 0
  private(set) var rows = 0
  /// When it was opened.
  let since = MonotonicTime.now

  /// Begins what goes to `file`.
  ///
  /// - Parameters:
  ///   - bufferBytes: memory for waiting text to begin with.
  ///   - compressors: nil for plain bytes.
  ///   - length: bytes that the file has already, its beginning among them.
  init(
    _ file: any ByteOutput, formatter: any RowFormatter, bufferBytes: Int, compressors: CompressorPool? = nil,
    behind length: Int64 = 0
  ) throws(Failure) {
    self.file = file
    self.formatter = formatter
    self.compressors = compressors
    compressor = try compressors?.take()
    compressor?.restart()
    out = ByteWriter(capacity: bufferBytes)
    writtenBytes = Int(length)
    if length == 0 { formatter.writeHeader(to: out) }
  }

  /// Opens the file, under its hidden name, and begins it.
  ///
  /// - Parameter place: leads messages: "sink 'out' (csv)".
  convenience init(
    path: String, formatter: any RowFormatter, bufferBytes: Int, place: String, compressors: CompressorPool? = nil,
    hiding: HiddenName = .untilDone
  ) throws(Failure) {
    try self.init(
      try OutputFile(path: path, place: place, hiding: hiding), formatter: formatter, bufferBytes: bufferBytes,
      compressors: compressors)
  }

  /// Bytes of the file so far, what waits to be written included. Of a compressed file what waits is counted as it is, until
  /// `settle`.
  var byteCount: Int { writtenBytes + out.count }

  func chunkRows(of batch: RecordBatch) -> Int { formatter.chunkRows(of: batch) }

  func write(_ batch: RecordBatch, _ range: Range<Int>) throws(Failure) {
    formatter.write(batch, range, to: out)
    if let failure = formatter.failure { throw failure }
    rows += range.count
    if out.count >= FileSink.chunkBytes { try writeOut() }
  }

  /// What was written is in the file, for readers to see. What is compressed waits in a file that nobody reads before it is
  /// complete: a whole at every pause would make it larger than plain text.
  func flush() throws(Failure) {
    try writeOut()
    if let compressor, file.isSeen { writtenBytes += try compressor.endWhole(to: file) }
  }

  /// Makes `byteCount` as exact as it can be.
  func settle() throws(Failure) { if compressor != nil { try writeOut() } }

  /// Gives the file what waits.
  private func writeOut() throws(Failure) {
    if let compressor {
      writtenBytes += try compressor.write(UnsafeRawBufferPointer(start: out.start, count: out.count), to: file)
    } else {
      try file.write(out.start, out.count)
      writtenBytes += out.count
    }
    out.removeAll()
  }

  /// What was written is on the disk, and could be read up to here; more may follow.
  func checkpoint() throws(Failure) {
    try writeOut()
    if let compressor { writtenBytes += try compressor.endWhole(to: file) }
    try file.sync()
  }

  /// The file is complete, and on the disk under its hidden name.
  func finish() throws(Failure) {
    try end()
    try file.sync()
    leave()
  }

  /// Goes from the file, which stays under its hidden name.
  func leave() {
    file.leave()
    release()
  }

  /// The file is complete, and appears under its own name.
  func commit() throws(Failure) {
    try end()
    try file.commit()
    release()
  }

  private func end() throws(Failure) {
    formatter.writeFooter(to: out)
    if let failure = formatter.failure { throw failure }
    try writeOut()
    if let compressor { writtenBytes += try compressor.endWhole(evenEmpty: writtenBytes == 0, to: file) }
  }

  /// The file is not to be.
  func discard() {
    file.discard()
    release()
  }

  private func release() {
    if let compressor { compressors?.giveBack(compressor) }
    compressor = nil
  }
}
