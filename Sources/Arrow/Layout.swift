import VolleyPlan

/// How a type's values lie in memory. Operators and kernels switch on this, never on the logical type, so that a new
/// logical type with a known layout needs no new kernel.
/// Source: https://arrow.apache.org/docs/format/Columnar.html#physical-memory-layout
public enum Layout: Sendable, Hashable {
  /// No buffers: every row is null, and the validity says so.
  case none
  /// Buffers: bits.
  case bits
  /// Buffers: values of that many bytes.
  case fixed(width: Int)
  /// Buffers: `length + 1` Int32 offsets, bytes.
  case variable32
  /// Buffers: `length + 1` Int64 offsets, bytes.
  case variable64
  /// Buffers: views of 16 bytes, then any number of buffers that they point into.
  case view
  /// Buffers: `length + 1` Int32 offsets. Child: the items that they speak of.
  case list32
  /// Buffers: `length + 1` Int64 offsets. Child: the items that they speak of.
  case list64
  /// No buffers. Child: the items; those of row i are `(offset + i) * size ..< (offset + i + 1) * size`.
  case fixedList(size: Int)
  /// No buffers. Children: the fields; row i is row `offset + i` of each.
  case record
  /// Buffers: indices of that many bytes. Child: the values that they name.
  case dictionary(width: Int)
}

extension DataType {
  public var layout: Layout {
    switch self {
    case .null: .none
    case .bool: .bits
    case .int8, .uint8: .fixed(width: 1)
    case .int16, .uint16, .float16: .fixed(width: 2)
    case .int32, .uint32, .float32, .date32, .time32, .interval(.yearMonth): .fixed(width: 4)
    case .int64, .uint64, .float64, .date64, .time64, .timestamp, .duration, .interval(.dayTime): .fixed(width: 8)
    case .decimal128, .interval(.monthDayNano): .fixed(width: 16)
    case .fixedSizeBinary(let width): .fixed(width: width)
    case .utf8, .binary: .variable32
    case .largeUtf8, .largeBinary: .variable64
    case .utf8View, .binaryView: .view
    case .list, .map: .list32
    case .largeList: .list64
    case .fixedSizeList(_, let size): .fixedList(size: size)
    case .struct: .record
    case .dictionary(let index, _, _):
      switch index.layout {
      case .fixed(let width): .dictionary(width: width)
      default: preconditionFailure("the indices of a dictionary are integers")
      }
    }
  }

  /// The fields of a column's children, in their order.
  public var childFields: [Field] {
    switch self {
    case .list(let item), .largeList(let item), .fixedSizeList(let item, _): [item]
    case .struct(let fields): fields
    case .map(let key, let value, _): [Field("entries", .struct([key, value]), nullable: false)]
    case .dictionary(_, let value, _): [Field("values", value)]
    default: []
    }
  }
}
