import Arrow
import Base
import Calendar
import VolleyPlan

/// Casts from and to text.
///
/// To text: integers in decimal; floats as the shortest decimal that reads back as the same value ("1.5", "1e+16", "inf",
/// "nan"); decimals with all digits of their scale; bool as "true" and "false"; dates, times and timestamps in ISO 8601 with
/// the digits of their unit
/// ("2024-05-01T12:00:00.000000", with a final "Z" when they have a time zone). From text: the same forms and nothing
/// around them; see `NumberText` and `ISO8601`. A text with an
/// offset means that point in time, of which a timestamp without a time zone keeps the reading in UTC. One without an offset
/// is a wall clock's reading: it is refused for a time zone other than UTC, since its offset is not known.
enum TextCasts {
  static func parse(_ column: Column, as target: DataType, _ policy: FailurePolicy) throws(Failure) -> Column {
    switch target {
    case .bool: try parseBool(column, policy)
    case .int8: try integers(column, target, Int8.self, policy)
    case .int16: try integers(column, target, Int16.self, policy)
    case .int32: try integers(column, target, Int32.self, policy)
    case .int64: try integers(column, target, Int64.self, policy)
    case .uint8: try integers(column, target, UInt8.self, policy)
    case .uint16: try integers(column, target, UInt16.self, policy)
    case .uint32: try integers(column, target, UInt32.self, policy)
    case .uint64: try integers(column, target, UInt64.self, policy)
    case .float16:
      try parse(column, target, numberForm, policy) { text throws(Failure) in NumberText.half(text) }
    case .float32: try parse(column, target, numberForm, policy) { text throws(Failure) in NumberText.float(text) }
    case .float64: try parse(column, target, numberForm, policy) { text throws(Failure) in NumberText.double(text) }
    case .decimal128(let precision, let scale):
      try parse(column, target, "a decimal number such as -1.5 with no more digits", policy) { text throws(Failure) in
        DecimalText.read(text, precision: precision, scale: scale)
      }
    case .timestamp(let unit, let zone):
      try parse(column, target, timestampForm(zone), policy) { text throws(Failure) in timestamp(text, unit, zone) }
    case .date32:
      try parse(column, target, "2024-05-01", policy) { text throws(Failure) in
        date(text).flatMap { Int32(exactly: $0) }
      }
    case .date64:
      try parse(column, target, "2024-05-01", policy) { text throws(Failure) in date(text).map { $0 * 86_400_000 } }
    case .time32(let unit):
      try parse(column, target, timeForm, policy) { text throws(Failure) in
        time(text, unit).flatMap { Int32(exactly: $0) }
      }
    case .time64(let unit):
      try parse(column, target, timeForm, policy) { text throws(Failure) in time(text, unit) }
    case .utf8: column
    default: preconditionFailure("text is not cast to \(target)")
    }
  }

  private static let numberForm = "a decimal number such as -1.5 or 2e10, or inf, -inf, nan"

  private static func integers<Value: IntegerValue>(
    _ column: Column, _ target: DataType, _: Value.Type, _ policy: FailurePolicy
  ) throws(Failure) -> Column {
    try parse(column, target, "digits with an optional sign", policy) { text throws(Failure) -> Value? in
      NumberText.integer(text, as: Value.self)
    }
  }

  /// Each value's text made a value by `read`, which gives nil for a text that is none.
  @inline(__always)  // One loop a type, with `read` called directly.
  static func parse<Value: BitwiseCopyable & ExpressibleByIntegerLiteral>(
    _ column: Column, _ target: DataType, _ form: String, _ policy: FailurePolicy,
    _ read: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Value?
  ) throws(Failure) -> Column {
    let buffer = Buffer(byteCount: column.length * MemoryLayout<Value>.size)
    let values = buffer.unsafeMutableValues(Value.self)
    let texts = TextInput(column)
    var failed: Words?
    for row in 0..<column.length {
      values[row] = 0
      guard column.isValid(row) else { continue }
      if let value = try read(texts[row]) {
        values[row] = value
      } else {
        try note(texts[row], row, column.length, target, form, policy, &failed)
      }
    }
    return column.replacing(values: buffer, type: target).clearing(failed)
  }

  /// Throws for a text that is no value, or marks its row.
  @inline(never)  // Off the path of texts that are read.
  private static func note(
    _ text: UnsafeBufferPointer<UInt8>, _ row: Int, _ count: Int, _ target: DataType, _ form: String,
    _ policy: FailurePolicy, _ failed: inout Words?
  ) throws(Failure) {
    guard policy == .null else { throw CastFailure.unreadable(text, target, form: form) }
    let words = failed ?? Words(repeating: false, count: count)
    Bitmap.set(words.buffer.unsafeMutableAddress, row, true)
    failed = words
  }

  /// What a timestamp's text looks like, for messages.
  private static func timestampForm(_ zone: String?) -> String {
    if let zone, !FixedOffset.isUTC(zone) {
      return "2024-05-01T12:00:00Z with at most the unit's digits, and here not without an offset"
    }
    return "2024-05-01 or 2024-05-01T12:00:00Z with at most the unit's digits"
  }

  private static let timeForm = "12:30 or 12:30:15 with at most the unit's digits"

  private static func date(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
    text.baseAddress.flatMap { ISO8601.readDate($0, $0 + text.count) }
  }

  private static func time(_ text: UnsafeBufferPointer<UInt8>, _ unit: TimeUnit) -> Int64? {
    text.baseAddress.flatMap { ISO8601.readTime($0, $0 + text.count, unit: unit) }
  }

  private static func timestamp(_ text: UnsafeBufferPointer<UInt8>, _ unit: TimeUnit, _ zone: String?) -> Int64? {
    guard let start = text.baseAddress else { return nil }
    var value: Int64 = 0
    switch ISO8601.read(start, start + text.count, unit: unit, .strict, &value) {
    case .withOffset: return value
    case .withoutOffset: return zone.map { FixedOffset.isUTC($0) } ?? true ? value : nil
    case .malformed, .outOfRange: return nil
    }
  }

  private static func parseBool(_ column: Column, _ policy: FailurePolicy) throws(Failure) -> Column {
    let words = Words(repeating: false, count: column.length)
    let texts = TextInput(column)
    var failed: Words?
    for row in 0..<column.length where column.isValid(row) {
      guard let value = NumberText.bool(texts[row]) else {
        try note(texts[row], row, column.length, .bool, "true or false, 1 or 0", policy, &failed)
        continue
      }
      if value { Bitmap.set(words.buffer.unsafeMutableAddress, row, true) }
    }
    return words.column(validity: commonValidity([column], count: column.length)).clearing(failed)
  }

  static func format(_ column: Column) throws(Failure) -> Column {
    switch column.type {
    case .utf8: return column
    case .bool:
      return try format(column, width: 5) { row, target in
        NumberText.write(column.bit(row) ? "true" : "false", to: target)
      }
    case .int8: return try integers(column, Int8.self)
    case .int16: return try integers(column, Int16.self)
    case .int32: return try integers(column, Int32.self)
    case .int64: return try integers(column, Int64.self)
    case .uint8: return try integers(column, UInt8.self)
    case .uint16: return try integers(column, UInt16.self)
    case .uint32: return try integers(column, UInt32.self)
    case .uint64: return try integers(column, UInt64.self)
    case .float16:
      let values = column.values(Float16.self)
      return try format(column, width: NumberText.doubleWidth) { NumberText.write(values[$0], to: $1) }
    case .float32:
      let values = column.values(Float.self)
      return try format(column, width: NumberText.doubleWidth) { NumberText.write(values[$0], to: $1) }
    case .float64:
      let values = column.values(Double.self)
      return try format(column, width: NumberText.doubleWidth) { NumberText.write(values[$0], to: $1) }
    case .decimal128(_, let scale):
      let values = column.values(Int128.self)
      return try format(column, width: DecimalText.width(scale: scale)) {
        DecimalText.write(values[$0], scale: scale, to: $1)
      }
    case .timestamp(let unit, let zone):
      let values = column.values(Int64.self)
      return try format(column, width: ISO8601.width) {
        ISO8601.write(values[$0], unit: unit, isInstant: zone != nil, to: $1) - $1
      }
    case .date32:
      let values = column.values(Int32.self)
      return try format(column, width: ISO8601.width) { ISO8601.writeDate(Int64(values[$0]), to: $1) - $1 }
    case .date64:
      let values = column.values(Int64.self)
      return try format(column, width: ISO8601.width) {
        ISO8601.writeDate(floorDivide(values[$0], 86_400_000).quotient, to: $1) - $1
      }
    case .time32(let unit):
      let values = column.values(Int32.self)
      return try format(column, width: ISO8601.width) {
        ISO8601.writeTime(inDay(Int64(values[$0]), unit), unit: unit, to: $1) - $1
      }
    case .time64(let unit):
      let values = column.values(Int64.self)
      return try format(column, width: ISO8601.width) {
        ISO8601.writeTime(inDay(values[$0], unit), unit: unit, to: $1) - $1
      }
    default: preconditionFailure("\(column.type) is not cast to text")
    }
  }

  /// A time of a day even where a foreign column holds more.
  private static func inDay(_ value: Int64, _ unit: TimeUnit) -> Int64 {
    floorDivide(value, unit.perSecond * Civil.secondsPerDay).remainder
  }

  private static func integers<Value: IntegerValue>(_ column: Column, _: Value.Type) throws(Failure) -> Column {
    let values = column.values(Value.self)
    return try format(column, width: NumberText.integerWidth) { NumberText.write(values[$0], to: $1) }
  }

  /// Each value's text, written by `write` into at most `width` bytes; it returns how many it wrote.
  @inline(__always)  // One loop a type, with `write` called directly.
  static func format(
    _ column: Column, width: Int, _ write: (Int, UnsafeMutablePointer<UInt8>) -> Int
  ) throws(Failure) -> Column {
    guard column.length * width <= Int(Int32.max) else {
      throw Failure(
        .data, "cast: \(column.length) rows of text do not fit one batch; use smaller batches (--batch-rows)")
    }
    let offsets = Buffer(byteCount: (column.length + 1) * 4)
    let bytes = Buffer(byteCount: column.length * width)
    let (ends, target) = (offsets.unsafeMutableValues(Int32.self), bytes.unsafeMutableValues(UInt8.self))
    var end = 0
    ends[0] = 0
    for row in 0..<column.length {
      if column.isValid(row) { end &+= write(row, target + end) }
      ends[row &+ 1] = Int32(truncatingIfNeeded: end)  // At most Int32.max, as checked above.
    }
    bytes.setByteCount(end)
    return Column(
      type: .utf8, length: column.length, validity: commonValidity([column], count: column.length),
      buffers: [offsets, bytes])
  }
}

extension Column {
  /// The column with the marked rows null. It starts its buffers.
  fileprivate func clearing(_ failed: Words?) -> Column {
    guard let failed else { return self }
    let good = Words(repeating: true, count: length)
    good.subtract(failed)
    if let validity = Bits(validityOf: self) {
      good.formIntersection(Words(count: length) { validity.word($0, $1) })
    }
    var result = self
    result.validity = good.buffer
    return result
  }
}
