import Base
import VolleyPlan

extension DataType {
  /// The number of the type in the union `Type`, and the fields of its table. A dictionary is told by its values' type.
  var flatType: (number: IPCType, fields: FlatFields) {
    switch self {
    case .null: (.null, [])
    case .bool: (.bool, [])
    case .int8: (.int, Self.int(8, true))
    case .int16: (.int, Self.int(16, true))
    case .int32: (.int, Self.int(32, true))
    case .int64: (.int, Self.int(64, true))
    case .uint8: (.int, Self.int(8, false))
    case .uint16: (.int, Self.int(16, false))
    case .uint32: (.int, Self.int(32, false))
    case .uint64: (.int, Self.int(64, false))
    case .float16: (.floatingPoint, [(0, .int16(0))])
    case .float32: (.floatingPoint, [(0, .int16(1))])
    case .float64: (.floatingPoint, [(0, .int16(2))])
    case .utf8: (.utf8, [])
    case .largeUtf8: (.largeUtf8, [])
    case .utf8View: (.utf8View, [])
    case .binary: (.binary, [])
    case .largeBinary: (.largeBinary, [])
    case .binaryView: (.binaryView, [])
    case .fixedSizeBinary(let width): (.fixedSizeBinary, [(0, .int32(Int32(width)))])
    case .date32: (.date, [(0, .int16(0))])
    case .date64: (.date, [(0, .int16(1))])
    case .time32(let unit): (.time, [(0, .int16(unit.number)), (1, .int32(32))])
    case .time64(let unit): (.time, [(0, .int16(unit.number)), (1, .int32(64))])
    case .timestamp(let unit, let zone):
      (.timestamp, [(0, .int16(unit.number))] + (zone.map { [(1, .string($0))] } ?? []))
    case .duration(let unit): (.duration, [(0, .int16(unit.number))])
    case .interval(let unit): (.interval, [(0, .int16(unit.number))])
    case .decimal128(let precision, let scale):
      (.decimal, [(0, .int32(Int32(precision))), (1, .int32(Int32(scale))), (2, .int32(128))])
    case .list: (.list, [])
    case .largeList: (.largeList, [])
    case .fixedSizeList(_, let size): (.fixedSizeList, [(0, .int32(Int32(size)))])
    case .struct: (.record, [])
    case .map(_, _, let sorted): (.map, [(0, .bool(sorted))])
    case .dictionary(_, let value, _): value.flatType
    }
  }

  static func int(_ width: Int32, _ isSigned: Bool) -> FlatFields { [(0, .int32(width)), (1, .bool(isSigned))] }
}
