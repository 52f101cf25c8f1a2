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
    guard keys.contains(where: { batch.columns[$0].nullCount > 0 }) else {
      rows = batch
      self.keys = keys.map { batch.columns[$0] }
      keyless = nil
      return
    }
    let parts = Self.split(batch, keys: keys)
    let rows = batch.selecting(parts.keyed ?? Selection([])).compacted()
    self.rows = rows
    self.keys = keys.map { rows.columns[$0] }
    keyless = parts.keyless.map { batch.selecting($0).compacted() }
  }

  /// The rows of a batch without a selection that have a key, and those that have not; nil where there are none.
  static func split(_ batch: RecordBatch, keys: [Int]) -> (keyed: Selection?, keyless: Selection?) {
    let withNulls = keys.map { batch.columns[$0] }.filter { $0.nullCount > 0 }
    var (kept, others): ([Int], [Int]) = ([], [])
    for row in 0..<batch.length {
      if withNulls.allSatisfy({ $0.isValid(row) }) { kept.append(row) } else { others.append(row) }
    }
    return (kept.isEmpty ? nil : Selection(kept), others.isEmpty ? nil : Selection(others))
  }

  /// All rows of a batch without a selection, also those whose keys are null.
  init(all batch: RecordBatch, keys: [Int]) {
    rows = batch
    self.keys = keys.map { batch.columns[$0] }
    keyless = nil
  }

  var count: Int { rows.length }
}
