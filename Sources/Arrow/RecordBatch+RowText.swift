extension RecordBatch {
  /// A row's columns and values for a message: "(order: 7, item: 'pen', price: null)". Long values are cut, and of many columns some are left out, so
  /// that it takes about 1,000 bytes at most.
  ///
  /// - Parameters:
  ///   - row: a row of the columns, whether it is selected or not.
  ///   - first: the columns that are the last to be left out.
  public func rowText(_ row: Int, first: [Int] = []) -> String {
    let limit = 1000
    var cells = [String?](repeating: nil, count: columns.count)
    var size = 0
    for column in first + Array(columns.indices) where cells[column] == nil {
      if size > limit { break }
      let cell = "\(schema.fields[column].name): \(ValueText.of(columns[column], row))"
      size += cell.utf8.count
      cells[column] = cell
    }
    let shown = cells.compactMap { $0 }
    let left = columns.count - shown.count
    return "(\((left > 0 ? shown + ["… \(left) more"] : shown).joined(separator: ", ")))"
  }
}
