import VolleyPlan

/// How the values of a column that is built value by value lie in memory.
@usableFromInline
enum ColumnStorage: Sendable, Hashable {
  case bits
  /// Bytes a value.
  case fixed(Int)
  /// Int32 offsets, and the bytes that they delimit.
  case bytes

  /// Nil for a type that is not built so: a struct is built field by field, and any other such column can only be passed
  /// on from an input batch.
  @usableFromInline
  init?(_ type: DataType) {
    switch type {
    case .bool: self = .bits
    case .int8, .uint8: self = .fixed(1)
    case .int16, .uint16, .float16: self = .fixed(2)
    case .int32, .uint32, .float32, .date32, .time32, .interval(.yearMonth): self = .fixed(4)
    case .int64, .uint64, .float64, .date64, .time64, .timestamp, .duration, .interval(.dayTime): self = .fixed(8)
    case .decimal128, .interval(.monthDayNano): self = .fixed(16)
    case .fixedSizeBinary(let width): self = .fixed(width)
    case .utf8, .binary: self = .bytes
    case .null, .largeUtf8, .utf8View, .largeBinary, .binaryView, .list, .largeList, .fixedSizeList, .struct, .map,
      .dictionary:
      return nil
    }
  }

  var bufferCount: Int { self == .bytes ? 3 : 2 }

  /// Bytes of the values or offsets of so many rows.
  func byteCount(_ rows: Int) -> Int {
    switch self {
    case .bits: Bits.byteCount(rows)
    case .fixed(let width): width * rows
    case .bytes: 4 * (rows + 1)
    }
  }
}
