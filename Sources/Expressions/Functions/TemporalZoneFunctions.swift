import Arrow
import Base
import Calendar
import VolleyPlan

/// Time zones of timestamps. Names: the IANA database, "UTC", "+02:00".
extension FunctionTable {
  static var temporalZones: [FunctionDefinition] { [toZone, assumeZone, localTime] }

  /// The same points in time, shown by the clocks of another zone.
  private static let toZone = FunctionDefinition("to_zone", "to_zone(timestamp, zone)", arity: 2...2) {
    call throws(Failure) in
    let shape = try timestamp(call)
    let zone = try zone(call)
    guard shape.zone != nil else {
      throw call.refusal("the timestamp has no time zone; call assume_zone to say where its clocks were")
    }
    let target = DataType.timestamp(shape.unit, timezone: zone.name)
    return .expression(call.arguments[0].promoted(to: target))
  }

  /// The points in time at which the clocks of a zone showed the readings. What becomes of readings that they showed twice,
  /// or never, is 'earliest', 'latest' or 'raise', which stops the job and is the default: see `ReadingChoice`.
  private static let assumeZone = FunctionDefinition(
    "assume_zone", "assume_zone(timestamp, zone[, ambiguous[, nonexistent]])", arity: 2...4
  ) { call throws(Failure) in
    let shape = try timestamp(call)
    guard shape.zone == nil else {
      throw call.refusal("the timestamp has a time zone already; call to_zone to change it, or local_time to drop it")
    }
    let zone = try zone(call)
    let ambiguous: ReadingChoice = try call.choice(2, "the choice for ambiguous readings", .raise)
    let nonexistent: ReadingChoice = try call.choice(3, "the choice for skipped readings", .raise)
    let type = DataType.timestamp(shape.unit, timezone: zone.name)
    let definition = call.definition
    return call.kernel(call.types, type, isFallible: true, cost: 3) { operands, count throws(Failure) in
      let column = try operands[0].column(count)
      let values = column.values(Int64.self)
      let results = Buffer(byteCount: count * 8)
      let target = results.unsafeMutableValues(Int64.self)
      var cursor = ZoneCursor(zone, unit: shape.unit)
      for row in 0..<count {
        target[row] = cursor.moment(of: values[row], ambiguous: ambiguous, nonexistent: nonexistent)
      }
      if cursor.failed {
        for row in 0..<count where column.isValid(row) {
          cursor.failed = false
          _ = cursor.moment(of: values[row], ambiguous: ambiguous, nonexistent: nonexistent)
          if cursor.failed { throw unknownMoment(definition, zone, column, row, shape.unit) }
        }
      }
      return column.replacing(values: results, type: type)
    }
  }

  private static func unknownMoment(
    _ definition: FunctionDefinition, _ zone: TimeZone, _ column: Column, _ row: Int, _ unit: TimeUnit
  ) -> Failure {
    let text = TemporalColumn.text(column, row)
    let finding =
      switch zone.reading(floorDivide(column.values(Int64.self)[row], unit.perSecond).quotient) {
      case .ambiguous:
        "was shown twice by the clocks of \(zone.name), so give 'earliest' or 'latest' for ambiguous ones"
      case .nonexistent:
        "was never shown by the clocks of \(zone.name), so give 'earliest' or 'latest' for skipped ones"
      case .unique: "is a moment in \(zone.name) that timestamp[\(unit.rawValue)] does not hold"
      }
    return definition.failure(text, finding)
  }

  /// What the clocks of the timestamp's zone show, without a zone.
  private static let localTime = FunctionDefinition("local_time", "local_time(timestamp)", arity: 1...1) {
    call throws(Failure) in
    let shape = try timestamp(call)
    guard shape.zone != nil else {
      throw call.refusal("the timestamp has no time zone: it is a reading already")
    }
    let type = DataType.timestamp(shape.unit)
    guard case .zone(let zone) = try call.clock(shape) else { return .expression(call.arguments[0].promoted(to: type)) }
    let definition = call.definition
    return call.kernel(call.types, type, isFallible: true, cost: 2) { operands, count throws(Failure) in
      let column = try operands[0].column(count)
      let values = column.values(Int64.self)
      let results = Buffer(byteCount: count * 8)
      let target = results.unsafeMutableValues(Int64.self)
      var cursor = ZoneCursor(zone, unit: shape.unit)
      for row in 0..<count { target[row] = cursor.reading(at: values[row]) }
      if cursor.failed {
        for row in 0..<count where column.isValid(row) {
          cursor.failed = false
          _ = cursor.reading(at: values[row])
          guard cursor.failed else { continue }
          throw definition.failure(
            TemporalColumn.text(column, row), "has no reading in \(zone.name) that \(type) holds")
        }
      }
      return column.replacing(values: results, type: type)
    }
  }

  private static func timestamp(_ call: FunctionCall) throws(Failure) -> TemporalShape {
    let shape = try call.shape(0, "the argument", expected: "a timestamp", times: false)
    guard shape.kind == .timestamp else {
      throw call.refusal("the argument is \(shape.type), expected a timestamp; cast it to one")
    }
    return shape
  }

  private static func zone(_ call: FunctionCall) throws(Failure) -> TimeZone {
    let name = try call.text(1, "the time zone")
    do throws(Failure) { return try ZoneDatabase.shared.zone(name) } catch { throw call.refusal(error.message) }
  }
}
