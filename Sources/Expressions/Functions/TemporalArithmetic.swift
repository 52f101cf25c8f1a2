import Arrow
import Base
import Calendar
import VolleyPlan

/// What `+`, `-`, `*` and `/` mean for times.
///
/// Most is arithmetic of the integers that times are kept as, in the finer of both units, checked as all of it is. The
/// typing of the operators comes here when a side is temporal.
enum TemporalArithmetic {
  /// Nil when there is no such operation.
  static func resolve(
    _ function: BuiltinFunction, _ left: TypedExpression, _ right: TypedExpression
  ) throws(Failure) -> TypedExpression? {
    switch (function, left.type, right.type) {
    case (.add, .duration, .timestamp), (.add, .duration, .date32), (.add, .duration, .date64),
      (.add, .interval, .timestamp), (.add, .interval, .date32), (.add, .interval, .date64):
      return try resolve(.add, right, left)
    case (.add, let other, .date32) where other.isInteger: return try resolve(.add, right, left)
    case (.multiply, let factor, .duration) where factor.isInteger: return try resolve(.multiply, right, left)
    case (.add, .timestamp(let unit, let zone), .duration(let own)),
      (.subtract, .timestamp(let unit, let zone), .duration(let own)):
      let finer = Promotion.finer(unit, own)
      let type = DataType.timestamp(finer, timezone: zone)
      return integers(function, left.promoted(to: type), right.promoted(to: .duration(finer)), type)
    case (.add, .date32, .duration(let unit)), (.subtract, .date32, .duration(let unit)),
      (.add, .date64, .duration(let unit)), (.subtract, .date64, .duration(let unit)):
      return try resolve(function, left.promoted(to: .timestamp(unit)), right)
    case (.subtract, .timestamp(let unit, let zone), .timestamp(let other, let otherZone))
    where (zone == nil) == (otherZone == nil):
      let finer = Promotion.finer(unit, other)
      return integers(
        .subtract, left.promoted(to: .timestamp(finer, timezone: zone)),
        right.promoted(to: .timestamp(finer, timezone: otherZone)), .duration(finer))
    case (.subtract, .date32, .date32), (.subtract, .date64, .date64):
      let unit: TimeUnit = left.type == .date32 ? .second : .millisecond
      return try resolve(.subtract, left.promoted(to: .timestamp(unit)), right.promoted(to: .timestamp(unit)))
    case (.add, .duration(let unit), .duration(let other)), (.subtract, .duration(let unit), .duration(let other)):
      let type = DataType.duration(Promotion.finer(unit, other))
      return integers(function, left.promoted(to: type), right.promoted(to: type), type)
    case (.multiply, .duration, let factor), (.divide, .duration, let factor):
      guard factor.isInteger else { return nil }
      return integers(function, left, right, left.type)
    case (.add, .date32, let days), (.subtract, .date32, let days):
      guard days.isInteger else { return try interval(function, left, right) }
      return integers(function, left.promoted(to: .int32), right, .int32).promoted(to: .date32)
    default: return try interval(function, left, right)
    }
  }

  /// The operation on both sides' integers.
  private static func integers(
    _ function: BuiltinFunction, _ left: TypedExpression, _ right: TypedExpression, _ type: DataType
  ) -> TypedExpression {
    let sides = [left.promoted(to: .int64), right.promoted(to: .int64)]
    return TypedExpression(.call(function, sides), .int64, nullable: sides.contains(where: \.nullable))
      .promoted(to: type)
  }

  private static func interval(
    _ function: BuiltinFunction, _ left: TypedExpression, _ right: TypedExpression
  ) throws(Failure) -> TypedExpression? {
    guard function == .add || function == .subtract, case .interval = right.type, TemporalShape(left.type) != nil,
      let definition = FunctionTable.definition(function == .add ? "add_interval" : "subtract_interval")
    else { return nil }
    return try FunctionTable.call(definition, [left, right])
  }
}

/// Calendar intervals added to times: first the months, then the days, each by the calendar, then the rest as it elapses.
extension FunctionTable {
  static var temporalArithmetic: [FunctionDefinition] {
    [
      FunctionDefinition("add_interval", "add_interval(time, interval)", arity: 2...2) { call throws(Failure) in
        try interval(call, sign: 1)
      },
      FunctionDefinition("subtract_interval", "subtract_interval(time, interval)", arity: 2...2) {
        call throws(Failure) in try interval(call, sign: -1)
      },
    ]
  }

  private static func interval(_ call: FunctionCall, sign: Int64) throws(Failure) -> FunctionBinding {
    let shape = try call.shape(0, "the time", expected: "a timestamp or a date", times: false)
    guard case .interval(let unit) = call.types[1] else {
      throw call.refusal("the interval is \(call.types[1]), expected an interval")
    }
    if shape.isDate, unit != .yearMonth {
      throw call.refusal(
        "an \(call.types[1]) may hold parts of a day, which a date does not; cast it to a timestamp first")
    }
    let clock = try call.clock(shape)
    let months = try TimestampShift(.month, column: shape.unit, clock: clock, place: call.definition.name)
    let days = try TimestampShift(.day, column: shape.unit, clock: clock, place: call.definition.name)
    let nanoseconds = FloorDivisor(1_000_000_000 / shape.unit.perSecond)
    @Sendable func moved(_ value: Int64, _ amount: IntervalAmount) -> Int64? {
      let (units, rest) = nanoseconds.divide(amount.nanoseconds)
      guard rest == 0, let later = months.value(value, adding: sign * amount.months),
        let latest = days.value(later, adding: sign * amount.days)
      else { return nil }
      let (sum, overflow) =
        sign > 0
        ? latest.addingReportingOverflow(units) : latest.subtractingReportingOverflow(units)
      return overflow ? nil : sum
    }
    let definition = call.definition
    return call.kernel(call.types, shape.type, isFallible: true, cost: 40) { operands, count throws(Failure) in
      let column = try operands[0].column(count)
      let intervals = try operands[1].column(count)
      let amounts = intervals.buffers[0].address
      let first = intervals.offset
      let result = try TemporalColumn.mapped(
        shape, column,
        { input, results in
          let values = input.values(Int64.self)
          var fits = true
          for row in 0..<count {
            let moved = moved(values[row], IntervalAmount(amounts, first + row, unit))
            results[row] = moved ?? 0
            fits = fits && moved != nil
          }
          return fits
        },
        value: { input, row in
          guard intervals.isValid(row) else { return 0 }
          return moved(input.values(Int64.self)[row], IntervalAmount(amounts, first + row, unit))
        },
        failure: { definition.failure($0, "and its interval make a time that \(shape.type) does not hold") })
      return masked(result, by: intervals, 1)
    }
  }

  /// As the typing calls a definition.
  static func call(
    _ definition: FunctionDefinition, _ arguments: [TypedExpression]
  ) throws(Failure) -> TypedExpression {
    try ExpressionTyping(schema: Schema([])).call(definition, arguments)
  }
}

/// The parts of one interval.
private struct IntervalAmount {
  var months: Int64 = 0
  var days: Int64 = 0
  var nanoseconds: Int64 = 0

  /// - Parameter row: of the buffer.
  init(_ buffer: UnsafeRawPointer, _ row: Int, _ unit: IntervalUnit) {
    func int32(_ byte: Int) -> Int64 { Int64(buffer.loadUnaligned(fromByteOffset: byte, as: Int32.self)) }
    switch unit {
    case .yearMonth: months = int32(row * 4)
    case .dayTime:
      days = int32(row * 8)
      nanoseconds = int32(row * 8 + 4) * 1_000_000
    case .monthDayNano:
      months = int32(row * 16)
      days = int32(row * 16 + 4)
      nanoseconds = buffer.loadUnaligned(fromByteOffset: row * 16 + 8, as: Int64.self)
    }
  }
}
