import Base
import Calendar
import TestSupport
import Testing
import VolleyPlan

/// A group of values that one question is about.
private struct Group {
  var question: JSONValue
  /// The result of each value, nil where there is none.
  var found: [Int64?]
  var label: String

  static func check(_ groups: [Group], _ generator: SeededGenerator) throws {
    for (group, answers) in zip(groups, try Peer.ask(groups.map(\.question))) {
      #expect(answers.count == group.found.count)
      let different = zip(group.found, answers).enumerated().first { $0.element.0 != $0.element.1.integer }
      if let (row, (found, expected)) = different {
        guard case .array(let values)? = group.question["values"] else { continue }
        Issue.record(
          "\(group.label): \(values[row].text) gives \(found.map(String.init) ?? "nothing"), expected \(expected.text), \(generator)"
        )
      }
    }
  }
}

struct UnitTests {
  private static let units = CalendarUnit.allCases
  // Years 1 to 9998, as seconds.
  private static let pythonYears: Range<Int64> = -62_135_000_000..<253_370_000_000

  /// Moments of a unit that Python's dates reach, some at the borders of days, months and years and some a unit off.
  private func values(
    _ count: Int, _ unit: TimeUnit, _ zone: TimeZone? = nil, _ generator: inout SeededGenerator,
    years: Range<Int64> = pythonYears
  ) -> [Int64] {
    let range = unit == .nanosecond ? years.clamped(to: -9_000_000_000..<9_000_000_000) : years
    return (0..<count).map { _ in
      var second = randomSecond(zone, in: range, &generator)
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: second -= floorDivide(second, 86_400).remainder
      case 1:
        let date = Civil.date(floorDivide(second, 86_400).quotient)
        second = Civil.days(year: date.year, month: Bool.random(using: &generator) ? 1 : date.month, day: 1) * 86_400
      default: break
      }
      let fraction = [0, 0, unit.perSecond - 1, .random(in: 0..<unit.perSecond, using: &generator)]
        .randomElement(using: &generator)!
      return second * unit.perSecond + fraction - (Int.random(in: 0..<8, using: &generator) == 0 ? 1 : 0)
    }
  }

  /// The largest multiple that the peer is asked for, of which none is finer than the column's unit.
  private func multiple(_ unit: CalendarUnit, _ column: TimeUnit, _ generator: inout SeededGenerator) -> Int64 {
    let finer = ["nanosecond": 1_000_000_000, "microsecond": 1_000_000, "millisecond": 1000][unit.rawValue] ?? 1
    let scale = max(1, Int64(finer) / column.perSecond)
    return scale * (scale == 1_000_000_000 ? 1 : [1, 1, 2, 3, 7, 10, 15, 100].randomElement(using: &generator)!)
  }

  private func rounded(_ rounding: TimestampRounding, _ values: [Int64]) -> [Int64?] {
    var results = [Int64](repeating: 0, count: values.count)
    let fits = rounding.apply(values, values.count, to: &results)
    let single = values.map { rounding.value($0) }
    // The loop and the single value are one; what fits, fits in both.
    #expect(fits == single.allSatisfy { $0 != nil })
    for (one, result) in zip(single, results) where one != nil { #expect(one == result) }
    return single
  }

  private func group(
    _ direction: TimestampRounding.Direction, _ unit: CalendarUnit, _ multiple: Int64, _ column: TimeUnit,
    _ zone: String?, sunday: Bool, _ values: [Int64], peer: String
  ) throws -> Group {
    let rounding = try TimestampRounding(
      direction, to: unit, multiple: multiple, weekStart: sunday ? .sunday : .monday, column: column,
      clock: WallClock(zone: zone), place: "round")
    return Group(
      question: Peer.question(
        [
          "op": .string(peer + (direction == .down ? "floor" : "ceil")), "unit": .string(column.rawValue),
          "zone": zone.map { .string($0) } ?? .null, "arg": .string(unit.rawValue), "n": .int(multiple),
          "sunday": .bool(sunday),
        ], values), found: rounded(rounding, values),
      label: "\(peer)\(direction) to \(multiple) \(unit) of \(column) \(zone ?? "")")
  }

  @Test("timestamps round as Python's integers and dates do, in every unit and up to the ends of the range")
  func rounding() throws {
    var generator = SeededGenerator()
    var groups: [Group] = []
    for column in TimeUnit.allCases {
      for unit in Self.units {
        for direction in [TimestampRounding.Direction.down, .up] {
          for _ in 0..<3 {
            var some = values(130, column, nil, &generator)
            some += [.min, .min + 1, .max, .max - 1, 0, -1, 1]
            for _ in 0..<60 {
              some.append(.random(in: .min ... .max, using: &generator) >> Int64.random(in: 0..<40, using: &generator))
            }
            groups.append(
              try group(
                direction, unit, multiple(unit, column, &generator), column, nil, sunday: .random(using: &generator),
                some, peer: ""))
          }
        }
      }
    }
    try Group.check(groups, generator)
  }

  @Test("timestamps with zones round on the zones' clocks, around every change")
  func zonedRounding() throws {
    var generator = SeededGenerator()
    var groups: [Group] = []
    for zone in testedZones {
      for unit in Self.units where unit >= .second {
        for direction in [TimestampRounding.Direction.down, .up] {
          let column = TimeUnit.allCases.randomElement(using: &generator)!
          let some = values(
            60, column, try ZoneDatabase.shared.zone(zone), &generator, years: -3_786_825_600..<9_000_000_000)
          let multiple =
            unit > .day
            ? Int64.random(in: 1...3, using: &generator) : [1, 1, 2, 6, 15].randomElement(using: &generator)!
          groups.append(try group(direction, unit, multiple, column, zone, sunday: false, some, peer: ""))
        }
      }
    }
    try Group.check(groups, generator)
  }

  @Test("rounding is that of pyarrow's floor_temporal and ceil_temporal, but where theirs is not rounding")
  func pyarrowRounding() throws {
    var generator = SeededGenerator()
    var groups: [Group] = []
    for column in TimeUnit.allCases {
      for unit in Self.units {
        for direction in [TimestampRounding.Direction.down, .up] {
          // pyarrow moves a value that is on a month's border to the next, rounding up.
          if direction == .up, unit >= .month { continue }
          // It wraps where a unit is finer than the column's, and towards the ends of the range.
          let finest: [TimeUnit: CalendarUnit] = [
            .second: .second, .millisecond: .millisecond, .microsecond: .microsecond,
          ]
          if let finest = finest[column], unit < finest { continue }
          let some = values(
            300, column, nil, &generator,
            years: column == .nanosecond ? -5_000_000_000..<5_000_000_000 : Self.pythonYears)
          groups.append(
            try group(
              direction, unit, multiple(unit, column, &generator), column, nil, sunday: .random(using: &generator),
              some,
              peer: "arrow "))
        }
      }
    }
    try Group.check(groups, generator)
  }

  @Test("where pyarrow does not round, or wraps, this does not follow it")
  func pyarrowDiffers() throws {
    func check(
      _ direction: TimestampRounding.Direction, _ unit: CalendarUnit, _ multiple: Int64, zone: String? = nil,
      _ value: Int64, gives expected: Int64?, pyarrow: Int64
    ) throws {
      let group = try group(direction, unit, multiple, .second, zone, sunday: false, [value], peer: "arrow ")
      #expect(group.found == [expected], "\(group.label)")
      #expect(try Peer.ask([group.question])[0].map(\.integer) == [pyarrow], "\(group.label)")
    }
    // A value on the border of a month is a multiple of months already.
    try check(.up, .month, 1, 0, gives: 0, pyarrow: 31 * 86_400)
    try check(.up, .year, 1, 0, gives: 0, pyarrow: 365 * 86_400)
    // Years before 1 are rounded down, not towards 0: 10 BC is in the decade of -10.
    let bc = Civil.days(year: -9, month: 6, day: 1) * 86_400
    let decade = Civil.days(year: -10, month: 1, day: 1) * 86_400
    try check(.down, .year, 10, bc, gives: decade, pyarrow: -62_167_219_200)
    // Clocks changed in Tehran on Wednesday, 2017-03-22: the Monday before began on those of winter time.
    try check(.down, .week, 1, zone: "Asia/Tehran", 1_490_356_800, gives: 1_489_955_400, pyarrow: 1_489_951_800)
  }

  @Test("a unit that the column does not hold whole is refused, and so is a multiple out of range")
  func refusals() throws {
    func message(_ unit: CalendarUnit, _ multiple: Int64, _ column: TimeUnit) -> String? {
      do throws(Failure) {
        _ = try TimestampRounding(.down, to: unit, multiple: multiple, column: column, clock: .own, place: "truncate")
      } catch { return error.message }
      return nil
    }
    #expect(
      message(.nanosecond, 1500, .microsecond)
        == "truncate: 1500 nanoseconds are no whole number of us, the column's unit; cast it to a finer unit first")
    #expect(message(.hour, 0, .second) == "truncate: the multiple is 0, expected 1 to 2147483647")
    #expect(message(.week, 2_147_483_647, .nanosecond)?.contains("use fewer") == true)
    #expect(message(.nanosecond, 500, .microsecond) == nil && message(.nanosecond, 2000, .microsecond) == nil)
  }

  @Test("fields are those of pyarrow, with zones and without", arguments: TimeUnit.allCases)
  func fields(_ column: TimeUnit) throws {
    var generator = SeededGenerator()
    var groups: [Group] = []
    for zone in [nil] + testedZones.map({ Optional($0) }) + ["+05:30", "UTC"] {
      for field in TimestampField.allCases {
        // pyarrow knows no rules behind the tables.
        let some =
          try zone.map {
            values(100, column, try ZoneDatabase.shared.zone($0), &generator, years: -2_000_000_000..<2_000_000_000)
          } ?? values(1000, column, nil, &generator)
        let extraction = TimestampExtraction(field, column: column, clock: try WallClock(zone: zone))
        var results = [Int64](repeating: 0, count: some.count)
        #expect(extraction.apply(some, some.count, to: &results))
        groups.append(
          Group(
            question: Peer.question(
              [
                // pyarrow takes seconds in UTC, which differ where an offset is no whole minute.
                "op": field == .second && zone?.contains("/") == true ? "field" : "fields",
                "unit": .string(column.rawValue), "zone": zone.map { .string($0) } ?? .null,
                "arg": .string(field.rawValue),
              ], some), found: results, label: "\(field) of \(column) \(zone ?? "")"))
      }
    }
    try Group.check(groups, generator)
  }

  @Test("fields of the ends of the range are right", arguments: TimeUnit.allCases)
  func extremeFields(_ column: TimeUnit) throws {
    var generator = SeededGenerator()
    let some = [.min, .min + 1, .max] + (0..<1000).map { _ in Int64.random(in: .min ... .max, using: &generator) }
    try Group.check(
      [TimestampField.year, .month, .day, .hour, .second].map { field in
        Group(
          question: Peer.question(
            ["op": "field", "unit": .string(column.rawValue), "arg": .string(field.rawValue)], some),
          found: some.map { TimestampExtraction(field, column: column, clock: .own).value($0) },
          label: "\(field) of \(column)")
      }, generator)
    let berlin = try WallClock(zone: "Europe/Berlin")
    #expect(TimestampExtraction(.hour, column: column, clock: berlin).value(.max) == nil)
    #expect(try TimestampRounding(.down, to: .hour, column: column, clock: berlin, place: "").value(.max) == nil)
  }

  @Test("units are added as Python adds them, by the calendar from days on, up to the ends of the range")
  func shifts() throws {
    var generator = SeededGenerator()
    var groups: [Group] = []
    for unit in Self.units {
      for column in TimeUnit.allCases {
        guard let shift = try? TimestampShift(unit, column: column, clock: .own, place: "") else { continue }
        var some = values(300, column, nil, &generator) + [.min, .max, 0, -1]
        some += (0..<100).map { _ in Int64.random(in: .min ... .max, using: &generator) }
        let amounts: [Int64] = some.map { _ in
          [
            0, 1, -1, 12, -13, .random(in: -5000...5000, using: &generator),
            .random(in: .min ... .max, using: &generator),
          ]
          .randomElement(using: &generator)!
        }
        groups.append(shiftGroup(shift, unit, column, nil, some, amounts))
      }
      for zone in testedZones where unit >= .second {
        let column = TimeUnit.allCases.randomElement(using: &generator)!
        let shift = try TimestampShift(unit, column: column, clock: WallClock(zone: zone), place: "")
        let some = values(
          100, column, try ZoneDatabase.shared.zone(zone), &generator, years: -2_000_000_000..<6_000_000_000)
        let amounts = some.map { _ in Int64.random(in: -30...30, using: &generator) }
        groups.append(shiftGroup(shift, unit, column, zone, some, amounts))
      }
    }
    try Group.check(groups, generator)
  }

  private func shiftGroup(
    _ shift: TimestampShift, _ unit: CalendarUnit, _ column: TimeUnit, _ zone: String?, _ some: [Int64],
    _ amounts: [Int64]
  ) -> Group {
    let single = zip(some, amounts).map { shift.value($0, adding: $1) }
    var results = [Int64](repeating: 0, count: some.count)
    let fits = shift.apply(some, some.count, adding: amounts, amountStride: 1, to: &results)
    #expect(fits == single.allSatisfy { $0 != nil })
    for (one, result) in zip(single, results) where one != nil { #expect(one == result) }
    return Group(
      question: Peer.question(
        [
          "op": "shift", "unit": .string(column.rawValue), "zone": zone.map { .string($0) } ?? .null,
          "arg": .string(unit.rawValue), "amounts": .array(amounts.map { .int($0) }),
        ], some), found: single, label: "\(unit) added to \(column) \(zone ?? "")")
  }

  @Test("differences count the borders that pyarrow counts")
  func differences() throws {
    var generator = SeededGenerator()
    var groups: [Group] = []
    for unit in Self.units {
      for zone in [nil, "Europe/Berlin", "Pacific/Apia", "Australia/Lord_Howe"] as [String?] {
        for column in TimeUnit.allCases {
          // Narrow enough that nanoseconds fit.
          let own = try zone.map { try ZoneDatabase.shared.zone($0) }
          let ends = values(300, column, own, &generator, years: -2_000_000_000..<2_000_000_000)
          let starts = values(300, column, own, &generator, years: -2_000_000_000..<2_000_000_000)
          let difference = TimestampDifference(unit, column: column, clock: try WallClock(zone: zone))
          var results = [Int64](repeating: 0, count: ends.count)
          #expect(
            difference.apply(from: starts, fromStride: 1, to: ends, toStride: 1, ends.count, into: &results))
          #expect(difference.value(from: starts[0], to: ends[0]) == results[0])
          groups.append(
            Group(
              question: Peer.question(
                [
                  "op": "difference", "unit": .string(column.rawValue), "zone": zone.map { .string($0) } ?? .null,
                  "arg": .string(unit.rawValue), "starts": .array(starts.map { .int($0) }),
                ], ends), found: results, label: "\(unit)s between \(column) \(zone ?? "")"))
        }
      }
    }
    try Group.check(groups, generator)
    let nanoseconds = TimestampDifference(.nanosecond, column: .second, clock: .own)
    #expect(nanoseconds.value(from: 0, to: 10_000_000_000) == nil && nanoseconds.value(from: .min, to: .max) == nil)
    #expect(TimestampDifference(.second, column: .second, clock: .own).value(from: .min, to: .max) == nil)
    let weeks = TimestampDifference(.week, column: .nanosecond, clock: .own)
    #expect(weeks.value(from: .min, to: .max) == 30_500)
  }
}
