import Arrow
import VolleyPlan

/// What the rows of a changelog do.
enum RowChanges {
  /// By row of a batch: whether it takes back a former one.
  static func takenBack(_ batch: RecordBatch, kinds: Int?) -> [Bool] {
    guard let kinds else { return [Bool](repeating: false, count: batch.length) }
    return (0..<batch.length).map { row in
      Self.is(batch.columns[kinds], row, .updateBefore) || Self.is(batch.columns[kinds], row, .delete)
    }
  }

  static func `is`(_ kinds: Column, _ row: Int, _ kind: RowKind) -> Bool {
    kinds.isValid(row) && kinds.utf8(at: row).elementsEqual(kind.rawValue.utf8)
  }
}
