import Calendar
import Glibc
import Text
import VolleyPlan

extension ValueBuilder {
  /// Appends the value whose text fills `start`..<`end`; nothing when it is none. Something that is no digit must stand at
  /// `end`.
  ///
  /// Numbers and booleans as `storeText` has them; decimals as plain numbers with no more decimals than the scale that are not 0;
  /// dates `YYYY-MM-DD` or days (date64: milliseconds); times `hh:mm[:ss[.fraction]]` or units; durations units; bytes in
  /// base 64 (RFC 4648, section 4).
  func append(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> ValueProblem {
    switch form {
    case .null, .list, .record, .map: return .malformed
    case .bool(let builder):
      var value = false
      let problem = parseBool(start, end, &value)
      if problem == .none { builder.append(value) }
      return problem
    case .int8(let builder): return integer(start, end) { builder.append($0) }
    case .int16(let builder): return integer(start, end) { builder.append($0) }
    case .int32(let builder): return integer(start, end) { builder.append($0) }
    case .int64(let builder): return integer(start, end) { builder.append($0) }
    case .uint8(let builder): return integer(start, end) { builder.append($0) }
    case .uint16(let builder): return integer(start, end) { builder.append($0) }
    case .uint32(let builder): return integer(start, end) { builder.append($0) }
    case .uint64(let builder): return integer(start, end) { builder.append($0) }
    case .float16(let builder): return narrow(start, end, nearestFloat16) { builder.append($0) }
    case .float32(let builder): return narrow(start, end, nearestFloat) { builder.append($0) }
    case .float64(let builder):
      var value = 0.0
      let problem = parseDouble(start, end, &value)
      if problem == .none { builder.append(value) }
      return problem
    case .decimal(let builder, let precision, let scale):
      var value: Int128 = 0
      let problem = parseDecimal(start, end, precision: precision, scale: scale, &value)
      if problem == .none { builder.append(value) }
      return problem
    case .date32(let builder):
      guard let days = ISO8601.readDate(start, end) else { return integer(start, end) { builder.append($0) } }
      guard let narrow = Int32(exactly: days) else { return .outOfRange }
      builder.append(narrow)
      return .none
    case .date64(let builder):
      guard let days = ISO8601.readDate(start, end) else {
        var value: Int64 = 0
        let problem = parseInteger(start, end, &value)
        guard problem == .none else { return problem }
        // A date64 is a whole number of days.
        guard value % 86_400_000 == 0 else { return .malformed }
        builder.append(value)
        return .none
      }
      let (value, overflow) = days.multipliedReportingOverflow(by: 86_400_000)
      if overflow { return .outOfRange }
      builder.append(value)
      return .none
    case .time32(let builder, let unit):
      return time(start, end, unit) { builder.append(Int32(truncatingIfNeeded: $0)) }
    case .time64(let builder, let unit): return time(start, end, unit) { builder.append($0) }
    case .timestamp(let builder, let unit):
      var value: Int64 = 0
      let problem = parseTimestamp(start, end, unit: unit, &value)
      if problem == .none { builder.append(value) }
      return problem
    case .utf8, .large, .view, .fixedBytes: return appendBytes(start, end - start)
    }
  }

  /// Whether its values are text, rather than bytes that text stands for.
  var isText: Bool {
    switch type {
    case .utf8, .largeUtf8, .utf8View: true
    default: false
    }
  }

  /// Whether an empty text is a value.
  var hasEmptyValue: Bool {
    switch form {
    case .utf8, .large, .view, .fixedBytes: true
    default: false
    }
  }

  private func appendBytes(_ text: UnsafePointer<UInt8>, _ count: Int) -> ValueProblem {
    if isText {
      guard isUTF8(text, count) else { return .malformed }
      return appendRaw(UnsafeBufferPointer(start: text, count: count))
    }
    // The text may lie in `scratch`: what it stands for is shorter and replaces it.
    let out = ByteWriter(capacity: count)
    guard out.appendDecodedBase64(text, count) else { return .malformed }
    return appendRaw(UnsafeBufferPointer(start: out.start, count: out.count))
  }

  private func appendRaw(_ bytes: UnsafeBufferPointer<UInt8>) -> ValueProblem {
    switch form {
    case .utf8(let builder): builder.append(bytes)
    case .large(let builder): builder.append(bytes)
    case .view(let builder): builder.append(bytes)
    case .fixedBytes(let builder):
      guard bytes.count == builder.width else { return .outOfRange }
      builder.append(bytes)
    default: preconditionFailure("only these hold bytes")
    }
    return .none
  }

  private func integer<Value: FixedWidthInteger>(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ store: (Value) -> Void
  ) -> ValueProblem {
    var value: Int128 = 0
    let problem = parseWideInteger(start, end, &value)
    guard problem == .none else { return problem }
    guard let narrow = Value(exactly: value) else { return .outOfRange }
    store(narrow)
    return .none
  }

  /// A float narrower than a double, rounded once: from the text, not from the double.
  private func narrow<Value: BinaryFloatingPoint>(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ nearest: (Double, TextBytes) -> Value,
    _ store: (Value) -> Void
  ) -> ValueProblem {
    var double = 0.0
    let problem = parseDouble(start, end, &double)
    guard problem == .none else { return problem }
    let value = nearest(double, TextBytes(start: start, count: end - start))
    guard value.isFinite || !double.isFinite else { return .outOfRange }
    store(value)
    return .none
  }

  private func nearestFloat16(_ double: Double, _ text: TextBytes) -> Float16 { Float16(nearest: double, to: text) }

  private func nearestFloat(_ double: Double, _ text: TextBytes) -> Float {
    double.isFinite ? Float(String(decoding: text, as: UTF8.self)) ?? Float(double) : Float(double)
  }

  private func time(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ unit: TimeUnit, _ store: (Int64) -> Void
  ) -> ValueProblem {
    var value: Int64 = 0
    if let time = ISO8601.readTime(start, end, unit: unit) {
      value = time
    } else {
      let problem = parseInteger(start, end, &value)
      guard problem == .none else { return problem }
      guard value >= 0, value < 86_400 * unit.perSecond else { return .outOfRange }
    }
    store(value)
    return .none
  }
}
