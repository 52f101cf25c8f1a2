import Arrow

/// How much a batch holds: worked out once where it is made, then counted by everybody that it passes.
struct BatchSize {
  var rows: Int
  var bytes: Int

  init(rows: Int, bytes: Int) {
    self.rows = rows
    self.bytes = bytes
  }

  /// With a selection the bytes are the columns' share of the selected rows.
  init(_ batch: RecordBatch) {
    rows = batch.rowCount
    let bytes = batch.byteCount
    self.bytes = batch.selection == nil ? bytes : Int(Double(bytes) * (Double(rows) / Double(max(1, batch.length))))
  }
}
