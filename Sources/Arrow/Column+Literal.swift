import VolleyPlan

extension Column {
  /// The value of a row, `.null` for a null. For tests, messages and single values: it looks at the type each time.
  public func literal(at index: Int) -> Literal {
    precondition(index >= 0 && index < length, "a row lies within its column")
    guard isValid(index) else { return .null(type) }
    switch type {
    case .bool: return .bool(bit(index))
    case .int32: return .int32(values(Int32.self)[index])
    case .int64: return .int64(values(Int64.self)[index])
    case .float64: return .float64(values(Double.self)[index])
    case .utf8: return .utf8(String(decoding: utf8(at: index), as: UTF8.self))
    case .timestamp(let unit, let zone): return .timestamp(values(Int64.self)[index], unit, timezone: zone)
    }
  }

  /// The bytes of a row of a `variable32` column; undefined for a null. Valid while the column's buffers are alive.
  @inlinable
  public func utf8(at index: Int) -> UnsafeBufferPointer<UInt8> {
    let offsets = offsets32
    let start = Int(offsets[index])
    return UnsafeBufferPointer(start: bytes + start, count: Int(offsets[index + 1]) - start)
  }
}
