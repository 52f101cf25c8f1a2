import Glibc

/// By value: type, length, nulls and the values that are not null. Offsets, capacities and the bytes behind nulls do not
/// count. Floats are compared by their bits, but all NaNs are equal.
extension Column: Equatable {
  public static func == (left: Column, right: Column) -> Bool {
    guard left.type == right.type, left.length == right.length else { return false }
    let isFloat = left.type == .float64
    for row in 0..<left.length {
      let isValid = left.isValid(row)
      guard isValid == right.isValid(row) else { return false }
      guard isValid else { continue }
      let areEqual =
        switch left.type.layout {
        case .bits: left.bit(row) == right.bit(row)
        case .fixed(let width):
          left.bytes(row, width, equal: right)
            || isFloat && left.values(Double.self)[row].isNaN && right.values(Double.self)[row].isNaN
        case .variable32: left.utf8(at: row).elementsEqual(right.utf8(at: row))
        }
      guard areEqual else { return false }
    }
    return true
  }

  private func bytes(_ row: Int, _ width: Int, equal other: Column) -> Bool {
    memcmp(buffers[0].address + (offset + row) * width, other.buffers[0].address + (other.offset + row) * width, width)
      == 0
  }
}

/// Schemas and the rows that count, by value.
extension RecordBatch: Equatable {
  public static func == (left: RecordBatch, right: RecordBatch) -> Bool {
    left.schema == right.schema && left.rowCount == right.rowCount
      && left.schema.fields.indices.allSatisfy { left.compactedColumn($0) == right.compactedColumn($0) }
  }
}
