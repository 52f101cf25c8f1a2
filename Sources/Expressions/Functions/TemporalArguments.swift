import Base
import Calendar
import VolleyPlan

/// What calls of functions of time have in common.
///
/// There is no `now()`: a job that is replayed from a checkpoint must compute the same values again, which the clock of the
/// wall would not. The time at which rows are read is a column that a source can make.
extension FunctionCall {
  /// The unit that an argument names.
  func unit(_ index: Int) throws(Failure) -> CalendarUnit {
    let name = try text(index, "the unit")
    let singular = name.hasSuffix("s") ? String(name.dropLast()) : name
    guard let unit = CalendarUnit(rawValue: singular) else {
      throw refusal(
        "there is no unit '\(name)'; expected \(namesNearestFirst(to: name, among: CalendarUnit.allCases.map(\.rawValue)))"
      )
    }
    return unit
  }

  /// The choice that an argument names; `fallback` for an argument that is absent.
  func choice<Choice: RawRepresentable & CaseIterable>(
    _ index: Int, _ what: String, _ fallback: Choice
  ) throws(Failure) -> Choice where Choice.RawValue == String {
    guard index < arguments.count else { return fallback }
    let name = try text(index, what)
    guard let choice = Choice(rawValue: name) else {
      let known = Choice.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
      throw refusal("\(what) is '\(name)', expected one of \(known)")
    }
    return choice
  }

  /// The type of an argument as dates, times or timestamps.
  ///
  /// - Parameter expected: what it may be, for the message.
  func shape(
    _ index: Int, _ what: String, expected: String = "a timestamp, a date or a time", times: Bool = true
  ) throws(Failure) -> TemporalShape {
    guard let shape = TemporalShape(types[index]), times || !shape.isTime else {
      throw refusal("\(what) is \(types[index]), expected \(expected)")
    }
    return shape
  }

  /// The clocks that show the readings of a shape's timestamps.
  func clock(_ shape: TemporalShape) throws(Failure) -> WallClock {
    do throws(Failure) { return try WallClock(zone: shape.zone) } catch { throw refusal(error.message) }
  }

}

extension FunctionDefinition {
  /// The failure of a row's value.
  func failure(_ value: String, _ finding: String) -> Failure {
    Failure(.data, "\(name): \(value) \(finding); keep such rows out with a filter or a case")
  }
}
