/// By value: type, length, nulls and the values that are not null. Offsets, capacities and the bytes behind nulls do not
/// count. Floats are compared by their bits, but all NaNs are equal.
extension Column: Equatable {
  public static func == (left: Column, right: Column) -> Bool {
    guard left.type == right.type, left.length == right.length else { return false }
    for row in 0..<left.length where !left.isEqual(row, to: right, row) { return false }
    return true
  }

  /// Whether a row of this column and one of another column of the type have the same value, or are both null.
  public func isEqual(_ row: Int, to other: Column, _ otherRow: Int) -> Bool {
    let isValid = isValid(row)
    guard isValid == other.isValid(otherRow) else { return false }
    guard isValid else { return true }
    switch type {
    case .float16: return Self.same(values(Float16.self)[row], other.values(Float16.self)[otherRow])
    case .float32: return Self.same(values(Float.self)[row], other.values(Float.self)[otherRow])
    case .float64: return Self.same(values(Double.self)[row], other.values(Double.self)[otherRow])
    default: break
    }
    switch type.layout {
    case .none: return true
    case .bits: return bit(row) == other.bit(otherRow)
    case .fixed, .variable32, .variable64, .view: return bytes(at: row).elementsEqual(other.bytes(at: otherRow))
    case .list32, .list64, .fixedList:
      let items = children[0].slice(itemRange(row..<(row + 1)))
      return items == other.children[0].slice(other.itemRange(otherRow..<(otherRow + 1)))
    case .record:
      return children.indices.allSatisfy { field($0).isEqual(row, to: other.field($0), otherRow) }
    case .dictionary:
      return children[0].isEqual(dictionaryIndex(row), to: other.children[0], other.dictionaryIndex(otherRow))
    }
  }

  private static func same<Value: BinaryFloatingPoint>(_ left: Value, _ right: Value) -> Bool {
    left.isNaN && right.isNaN || left == right && left.sign == right.sign
  }
}

/// Schemas and the rows that count, by value.
extension RecordBatch: Equatable {
  public static func == (left: RecordBatch, right: RecordBatch) -> Bool {
    left.schema == right.schema && left.rowCount == right.rowCount
      && left.schema.fields.indices.allSatisfy { left.compactedColumn($0) == right.compactedColumn($0) }
  }
}
