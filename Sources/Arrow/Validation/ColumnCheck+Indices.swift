import VolleyPlan

extension ColumnCheck {
  func indices(_ column: inout Column, _ path: String) throws(ColumnFault) {
    guard case .dictionary(let index, _, _) = column.type else {
      preconditionFailure("only a dictionary's indices are checked")
    }
    // A negative index, read as unsigned, lies beyond every dictionary but one of more values than its type counts.
    switch index {
    case .int8: try indices(&column, UInt8.self, largest: UInt8(Int8.max), path)
    case .int16: try indices(&column, UInt16.self, largest: UInt16(Int16.max), path)
    case .int32: try indices(&column, UInt32.self, largest: UInt32(Int32.max), path)
    case .int64: try indices(&column, UInt64.self, largest: UInt64(Int64.max), path)
    case .uint8: try indices(&column, UInt8.self, largest: .max, path)
    case .uint16: try indices(&column, UInt16.self, largest: .max, path)
    case .uint32: try indices(&column, UInt32.self, largest: .max, path)
    case .uint64: try indices(&column, UInt64.self, largest: .max, path)
    default: throw ColumnFault(path, "has a dictionary with indices of type \(index); they must be integers")
    }
  }

  /// - Parameter largest: the largest index that the type counts.
  private func indices<Index: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    _ column: inout Column, _: Index.Type, largest: Index, _ path: String
  ) throws(ColumnFault) {
    let count = column.children[0].length
    let indices = column.values(Index.self)
    var highest: Index = 0
    for row in 0..<column.length { highest = max(highest, indices[row]) }
    if highest <= largest, Int(clamping: highest) < count { return }
    var hasStrays = false
    for row in 0..<column.length where indices[row] > largest || Int(clamping: indices[row]) >= count {
      guard !column.isValid(row) else {
        let negative = indices[row] > largest ? ", read as unsigned," : ""
        throw ColumnFault(
          path, "has index \(indices[row])\(negative) in row \(row), and \(count) values in its dictionary")
      }
      // There is nothing better than 0, not even when there are no values.
      if indices[row] != 0 { hasStrays = true }
    }
    guard hasStrays else { return }
    let copy = Buffer(byteCount: (column.offset + column.length) * MemoryLayout<Index>.size)
    copy.unsafeMutableAddress.copyMemory(from: column.buffers[0].address, byteCount: copy.byteCount)
    let cleared = copy.unsafeMutableValues(Index.self) + column.offset
    for row in 0..<column.length where !column.isValid(row) { cleared[row] = 0 }
    column.buffers[0] = copy
  }
}
