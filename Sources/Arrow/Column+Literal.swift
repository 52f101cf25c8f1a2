import VolleyPlan

extension Column {
  /// The value of a row, `.null` for a null; of a dictionary, the value that the row names. For tests, messages and single values: it looks at the type each time.
  public func literal(at index: Int) -> Literal {
    precondition(index >= 0 && index < length, "a row lies within its column")
    guard isValid(index) else { return .null(type) }
    switch type {
    case .null: return .null(type)
    case .bool: return .bool(bit(index))
    case .int32: return .int32(values(Int32.self)[index])
    case .int64: return .int64(values(Int64.self)[index])
    case .float64: return .float64(values(Double.self)[index])
    case .utf8: return .utf8(String(decoding: utf8(at: index), as: UTF8.self))
    case .timestamp(let unit, let zone): return .timestamp(values(Int64.self)[index], unit, timezone: zone)
    case .int8: return .integer(Int128(values(Int8.self)[index]), type)
    case .int16: return .integer(Int128(values(Int16.self)[index]), type)
    case .uint8: return .integer(Int128(values(UInt8.self)[index]), type)
    case .uint16: return .integer(Int128(values(UInt16.self)[index]), type)
    case .uint32: return .integer(Int128(values(UInt32.self)[index]), type)
    case .uint64: return .integer(Int128(values(UInt64.self)[index]), type)
    case .date32, .time32: return .integer(Int128(values(Int32.self)[index]), type)
    case .date64, .time64, .duration: return .integer(Int128(values(Int64.self)[index]), type)
    case .decimal128: return .integer(values(Int128.self)[index], type)
    case .float16: return .float(Double(values(Float16.self)[index]), type)
    case .float32: return .float(Double(values(Float.self)[index]), type)
    case .interval(let unit): return interval(at: index, unit)
    case .largeUtf8, .utf8View: return .string(String(decoding: bytes(at: index), as: UTF8.self), type)
    case .binary, .largeBinary, .binaryView, .fixedSizeBinary: return .binary(Array(bytes(at: index)), type)
    case .list, .largeList, .fixedSizeList, .map:
      let range = itemRange(index..<(index + 1))
      return .nested(range.map { children[0].literal(at: $0) }, type)
    case .struct: return .nested(children.indices.map { field($0).literal(at: index) }, type)
    case .dictionary: return children[0].literal(at: dictionaryIndex(index))
    }
  }

  private func interval(at index: Int, _ unit: IntervalUnit) -> Literal {
    switch unit {
    case .yearMonth:
      return .interval(months: values(Int32.self)[index], days: 0, nanoseconds: 0, unit)
    case .dayTime:
      let parts = buffers[0].values(Int32.self) + (offset + index) * 2
      return .interval(months: 0, days: parts[0], nanoseconds: Int64(parts[1]) * 1_000_000, unit)
    case .monthDayNano:
      let row = buffers[0].address + (offset + index) * 16
      return .interval(
        months: row.loadUnaligned(as: Int32.self), days: row.loadUnaligned(fromByteOffset: 4, as: Int32.self),
        nanoseconds: row.loadUnaligned(fromByteOffset: 8, as: Int64.self), unit)
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
