import Arrow
import Base
import VolleyPlan

/// Runs what may fail for single rows so that those rows become null.
enum NullOnError {
  /// The column that `compute` gives for rows `0 ..< count`, null in the rows for which it fails with a `data` failure.
  ///
  /// Rows that fail are found by halving: one of n rows costs log n calls over ever fewer rows, about twice the whole.
  static func apply(
    _ type: DataType, count: Int, _ compute: (Range<Int>) throws(Failure) -> Column
  ) throws(Failure) -> Column {
    var parts: [Column] = []
    try collect(type, 0..<count, &parts, compute)
    return try Column.concatenate(parts)
  }

  private static func collect(
    _ type: DataType, _ rows: Range<Int>, _ parts: inout [Column], _ compute: (Range<Int>) throws(Failure) -> Column
  ) throws(Failure) {
    do {
      parts.append(try compute(rows))
    } catch {
      guard error.kind == .data, !rows.isEmpty else { throw error }
      if rows.count == 1 {
        parts.append(Column.nulls(type, count: 1))
        return
      }
      let middle = rows.lowerBound + rows.count / 2
      try collect(type, rows.lowerBound..<middle, &parts, compute)
      try collect(type, middle..<rows.upperBound, &parts, compute)
    }
  }
}
