import Arrow

/// Turns batches into text. One instance a sink.
protocol RowFormatter: AnyObject {
  /// What comes before the first row.
  func writeHeader(to out: ByteWriter)
  /// Appends rows `rows` of the batch, each with its line end.
  func write(_ batch: RecordBatch, _ rows: Range<Int>, to out: ByteWriter)
}
