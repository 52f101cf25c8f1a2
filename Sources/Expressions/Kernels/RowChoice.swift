import Arrow

/// One row of a column, or none, for each row of a result.
struct RowChoice {
  private let rows: Buffer
  private let chosen: Words
  private let count: Int

  /// No row for each of `count` rows.
  init(count: Int) {
    self.count = count
    rows = Buffer(byteCount: count * 4)
    rows.unsafeMutableValues(UInt32.self).update(repeating: 0, count: count)
    chosen = Words(repeating: false, count: count)
  }

  func choose(_ source: Int, for row: Int) {
    rows.unsafeMutableValues(UInt32.self)[row] = UInt32(source)
    Bitmap.set(chosen.buffer.unsafeMutableAddress, row, true)
  }

  /// The chosen rows of the column, and nulls.
  func gather(_ column: Column) -> Column {
    if column.length == 0 { return Column.nulls(column.type, count: count) }
    return column.gather(rows.values(UInt32.self), count: count).masked(by: chosen)
  }
}
