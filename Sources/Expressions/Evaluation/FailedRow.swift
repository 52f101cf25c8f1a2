import Arrow
import Base

/// Finds the row that an expression has no value for, once a batch has failed.
///
/// The rows are halved and computed again, so that neither kernels nor batches that do not fail have to know where a row comes from. It takes about as
/// long as the batch did, and calls user functions again for its rows.
enum FailedRow {
  /// The failure of the batch's first row that fails, led by what fails of it and by its values: "column 'total', in the row (price: 15, count: 0): …".
  /// What is no row's fault is led by what failed alone.
  ///
  /// - Parameters:
  ///   - failure: of all rows.
  ///   - compute: computes some of them again. Tells, when they fail, what did, and which columns it reads.
  @inline(never)  // Off the path of batches that do not fail.
  static func name(
    _ failure: Failure, in batch: RecordBatch, part: Part,
    _ compute: (RecordBatch) -> (failure: Failure, part: Part)?
  ) -> Failure {
    guard failure.kind == .data else { return failure }
    var rows = batch
    while rows.rowCount > 1 {
      let middle = rows.rowCount / 2
      let earlier = rows.selecting(Selection(0..<middle))
      rows = compute(earlier) == nil ? rows.selecting(Selection(middle..<rows.rowCount)) : earlier
    }
    guard rows.rowCount == 1, let found = compute(rows), found.failure.kind == .data else {
      return failure.within(part.name)
    }
    let row = rows.selection.map { Int($0.rows[0]) } ?? 0
    return found.failure.within("\(found.part.name), in the row \(batch.rowText(row, first: found.part.columns))")
  }

  /// What can fail: an expression among several.
  struct Part {
    /// "column 'total'".
    var name: String
    /// The columns that it reads.
    var columns: [Int]
  }
}
