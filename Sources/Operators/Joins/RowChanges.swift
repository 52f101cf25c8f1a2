import Arrow
import VolleyPlan

/// Rows of a stream that may be a changelog, as the last word on their keys: "-U" is left out, since "+U" follows it.
struct RowChanges {
  /// Without a selection.
  let rows: RecordBatch

  /// - Parameters:
  ///   - batch: without a selection.
  ///   - kinds: the column `row_kind`; nil: all rows are new ones.
  init(_ batch: RecordBatch, kinds: Int? = nil) {
    guard let kinds else {
      rows = batch
      return
    }
    let column = batch.columns[kinds]
    let kept = (0..<batch.length).filter { !Self.is(column, $0, .updateBefore) }
    rows = kept.count == batch.length ? batch : batch.selecting(Selection(kept)).compacted()
  }

  /// By row of a batch: whether it takes back a former one.
  static func takenBack(_ batch: RecordBatch, kinds: Int?) -> [Bool] {
    guard let kinds else { return [Bool](repeating: false, count: batch.length) }
    return (0..<batch.length).map { row in
      Self.is(batch.columns[kinds], row, .updateBefore) || Self.is(batch.columns[kinds], row, .delete)
    }
  }

  /// The rows that say that there is none any more; nil when there are none of these.
  static func ends(of batch: RecordBatch, kinds: Int?) -> Selection? {
    guard let kinds else { return nil }
    let ends = (0..<batch.length).filter { Self.is(batch.columns[kinds], $0, .delete) }
    return ends.isEmpty ? nil : Selection(ends)
  }

  private static func `is`(_ kinds: Column, _ row: Int, _ kind: RowKind) -> Bool {
    kinds.isValid(row) && kinds.utf8(at: row).elementsEqual(kind.rawValue.utf8)
  }
}
