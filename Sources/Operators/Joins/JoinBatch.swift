import Arrow
import Base
import Keys
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
  init(_ batch: RecordBatch, keys: [Int]) throws(Failure) {
    let batch = batch.compacted()
    let withNulls = try Self.withNulls(batch, keys)
    guard !withNulls.isEmpty else {
      rows = batch
      self.keys = keys.map { batch.columns[$0] }
      keyless = nil
      return
    }
    let parts = Self.split(batch.length, withNulls)
    let rows = batch.selecting(parts.keyed ?? Selection([])).compacted()
    self.rows = rows
    self.keys = keys.map { rows.columns[$0] }
    keyless = parts.keyless.map { batch.selecting($0).compacted() }
  }

  /// The rows of a batch without a selection that have a key, and those that have not; nil where there are none.
  static func split(
    _ batch: RecordBatch, keys: [Int]
  ) throws(Failure) -> (keyed: Selection?, keyless: Selection?) {
    split(batch.length, try withNulls(batch, keys))
  }

  private static func split(_ count: Int, _ withNulls: [Column]) -> (keyed: Selection?, keyless: Selection?) {
    var (kept, others): ([Int], [Int]) = ([], [])
    for row in 0..<count {
      if withNulls.allSatisfy({ $0.isValid(row) }) { kept.append(row) } else { others.append(row) }
    }
    return (kept.isEmpty ? nil : Selection(kept), others.isEmpty ? nil : Selection(others))
  }

  /// The columns of the key that have nulls, where their validity says so of each row.
  private static func withNulls(_ batch: RecordBatch, _ keys: [Int]) throws(Failure) -> [Column] {
    var columns: [Column] = []
    for index in keys {
      let column = try nullsTold(batch.columns[index])
      if column.nullCount > 0 { columns.append(column) }
    }
    return columns
  }

  /// A column whose validity says of each row whether its key is null: a row of a dictionary may name a null.
  private static func nullsTold(_ column: Column) throws(Failure) -> Column {
    guard case .dictionary(_, let value, _) = column.type else { return column }
    // The values of a dictionary of dictionaries may name nulls in their turn.
    if case .dictionary = value { return try KeyColumn.plain(column) }
    return column.children[0].nullCount > 0 ? try KeyColumn.plain(column) : column
  }

  /// All rows of a batch without a selection, also those whose keys are null.
  init(all batch: RecordBatch, keys: [Int]) {
    rows = batch
    self.keys = keys.map { batch.columns[$0] }
    keyless = nil
  }

  /// Rows without a selection whose keys need not be columns of theirs.
  init(_ rows: RecordBatch, keyColumns: [Column]) {
    self.rows = rows
    keys = keyColumns
    keyless = nil
  }

  var count: Int { rows.length }
}
