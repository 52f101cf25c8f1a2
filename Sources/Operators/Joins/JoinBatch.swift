import Arrow
import Base
import VolleyPlan

/// The rows of a batch that can have partners, and those that cannot, since their keys are null.
struct JoinBatch {
  /// Without a selection.
  let rows: RecordBatch
  /// The key's columns of `rows`, none null.
  let keys: [Column]
  /// Nil when there are none.
  let keyless: RecordBatch?

  /// - Parameter keys: the key's columns in the batch.
  init(_ batch: RecordBatch, keys: [Int]) {
    let batch = batch.compacted()
    let columns = keys.map { batch.columns[$0] }
    let withNulls = columns.filter { $0.nullCount > 0 }
    guard !withNulls.isEmpty else {
      rows = batch
      self.keys = columns
      keyless = nil
      return
    }
    var (kept, others): ([Int], [Int]) = ([], [])
    for row in 0..<batch.length {
      if withNulls.allSatisfy({ $0.isValid(row) }) { kept.append(row) } else { others.append(row) }
    }
    let rows = batch.selecting(Selection(kept)).compacted()
    self.rows = rows
    self.keys = keys.map { rows.columns[$0] }
    keyless = batch.selecting(Selection(others)).compacted()
  }

  /// All rows of a batch without a selection, also those whose keys are null.
  init(all batch: RecordBatch, keys: [Int]) {
    rows = batch
    self.keys = keys.map { batch.columns[$0] }
    keyless = nil
  }

  var count: Int { rows.length }
}
