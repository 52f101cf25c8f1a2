import Arrow
import Base
import Calendar
import VolleyPlan

/// Functions that round times and take fields out of them. Algorithms: `Calendar`.
extension FunctionTable {
  static var temporal: [FunctionDefinition] {
    [truncate, ceil, extract, add, difference] + temporalText + temporalZones + temporalArithmetic
  }

  /// Down to a multiple of a unit, which is counted from 1970-01-01 (years from the year 0): see `TimestampRounding`. The
  /// result has the value's type.
  private static let truncate = FunctionDefinition(
    "date_truncate", "date_truncate(unit, time[, multiple[, week_start]])", arity: 2...4
  ) { call throws(Failure) in try rounding(call, .down) }

  /// As `date_truncate`, up.
  private static let ceil = FunctionDefinition(
    "date_ceil", "date_ceil(unit, time[, multiple[, week_start]])", arity: 2...4
  ) { call throws(Failure) in try rounding(call, .up) }

  private static func rounding(
    _ call: FunctionCall, _ direction: TimestampRounding.Direction
  ) throws(Failure) -> FunctionBinding {
    let unit = try call.unit(0)
    let shape = try call.shape(1, "the time")
    if shape.isTime, unit >= .day {
      throw call.refusal("a \(shape.type) has no \(unit.rawValue)s; take the unit 'hour' or a shorter one")
    }
    let multiple = call.arguments.count > 2 ? Int64(try call.integer(2, "the multiple")) : 1
    let rounding = try TimestampRounding(
      direction, to: unit, multiple: multiple, weekStart: call.choice(3, "the start of the week", .monday),
      column: shape.unit, clock: call.clock(shape), place: call.definition.name)
    let definition = call.definition
    return call.kernel(call.types, shape.type, isFallible: true, cost: unit > .week ? 12 : shape.zone == nil ? 1.5 : 3)
    {
      operands, count throws(Failure) in
      let column = try operands[1].column(count)
      return try TemporalColumn.mapped(
        shape, column,
        { input, results in rounding.apply(input.values(Int64.self), input.length, to: results) },
        value: { input, row in rounding.value(input.values(Int64.self)[row]) },
        failure: {
          definition.failure(
            $0, "has no \(unit.rawValue) \(direction == .down ? "before" : "behind") it that \(shape.type) holds")
        })
    }
  }

  /// A field as int64: see `TimestampField`.
  private static let extract = FunctionDefinition("extract", "extract(field, time)", arity: 2...2) {
    call throws(Failure) in
    let name = try call.text(0, "the field")
    guard let field = TimestampField(rawValue: name) else {
      let known = namesNearestFirst(to: name, among: TimestampField.allCases.map(\.rawValue), limit: 20)
      throw call.refusal("there is no field '\(name)'; expected \(known)")
    }
    let shape = try call.shape(1, "the time")
    let isOfDay = [.hour, .minute, .second, .millisecond, .microsecond, .nanosecond].contains(field)
    if shape.isTime, !isOfDay { throw call.refusal("a \(shape.type) has no \(name); take a field of the day") }
    if shape.isDate, isOfDay { throw call.refusal("a \(shape.type) has no \(name); take a field of dates") }
    let extraction = TimestampExtraction(field, column: shape.unit, clock: try call.clock(shape))
    let definition = call.definition
    return call.kernel(call.types, .int64, isFallible: shape.zone != nil, cost: 3) {
      operands, count throws(Failure) in
      let column = try operands[1].column(count)
      return try TemporalColumn.integers(
        column, shape.load(column), { extraction.apply($0, count, to: $1) },
        value: { extraction.value($0) },
        failure: { definition.failure($0, "has no reading in its zone that \(shape.type) holds") })
    }
  }

  /// A number of units on: see `TimestampShift`. The result has the time's type.
  private static let add = FunctionDefinition("date_add", "date_add(unit, amount, time)", arity: 3...3) {
    call throws(Failure) in
    let unit = try call.unit(0)
    guard call.types[1].isInteger else { throw call.refusal("the amount is \(call.types[1]), expected an integer") }
    let shape = try call.shape(2, "the time", expected: "a timestamp or a date", times: false)
    if shape.isDate, unit < .day {
      throw call.refusal("a \(shape.type) has no \(unit.rawValue)s; cast it to a timestamp first")
    }
    let shift = try TimestampShift(unit, column: shape.unit, clock: call.clock(shape), place: call.definition.name)
    let definition = call.definition
    return call.kernel(
      [.utf8, .int64, shape.type], shape.type, isFallible: true, cost: unit > .week ? 12 : 3
    ) { operands, count throws(Failure) in
      let column = try operands[2].column(count)
      let (amounts, stride) = strided(operands[1], count)
      let values = amounts.values(Int64.self)
      let result = try TemporalColumn.mapped(
        shape, column,
        { input, results in
          shift.apply(input.values(Int64.self), count, adding: values, amountStride: stride, to: results)
        },
        value: { input, row in
          guard amounts.isValid(row &* stride) else { return 0 }
          return shift.value(input.values(Int64.self)[row], adding: values[row &* stride])
        },
        failure: { definition.failure($0, "and that many \(unit.rawValue)s are beyond what \(shape.type) holds") })
      return masked(result, by: amounts, stride)
    }
  }

  /// The borders of a unit between two times: see `TimestampDifference`.
  private static let difference = FunctionDefinition("date_diff", "date_diff(unit, from, to)", arity: 3...3) {
    call throws(Failure) in
    let unit = try call.unit(0)
    let (from, to) = (try call.shape(1, "the first time"), try call.shape(2, "the second time"))
    let type: DataType
    if from.type == to.type {
      type = from.type
    } else if from.kind == .timestamp, to.kind == .timestamp, from.zone == to.zone {
      type = .timestamp(Promotion.finer(from.unit, to.unit), timezone: from.zone)
    } else {
      throw call.refusal("the times are \(from.type) and \(to.type); bring them to one type, and one time zone, first")
    }
    guard let shape = TemporalShape(type) else { preconditionFailure("\(type) is a type of time") }
    if shape.isTime, unit >= .day {
      throw call.refusal("a \(type) has no \(unit.rawValue)s; take the unit 'hour' or a shorter one")
    }
    let difference = TimestampDifference(unit, column: shape.unit, clock: try call.clock(shape))
    let definition = call.definition
    return call.kernel([.utf8, type, type], .int64, isFallible: true, cost: unit > .week ? 8 : 2) {
      operands, count throws(Failure) in
      let (from, fromStride) = strided(operands[1], count)
      let (to, toStride) = strided(operands[2], count)
      let (starts, ends) = (shape.load(from), shape.load(to))
      let results = Buffer(byteCount: count * 8)
      let (first, second) = (starts.values(Int64.self), ends.values(Int64.self))
      let fits = difference.apply(
        from: first, fromStride: fromStride, to: second, toStride: toStride, count,
        into: results.unsafeMutableValues(Int64.self))
      if !fits {
        for row in 0..<count where from.isValid(row &* fromStride) && to.isValid(row &* toStride) {
          guard difference.value(from: first[row &* fromStride], to: second[row &* toStride]) == nil else { continue }
          let texts = "\(from.text(at: row &* fromStride)) and \(to.text(at: row &* toStride))"
          throw definition.failure(texts, "are more \(unit.rawValue)s apart than int64 holds")
        }
      }
      let validity = commonValidity([fromStride == 0 ? nil : from, toStride == 0 ? nil : to], count: count)
      return Column(type: .int64, length: count, validity: validity, buffers: [results])
    }
  }

  /// An operand as a column whose row i is that of row `i * stride`. A constant is one row, with the stride 0.
  static func strided(_ operand: Operand, _ count: Int) -> (column: Column, stride: Int) {
    switch operand {
    case .column(let column): (column, 1)
    case .constant(let literal): (Column.constant(literal, count: 1), 0)
    }
  }

  /// The column, null also where an operand is.
  static func masked(_ column: Column, by other: Column, _ stride: Int) -> Column {
    guard stride == 1, other.validity != nil else { return column }
    var column = column
    let validity = commonValidity([column, other], count: column.length)
    precondition(column.offset == 0, "a result begins with its buffers")
    column.validity = validity
    return column
  }
}
