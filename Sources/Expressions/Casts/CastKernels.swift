import Arrow
import Base
import VolleyPlan

/// A column as one of another type.
///
/// A value that the target cannot hold is a `data` failure that names the value; null rows stay null and never fail.
/// - Integers to float64 round to the nearest; float64 to integers truncates toward zero; NaN and infinities do not
///   fit.
/// - Numbers to bool: whether they differ from 0. Bool to numbers: 1 and 0.
/// - Dates, times, timestamps and durations: see `TemporalCasts`.
/// - Text: see `TextCasts`.
enum CastKernels {
  @inline(never)  // Evaluation recurses beside it: in one frame with the loops a level would take 5 KiB of stack.
  static func cast(_ column: Column, to target: DataType) throws(Failure) -> Column {
    switch (column.type, target) {
    case (let source, _) where source == target: return column
    case (_, .utf8): return try TextCasts.format(column)
    case (.utf8, _): return try TextCasts.parse(column, as: target)
    case (let source, _) where source.isTemporal || target.isTemporal: return try TemporalCasts.cast(column, to: target)
    case (.bool, .int32): return fromBits(column, target, as: Int32.self)
    case (.bool, .int64): return fromBits(column, target, as: Int64.self)
    case (.bool, .float64): return fromBits(column, target, as: Double.self)
    case (.int32, .bool): return nonZero(column, as: Int32.self, .int32(0))
    case (.int64, .bool): return nonZero(column, as: Int64.self, .int64(0))
    case (.float64, .bool): return nonZero(column, as: Double.self, .float64(0))
    case (.int32, .int64): return mapped(column, target) { (value: Int32) in Int64(value) }
    case (.int32, .float64): return mapped(column, target) { (value: Int32) in Double(value) }
    case (.int64, .float64): return mapped(column, target) { (value: Int64) in Double(value) }
    case (.int64, .int32): return try narrowed(column, target)
    case (.float64, .int32): return try truncated(column, target) { Int32($0) }
    case (.float64, .int64): return try truncated(column, target) { Int64($0) }
    default: preconditionFailure("a cast from \(column.type) to \(target) is refused when the plan is made")
    }
  }

  @inline(__always)  // So that the closure is part of the loop.
  private static func mapped<Source: BitwiseCopyable, Target: BitwiseCopyable>(
    _ column: Column, _ target: DataType, _ convert: (Source) -> Target
  ) -> Column {
    let buffer = Buffer(byteCount: column.length * MemoryLayout<Target>.size)
    let (values, source) = (buffer.unsafeMutableValues(Target.self), column.values(Source.self))
    for row in 0..<column.length { values[row] = convert(source[row]) }
    return column.replacing(values: buffer, type: target)
  }

  private static func fromBits<Target: FixedValue & ExpressibleByIntegerLiteral>(
    _ column: Column, _ target: DataType, as _: Target.Type
  ) -> Column {
    let count = column.length
    let buffer = Buffer(byteCount: count * MemoryLayout<Target>.size)
    let values = buffer.unsafeMutableValues(Target.self)
    let bits = Bits(valuesOf: column)
    var row = 0
    while row < count {
      let rows = min(64, count &- row)
      let word = bits.word(row, rows)
      for bit in 0..<rows { values[row &+ bit] = (word &>> UInt64(truncatingIfNeeded: bit)) & 1 != 0 ? 1 : 0 }
      row &+= rows
    }
    return column.replacing(values: buffer, type: target)
  }

  private static func nonZero<Source: FixedValue>(_ column: Column, as _: Source.Type, _ zero: Literal) -> Column {
    ComparisonKernels.compare(.notEqual, .column(column), .constant(zero), as: Source.self, count: column.length)
      .column(validity: commonValidity([column], count: column.length))
  }

  private static func narrowed(_ column: Column, _ target: DataType) throws(Failure) -> Column {
    let buffer = Buffer(byteCount: column.length * 4)
    let (values, source) = (buffer.unsafeMutableValues(Int32.self), column.values(Int64.self))
    var lost: Int64 = 0
    for row in 0..<column.length {
      let value = Int32(truncatingIfNeeded: source[row])
      values[row] = value
      lost |= Int64(value) ^ source[row]
    }
    if lost != 0 {
      for row in 0..<column.length where Int32(exactly: source[row]) == nil && column.isValid(row) {
        throw CastFailure.doesNotFit("\(source[row])", target)
      }
    }
    return column.replacing(values: buffer, type: target)
  }

  /// Toward zero.
  ///
  /// - Parameter convert: `Target.init`, given by the caller because the generic initialiser is 20 times slower.
  @inline(__always)  // One loop a width.
  private static func truncated<Target: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
    _ column: Column, _ target: DataType, _ convert: (Double) -> Target
  ) throws(Failure) -> Column {
    let buffer = Buffer(byteCount: column.length * MemoryLayout<Target>.size)
    let (values, source) = (buffer.unsafeMutableValues(Target.self), column.values(Double.self))
    // Exclusive bounds of what truncates to a `Target`. Above: a power of two. Below: for Int32 its minimum less 1,
    // which a double holds; for Int64 the next double below the minimum, as there is none between.
    let least = -Double(sign: .plus, exponent: Target.bitWidth - 1, significand: 1)
    let upper = -least
    let lower = Target.bitWidth < 53 ? least - 1 : least.nextDown
    var failed = 0
    for row in 0..<column.length {
      let value = source[row]
      let fits = value < upper && value > lower  // False for NaN.
      values[row] = convert(fits ? value : 0)
      failed |= fits ? 0 : 1
    }
    if failed != 0 {
      for row in 0..<column.length where !(source[row] < upper && source[row] > lower) && column.isValid(row) {
        throw CastFailure.doesNotFit("\(source[row])", target)
      }
    }
    return column.replacing(values: buffer, type: target)
  }
}

extension Column {
  /// Other values for the same rows: the nulls stay.
  func replacing(values: Buffer, type: DataType) -> Column {
    Column(type: type, length: length, validity: commonValidity([self], count: length), buffers: [values])
  }
}

/// The sentences for values that cannot be cast.
enum CastFailure {
  static func doesNotFit(_ value: String, _ target: DataType) -> Failure {
    Failure(.data, "cast: \(value) does not fit \(target); keep such rows out with a filter or a case")
  }

  /// - Parameter form: what a text of that type looks like.
  static func unreadable(_ text: UnsafeBufferPointer<UInt8>, _ target: DataType, form: String) -> Failure {
    Failure(
      .data,
      "cast: \(quoted(text)) is no \(target), which is written as \(form); "
        + "correct such rows or keep them out with a filter or a case")
  }

  static func quoted(_ text: UnsafeBufferPointer<UInt8>) -> String {
    let limit = 60
    let shown = String(decoding: text.prefix(limit), as: UTF8.self)
    let escaped = shown.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "\u{FFFD}" : String($0) }.joined()
    return text.count > limit ? "'\(escaped)…' (\(text.count) bytes)" : "'\(escaped)'"
  }
}
