import Arrow
import VolleyPlan

extension Column {
  /// Sets the flag of each row whose value is not that of the other column, of the same type and length. Values of nested types count as
  /// different.
  func markDifferences(from other: Column, _ flags: UnsafeMutablePointer<Bool>) {
    switch type.layout {
    case .fixed(width: 1): mark(UInt8.self, other, flags)
    case .fixed(width: 2): mark(UInt16.self, other, flags)
    case .fixed(width: 4): mark(UInt32.self, other, flags)
    case .fixed(width: 8): mark(UInt64.self, other, flags)
    case .fixed(width: 16): mark(UInt128.self, other, flags)
    case .bits:
      for row in 0..<length where !isEqual(row, other, { bit(row) == other.bit(row) }) { flags[row] = true }
    case .fixed, .variable32, .variable64, .view:
      for row in 0..<length where !isEqual(row, other, { bytes(at: row).elementsEqual(other.bytes(at: row)) }) {
        flags[row] = true
      }
    case .none: break
    default: for row in 0..<length { flags[row] = true }
    }
  }

  private func mark<Value: BitwiseCopyable & Equatable>(
    _: Value.Type, _ other: Column, _ flags: UnsafeMutablePointer<Bool>
  ) {
    let (left, right) = (values(Value.self), other.values(Value.self))
    if validity == nil && other.validity == nil {
      for row in 0..<length where left[row] != right[row] { flags[row] = true }
    } else {
      for row in 0..<length where !isEqual(row, other, { left[row] == right[row] }) { flags[row] = true }
    }
  }

  @inline(__always)  // Specialised for the closure, which is then no call.
  private func isEqual(_ row: Int, _ other: Column, _ values: () -> Bool) -> Bool {
    let isValid = isValid(row)
    return isValid == other.isValid(row) && (!isValid || values())
  }
}
