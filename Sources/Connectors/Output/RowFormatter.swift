import Arrow
import Base

/// Turns batches into the bytes of a file or stream. One instance a file.
protocol RowFormatter: AnyObject {
  /// What comes before the first row.
  func writeHeader(to out: ByteWriter)
  /// Appends rows `rows` of the batch.
  func write(_ batch: RecordBatch, _ rows: Range<Int>, to out: ByteWriter)
  /// What comes behind the last row of a file that is complete.
  func writeFooter(to out: ByteWriter)
  /// Why what was given could not be written; nil: it could.
  var failure: Failure? { get }
  /// Whether rows are best written in the batches that they come in, rather than a few at a time.
  var keepsBatches: Bool { get }
}

extension RowFormatter {
  func writeFooter(to out: ByteWriter) {}
  var failure: Failure? { nil }
  var keepsBatches: Bool { false }

  /// Rows of a batch that are formatted before what they gave is written: few when they are long.
  func chunkRows(of batch: RecordBatch) -> Int {
    if keepsBatches { return max(1, batch.length) }
    return max(1, min(1024, FileSink.chunkBytes * batch.length / max(1, batch.byteCount)))
  }
}
