import Calendar
import VolleyPlan

/// Which types meet without being asked to.
///
/// | values | meet in |
/// |---|---|
/// | integers | the smallest integer type that holds both; int64 with uint64: int64, checked |
/// | float16, float32 with integers of 8 or 16 bits | float32 |
/// | float16, float32 with integers of 32 or 64 bits | float64, rounded to the nearest above 2^53 |
/// | floats | the wider |
/// | decimals and integers | the decimal with the larger scale and as many digits in front of the point, at most 38 in all |
/// | decimals with floats | float64 |
/// | text of all layouts | utf8 where the layouts differ |
/// | bytes of all layouts and widths | binary where they differ |
/// | timestamps of one time zone, times of the day, durations | the finer unit |
/// | dates of both kinds | date64 |
/// | dates with timestamps without a time zone | the timestamp: a date is its midnight |
/// | dictionaries | what their values meet in |
/// | null with anything | the other |
///
/// Integer literals take the other side's type when it holds their value.
enum Promotion {
  /// The type that values of both types are promoted to, or nil when they do not meet.
  static func common(_ left: DataType, _ right: DataType) -> DataType? {
    let (left, right) = (left.decoded, right.decoded)
    if left == right { return left }
    if left == .null { return right }
    if right == .null { return left }
    if let met = temporal(left, right) { return met }
    if left.isText, right.isText { return .utf8 }
    if left.isBinary, right.isBinary { return .binary }
    return numeric(left, right)
  }

  private static func temporal(_ left: DataType, _ right: DataType) -> DataType? {
    switch (left, right) {
    case (.timestamp(let unit, let zone), .timestamp(let otherUnit, let otherZone)) where zone == otherZone:
      return .timestamp(finer(unit, otherUnit), timezone: zone)
    case (.date32, .date64), (.date64, .date32): return .date64
    case (.date32, .timestamp(let unit, nil)), (.date64, .timestamp(let unit, nil)),
      (.timestamp(let unit, nil), .date32), (.timestamp(let unit, nil), .date64):
      return .timestamp(unit)
    case (.duration(let unit), .duration(let otherUnit)): return .duration(finer(unit, otherUnit))
    case (.time32(let unit), .time32(let otherUnit)): return .time32(finer(unit, otherUnit))
    case (.time32, .time64(let unit)), (.time64(let unit), .time32): return .time64(unit)
    case (.time64(let unit), .time64(let otherUnit)): return .time64(finer(unit, otherUnit))
    default: return nil
    }
  }

  private static func numeric(_ left: DataType, _ right: DataType) -> DataType? {
    if let a = left.integerShape, let b = right.integerShape { return integer(a, b) }
    if let a = left.floatBits, let b = right.floatBits { return a >= b ? left : right }
    if let bits = left.floatBits { return float(bits, with: right) }
    if let bits = right.floatBits { return float(bits, with: left) }
    guard let a = DecimalTypes.holding(left), let b = DecimalTypes.holding(right) else { return nil }
    return DecimalTypes.common(a, b)
  }

  private static func integer(_ left: IntegerShape, _ right: IntegerShape) -> DataType {
    if left.isSigned == right.isSigned { return IntegerShape(max(left.bits, right.bits), left.isSigned).type }
    let (signed, unsigned) = left.isSigned ? (left, right) : (right, left)
    return IntegerShape(min(64, max(signed.bits, unsigned.bits * 2)), true).type
  }

  private static func float(_ bits: Int, with other: DataType) -> DataType? {
    if case .decimal128 = other { return .float64 }
    guard let shape = other.integerShape else { return nil }
    return bits == 64 || shape.bits > 16 ? .float64 : .float32
  }

  /// The type in which values of both types are compared. Timestamps with time zones are all UTC, so their zones may
  /// differ; a wall clock's reading and a point in time cannot be compared. int64 and uint64 are compared as decimals, in
  /// which no value is lost.
  static func compared(_ left: DataType, _ right: DataType) -> DataType? {
    let (left, right) = (left.decoded, right.decoded)
    switch (left, right) {
    case (.timestamp(let unit, let zone?), .timestamp(let otherUnit, _?)):
      return .timestamp(finer(unit, otherUnit), timezone: zone)
    case (.null, .null): return .bool
    default: break
    }
    if let a = left.integerShape, let b = right.integerShape, a.isSigned != b.isSigned, max(a.bits, b.bits) == 64,
      (a.isSigned ? b : a).bits == 64
    {
      return .decimal128(precision: 20, scale: 0)
    }
    guard let met = common(left, right) else { return nil }
    if met.isText { return .utf8 }
    switch met {
    case .largeBinary, .binaryView: return .binary
    case .float16: return .float32
    default: return met.physical == nil ? nil : met
    }
  }

  /// All expressions in the one type that `rule` finds for them, or nil when they do not meet.
  static func unify(
    _ expressions: [TypedExpression], by rule: (DataType, DataType) -> DataType? = common
  ) -> [TypedExpression]? {
    let literals = expressions.filter(\.isIntegerLiteral)
    let decisive = literals.count == expressions.count ? expressions : expressions.filter { !$0.isIntegerLiteral }
    guard let first = decisive.first?.type, var type = rule(first, first) else { return expressions.isEmpty ? [] : nil }
    for expression in decisive.dropFirst() {
      guard let met = rule(type, expression.type) else { return nil }
      type = met
    }
    for literal in literals where literal.adapted(to: type) == nil {
      guard let met = rule(type, literal.type) else { return nil }
      type = met
    }
    return expressions.map { $0.promoted(to: type) }
  }

  static func finer(_ left: TimeUnit, _ right: TimeUnit) -> TimeUnit {
    left.perSecond >= right.perSecond ? left : right
  }
}

/// Bits and sign of an integer type.
struct IntegerShape {
  let bits: Int
  let isSigned: Bool

  init(_ bits: Int, _ isSigned: Bool) {
    self.bits = bits
    self.isSigned = isSigned
  }

  var type: DataType {
    switch (bits, isSigned) {
    case (8, true): .int8
    case (16, true): .int16
    case (32, true): .int32
    case (8, false): .uint8
    case (16, false): .uint16
    case (32, false): .uint32
    case (_, false): .uint64
    default: .int64
    }
  }
}

extension DataType {
  /// What a dictionary's rows are; every other type itself.
  var decoded: DataType {
    if case .dictionary(_, let value, _) = self { value.decoded } else { self }
  }

  var integerShape: IntegerShape? {
    switch self {
    case .int8: IntegerShape(8, true)
    case .int16: IntegerShape(16, true)
    case .int32: IntegerShape(32, true)
    case .int64: IntegerShape(64, true)
    case .uint8: IntegerShape(8, false)
    case .uint16: IntegerShape(16, false)
    case .uint32: IntegerShape(32, false)
    case .uint64: IntegerShape(64, false)
    default: nil
    }
  }

  var floatBits: Int? {
    switch self {
    case .float16: 16
    case .float32: 32
    case .float64: 64
    default: nil
    }
  }

  var isDecimal: Bool { if case .decimal128 = self { true } else { false } }

  var isNumeric: Bool { integerShape != nil || floatBits != nil || isDecimal }

  var isTimestamp: Bool { if case .timestamp = self { true } else { false } }

  var isText: Bool {
    switch self {
    case .utf8, .largeUtf8, .utf8View: true
    default: false
    }
  }

  /// Bytes of any layout that are not said to be text.
  var isBinary: Bool {
    switch self {
    case .binary, .largeBinary, .binaryView, .fixedSizeBinary: true
    default: false
    }
  }
}
