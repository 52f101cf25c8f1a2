import Arrow
import ArrowTestSupport
import TestSupport
import VolleyPlan

/// Columns of numbers where things go wrong, and of some between, for comparison with pyarrow.
enum WideColumns {
  static let integers: [DataType] = [.int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64]
  static let floats: [DataType] = [.float16, .float32, .float64]
  static let decimals: [DataType] = [
    .decimal128(precision: 38, scale: 10), .decimal128(precision: 12, scale: 2), .decimal128(precision: 5, scale: 0),
  ]
  static let numbers = integers + floats + decimals

  static func integer(_ value: Int128, _ type: DataType) -> Literal {
    switch type {
    case .int32: .int32(Int32(value))
    case .int64: .int64(Int64(value))
    default: .integer(value, type)
    }
  }

  static func value(_ type: DataType, _ generator: inout SeededGenerator) -> Literal {
    switch type {
    case .decimal128(let precision, _):
      let digits = Int.random(in: 0...precision, using: &generator)
      let power = (0..<digits).reduce(Int128(1)) { power, _ in power * 10 }
      // Now and then where the next digit begins, or half of it.
      if Int.random(in: 0..<4, using: &generator) == 0 {
        let edges = [power - 1, 1 - power, power / 2, -power / 2, power / 2 - 1, power / 10, -power / 10]
        return .integer(edges.randomElement(using: &generator)!, type)
      }
      return .integer(Int128.random(in: 1 - power...power - 1, using: &generator), type)
    case .float16, .float32, .float64: return float(type, &generator)
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64:
      let (low, high) = range(type)
      let shift = Int128(Int.random(in: 0..<64, using: &generator))
      let random = Int128.random(in: low...high, using: &generator) >> shift
      // Of few bits, and beside them, where what has fewer bits rounds.
      let (one, other) = (Int.random(in: 0..<64, using: &generator), Int.random(in: 0..<64, using: &generator))
      let few = Int128(1) << Int128(one) + Int128(1) << Int128(other) + Int128.random(in: -1...1, using: &generator)
      let edge = min(max(few * (Bool.random(using: &generator) ? 1 : -1), low), high)
      return integer(
        [low, high, low + 1, high - 1, 0, 1, edge, random, random, random].randomElement(using: &generator)!, type)
    default: return RandomColumns.value(type, &generator)
    }
  }

  static func range(_ type: DataType) -> (Int128, Int128) {
    switch type {
    case .int8: (Int128(Int8.min), Int128(Int8.max))
    case .int16: (Int128(Int16.min), Int128(Int16.max))
    case .int32: (Int128(Int32.min), Int128(Int32.max))
    case .int64: (Int128(Int64.min), Int128(Int64.max))
    case .uint8: (0, Int128(UInt8.max))
    case .uint16: (0, Int128(UInt16.max))
    case .uint32: (0, Int128(UInt32.max))
    default: (0, Int128(UInt64.max))
    }
  }

  private static func float(_ type: DataType, _ generator: inout SeededGenerator) -> Literal {
    let special: [Double] = [
      .nan, .infinity, -.infinity, 0, -0.0, 0.5, -0.5, 2.5, -2.5, 127.9, -128.9, 65504, 2_147_483_647.5,
      9_223_372_036_854_775_808, -9_223_372_036_854_775_808, 18_446_744_073_709_551_616, 1e300, .leastNonzeroMagnitude,
      1e-40,
    ]
    var value: Double
    switch Int.random(in: 0..<6, using: &generator) {
    case 4:
      // A power of two, or the middle of two integers, and its neighbours.
      let power = Double(sign: .plus, exponent: .random(in: -1074...1023, using: &generator), significand: 1)
      let middle =
        Double(Int64.random(in: 0..<1 << 52, using: &generator) >> Int64.random(in: 0..<52, using: &generator)) + 0.5
      let edge = Bool.random(using: &generator) ? power : middle
      value = [edge, edge.nextUp, edge.nextDown, -edge].randomElement(using: &generator)!
    case 0: value = special.randomElement(using: &generator)!
    case 1: value = Double(bitPattern: generator.next())
    case 2: value = .random(in: -300...300, using: &generator)
    default: value = Double(Int.random(in: -4000...4000, using: &generator)) / 8
    }
    // C's fmin, which pyarrow calls, passes over NaN only if it is a quiet one.
    if value.isSignalingNaN { value = .nan }
    if type == .float32 { value = Double(Float(value)) }
    if type == .float16 { value = Double(Float16(value)) }
    return type == .float64 ? .float64(value) : .float(value, type)
  }

  /// Random values with nulls, somewhere in larger buffers; some are empty.
  static func column(_ type: DataType, _ count: Int, _ generator: inout SeededGenerator) -> Column {
    let values = (0..<count).map { _ in
      Int.random(in: 0..<7, using: &generator) == 0 ? Literal.null(type) : value(type, &generator)
    }
    return RandomColumns.column(type, values, offset: Int.random(in: 0...70, using: &generator))
  }

  /// The type as Python says it.
  static func python(_ type: DataType) -> String {
    switch type {
    case .utf8: "pa.string()"
    case .largeUtf8: "pa.large_string()"
    case .utf8View: "pa.string_view()"
    case .binary: "pa.binary()"
    case .largeBinary: "pa.large_binary()"
    case .binaryView: "pa.binary_view()"
    case .fixedSizeBinary(let width): "pa.binary(\(width))"
    case .bool: "pa.bool_()"
    case .decimal128(let precision, let scale): "pa.decimal128(\(precision), \(scale))"
    case .list(let item): "pa.list_(\(python(item.type)))"
    case .largeList(let item): "pa.large_list(\(python(item.type)))"
    case .fixedSizeList(let item, let size): "pa.list_(\(python(item.type)), \(size))"
    case .timestamp(let unit, let zone): "pa.timestamp('\(unit.rawValue)'\(zone.map { ", '\($0)'" } ?? ""))"
    case .time32(let unit): "pa.time32('\(unit.rawValue)')"
    case .time64(let unit): "pa.time64('\(unit.rawValue)')"
    case .duration(let unit): "pa.duration('\(unit.rawValue)')"
    default: "pa.\(type)()"
    }
  }

  /// The rows that hold values, and those of `column` that do in it but not in `other`.
  static func rows(_ column: Column, lost other: Column) -> (kept: Selection, lost: Selection) {
    (
      Selection((0..<column.length).filter { other.isValid($0) }),
      Selection((0..<column.length).filter { column.isValid($0) && !other.isValid($0) })
    )
  }
}

/// Where two columns differ, for a message.
func difference(_ found: Column, _ wanted: Column) -> String? {
  if found.type != wanted.type { return "\(found.type) instead of \(wanted.type)" }
  if found.length != wanted.length { return "\(found.length) rows instead of \(wanted.length)" }
  for row in 0..<found.length where found.slice(row..<(row + 1)) != wanted.slice(row..<(row + 1)) {
    return "row \(row): \(found.text(at: row)) instead of \(wanted.text(at: row))"
  }
  return nil
}
