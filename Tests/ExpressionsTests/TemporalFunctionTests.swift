import Arrow
import ArrowTestSupport
import Expressions
import TestSupport
import Testing
import VolleyPlan

/// Functions of time and casts among times over random columns, beside pyarrow in this process.
struct TemporalFunctionTests {
  private static let rows = 1100
  private static let zones: [String?] = [nil, "UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]

  /// Expressions over columns give what pyarrow's expressions over the same columns give.
  private func check(
    _ cases: [(Expression, String)], _ columns: [Column], _ generator: SeededGenerator, prelude: String = ""
  ) throws {
    let expected = try PyArrow.columns(
      columns, prelude: prelude, "return [\(cases.map(\.1).joined(separator: ", "))]")
    for ((expression, peer), wanted) in zip(cases, expected) {
      let found = try evaluate(expression, columns)
      let (rows, others) = (found.rows, wanted.rows)
      let different = zip(rows, others).enumerated().first { $0.element.0 != $0.element.1 }
      #expect(
        rows.count == others.count && different == nil,
        "\(generator): \(peer) of \(columns.map(\.type)) at \(different.map { "\($0.offset): \(columns.map { $0.text(at: different!.offset) }) \($0.element)" } ?? "the end")"
      )
    }
  }

  private func times(
    _ type: DataType, _ generator: inout SeededGenerator, seconds: ClosedRange<Int64> = 347_000_000...2_120_000_000
  ) -> Column {
    RandomTimes.column(type, &generator, count: Self.rows, seconds: seconds)
  }

  private static let dateFields = ["year", "quarter", "month", "day", "week", "iso_year", "day_of_year", "day_of_week"]
  private static let dayFields = ["hour", "minute", "second", "millisecond", "microsecond", "nanosecond"]
  private static let units = [
    "nanosecond", "microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year",
  ]

  private func peer(_ field: String) -> String {
    switch field {
    case "week": "pc.iso_week(a)"
    case "day_of_week": "pc.day_of_week(a, count_from_zero=False)"
    default: "pc.\(field)(a)"
    }
  }

  @Test("timestamps are rounded and taken apart as pyarrow does it", arguments: TimeUnit.allCases)
  func timestamps(_ unit: TimeUnit) throws {
    var generator = SeededGenerator()
    for zone in Self.zones {
      let column = times(.timestamp(unit, timezone: zone), &generator)
      var cases: [(Expression, String)] = []
      // Units finer than the column's wrap in pyarrow; hours and less fail there where clocks are put back.
      let held = Self.units.drop {
        $0 != ["s": "second", "ms": "millisecond", "us": "microsecond", "ns": "nanosecond"][unit.rawValue]
      }
      // pyarrow fails where a unit begins twice, or in a gap, as a month and a year do in Kathmandu.
      let isRounded = zone != "Asia/Kathmandu"
      for name in held
      where isRounded && (zone == nil || zone == "UTC" || ["day", "week", "month", "quarter", "year"].contains(name)) {
        let multiple = Int64.random(in: 1...4, using: &generator)
        cases.append(
          (call("date_truncate", .text(name), a, .int(multiple)), "pc.floor_temporal(a, \(multiple), '\(name)')"))
        // pyarrow takes a value that is a multiple of months to the next.
        if !["month", "quarter", "year"].contains(name) {
          cases.append(
            (call("date_ceil", .text(name), a, .int(multiple)), "pc.ceil_temporal(a, \(multiple), '\(name)')"))
        }
      }
      // pyarrow looks up the offset of Sunday's weeks four days on.
      if zone == nil || zone == "UTC" {
        cases.append(
          (
            call("date_truncate", .text("weeks"), a, .int(1), .text("sunday")),
            "pc.floor_temporal(a, 1, 'week', week_starts_monday=False)"
          ))
      }
      for field in Self.dateFields + Self.dayFields { cases.append((call("extract", .text(field), a), peer(field))) }
      cases.append(
        (
          call("extract", .text("epoch"), a),
          "pc.floor_temporal(a.cast(pa.timestamp(a.type.unit)), 1, 'second').cast(pa.timestamp('s')).cast(pa.int64())"
        ))
      cases.append(
        (call("date_format", a, .text("%Y-%m-%d %H:%M:%S %j %a")), "pc.strftime(a, format='%Y-%m-%d %H:%M:%S %j %a')"))
      if zone != nil { cases.append((call("local_time", a), "pc.local_timestamp(a)")) }
      try check(cases, [column], generator)
    }
  }

  @Test("dates and times of the day are rounded and taken apart as pyarrow does it")
  func datesAndTimes() throws {
    var generator = SeededGenerator()
    for type in [DataType.date32, .date64] {
      var cases: [(Expression, String)] = []
      for name in ["day", "week", "month", "quarter", "year"] {
        let multiple = Int64.random(in: 1...4, using: &generator)
        cases.append(
          (call("date_truncate", .text(name), a, .int(multiple)), "pc.floor_temporal(a, \(multiple), '\(name)')"))
      }
      for field in Self.dateFields { cases.append((call("extract", .text(field), a), peer(field))) }
      cases.append((call("date_format", a, .text("%d.%m.%Y")), "pc.strftime(a, format='%d.%m.%Y')"))
      try check(cases, [times(type, &generator)], generator)
    }
    for (type, finest) in [
      (DataType.time32(.second), "second"), (.time32(.millisecond), "millisecond"),
      (.time64(.microsecond), "microsecond"), (.time64(.nanosecond), "nanosecond"),
    ] {
      var cases: [(Expression, String)] = []
      for name in Self.units.drop(while: { $0 != finest }).prefix(while: { $0 != "day" }) {
        let multiple = Int64.random(in: 1...4, using: &generator)
        cases.append(
          (call("date_truncate", .text(name), a, .int(multiple)), "pc.floor_temporal(a, \(multiple), '\(name)')"))
      }
      for field in Self.dayFields { cases.append((call("extract", .text(field), a), peer(field))) }
      cases.append((call("date_format", a, .text("%H:%M:%S")), "pc.strftime(a, format='%H:%M:%S')"))
      try check(cases, [times(type, &generator)], generator)
    }
  }

  @Test("differences count the borders that pyarrow counts")
  func differences() throws {
    var generator = SeededGenerator()
    for type in [
      DataType.timestamp(.microsecond), .timestamp(.second, timezone: "Europe/Berlin"), .timestamp(.nanosecond),
      .date32, .date64,
    ] {
      let units =
        type == .date32 || type == .date64 ? ["day", "week", "quarter", "year"] : Self.units.filter { $0 != "month" }
      let cases = units.map { (call("date_diff", .text($0), a, b), "pc.\($0)s_between(a, b)") }
      try check(cases, [times(type, &generator), times(type, &generator)], generator)
    }
    let mixed = [times(.timestamp(.second), &generator), times(.timestamp(.millisecond), &generator)]
    try check(
      [(call("date_diff", .text("hour"), a, b), "pc.hours_between(a.cast(pa.timestamp('ms')), b)")], mixed, generator)
    let constant = Expression.literal(.timestamp(1_700_000_000, .second, timezone: nil))
    try check(
      [
        (
          call("date_diff", .text("day"), constant, a),
          "pc.days_between(pa.scalar(1700000000, pa.int64()).cast(pa.timestamp('s')), a)"
        ),
        (
          call("date_diff", .text("day"), a, constant),
          "pc.days_between(a, pa.scalar(1700000000, pa.int64()).cast(pa.timestamp('s')))"
        ),
      ], [mixed[0]], generator)
  }

  @Test("plus and minus of times and durations are pyarrow's, nulls of either side included")
  func arithmetic() throws {
    var generator = SeededGenerator()
    for (left, right) in [
      (DataType.timestamp(.microsecond), DataType.duration(.millisecond)),
      (.timestamp(.second, timezone: "Europe/Berlin"), .duration(.millisecond)),
      (.timestamp(.nanosecond), .duration(.second)), (.date32, .duration(.second)),
      (.duration(.second), .duration(.nanosecond)),
    ] {
      let columns = [times(left, &generator), times(right, &generator)]
      try check(
        [(call("add", a, b), "pc.add(a, b)"), (call("subtract", a, b), "pc.subtract(a, b)")], columns, generator)
      try check([(call("add", b, a), "pc.add(b, a)")], columns, generator)
    }
    for type in [DataType.timestamp(.millisecond), .timestamp(.second, timezone: "Europe/Berlin"), .date32, .date64] {
      try check(
        [(call("subtract", a, b), "pc.subtract(a, b)")], [times(type, &generator), times(type, &generator)], generator)
    }
    let factors = Column.of(.int64, (0..<Self.rows).map { $0 % 11 == 0 ? nil : .int64(Int64($0) - 500) }, junk: 3)
    try check(
      [(call("multiply", a, b), "pc.multiply(a, b)"), (call("multiply", b, a), "pc.multiply(a, b)")],
      [times(.duration(.second), &generator), factors], generator)
    try check(
      [
        (call("add", a, .int(30)), "pc.add(a.cast(pa.int32()), 30).cast(pa.int32()).cast(pa.date32())"),
        (call("subtract", a, b), "pc.subtract(a.cast(pa.int32()), b).cast(pa.int32()).cast(pa.date32())"),
      ], [times(.date32, &generator), factors], generator)
  }

  /// `date_add` and intervals, in Python.
  private static let calendar = """
    import datetime, calendar, zoneinfo
    def months(t, n):
        y, m = divmod(t.year * 12 + t.month - 1 + n, 12)
        return t.replace(year=y, month=m + 1, day=min(t.day, calendar.monthrange(y, m + 1)[1]))
    def each(f, *arrays):
        rows = zip(*(a.to_pylist() for a in arrays))
        return pa.array([None if None in row else f(*row) for row in rows], arrays[0].type)

    """

  @Test("units are added by the calendar as Python adds them")
  func addition() throws {
    var generator = SeededGenerator()
    let amounts = Column.of(
      .int64, (0..<Self.rows).map { $0 % 13 == 0 ? nil : .int64(Int64($0 % 600) - 300) }, junk: 5)
    for type in [DataType.timestamp(.microsecond), .timestamp(.millisecond), .date32] {
      var cases = [("month", 1), ("quarter", 3), ("year", 12)].map { unit, count in
        (call("date_add", .text(unit), b, a), "each(lambda t, n: months(t, n * \(count)) , a, b)")
      }
      cases.append(
        (call("date_add", .text("week"), .int(-3), a), "each(lambda t: t + datetime.timedelta(weeks=-3), a)"))
      if type != .date32 {
        cases.append(
          (call("date_add", .text("minutes"), b, a), "each(lambda t, n: t + datetime.timedelta(minutes=n), a, b)"))
      }
      try check(cases, [times(type, &generator), amounts], generator, prelude: Self.calendar)
    }
  }

  @Test("intervals add their months, then their days, then the rest")
  func intervals() throws {
    var generator = SeededGenerator()
    let values = (0..<Self.rows).map { row -> Literal? in
      if row % 10 == 3 { return nil }
      return .interval(
        months: .random(in: -30...30, using: &generator), days: .random(in: -40...40, using: &generator),
        nanoseconds: Int64.random(in: -1_000_000...1_000_000, using: &generator) * 1_000_000, .monthDayNano)
    }
    let columns = [times(.timestamp(.microsecond), &generator), Column.of(.interval(.monthDayNano), values, junk: 9)]
    let add =
      "each(lambda t, i: months(t, i.months) + datetime.timedelta(days=i.days, microseconds=i.nanoseconds // 1000), a, b)"
    let subtract =
      "each(lambda t, i: months(t, -i.months) - datetime.timedelta(days=i.days, microseconds=i.nanoseconds // 1000), a, b)"
    try check(
      [(call("add", a, b), add), (call("add", b, a), add), (call("subtract", a, b), subtract)], columns, generator,
      prelude: Self.calendar)
    let year = Column.of(.interval(.yearMonth), [.interval(months: 12, days: 0, nanoseconds: 0, .yearMonth)])
    let leap = Column.of(.date32, [.integer(19_782, .date32)])
    #expect(try evaluate(call("add", a, b), [leap, year]).text(at: 0) == "2025-02-28")
    let day = Column.of(.interval(.dayTime), [.interval(months: 0, days: 1, nanoseconds: 1_000_000, .dayTime)])
    let berlin = Column.of(
      .timestamp(.millisecond, timezone: "Europe/Berlin"),
      [.timestamp(1_711_800_000_000, .millisecond, timezone: "Europe/Berlin")])
    // A day of 23 hours.
    #expect(
      try evaluate(call("add", a, b), [berlin, day]).rows == [
        .timestamp(1_711_882_800_001, .millisecond, timezone: "Europe/Berlin")
      ])
  }

  @Test("casts among dates, times and timestamps are pyarrow's")
  func casts() throws {
    var generator = SeededGenerator()
    for unit in TimeUnit.allCases {
      for zone in Self.zones {
        let cases = [
          DataType.date32, .date64, .time32(.second), .time32(.millisecond), .time64(.microsecond),
          .time64(.nanosecond),
        ]
        .map { (Expression.cast(a, $0), "a.cast(\(WideColumns.python($0)), safe=False)") }
        try check(cases, [times(.timestamp(unit, timezone: zone), &generator)], generator)
      }
    }
    for type in [DataType.date32, .date64] {
      let targets = [
        DataType.date32, .date64, .timestamp(.second), .timestamp(.nanosecond),
        .timestamp(.millisecond, timezone: "UTC"),
      ]
      try check(
        targets.filter { $0 != type }.map { (.cast(a, $0), "a.cast(\(WideColumns.python($0)))") } + [
          (.cast(a, .utf8), "a.cast(pa.string())")
        ],
        [times(type, &generator)], generator)
    }
    let timesOfDay: [DataType] = [.time32(.second), .time32(.millisecond), .time64(.microsecond), .time64(.nanosecond)]
    for type in timesOfDay {
      try check(
        timesOfDay.filter { $0 != type }.map { (.cast(a, $0), "a.cast(\(WideColumns.python($0)), safe=False)") }
          + [(.cast(a, .utf8), "a.cast(pa.string())"), (.cast(.cast(a, .utf8), type), "a")],
        [times(type, &generator)], generator)
    }
    for unit in TimeUnit.allCases {
      let cases = TimeUnit.allCases.filter { $0 != unit }.map {
        (Expression.cast(a, .duration($0)), "a.cast(pa.duration('\($0.rawValue)'))")
      }
      try check(cases + [(.cast(a, .int64), "a.cast(pa.int64())")], [times(.duration(unit), &generator)], generator)
    }
    let days = times(.date32, &generator)
    try check(
      [
        (.cast(.cast(a, .utf8), .date32), "a.cast(pa.string()).cast(pa.date32())"),
        (.cast(.cast(a, .utf8), .date64), "a.cast(pa.date64())"), (.cast(a, .int32), "a.cast(pa.int32())"),
      ],
      [days], generator)
  }

  @Test("texts are parsed as pyarrow's strptime parses them, or give null on request")
  func parsing() throws {
    var generator = SeededGenerator()
    let column = times(.timestamp(.second), &generator)
    for format in ["%Y-%m-%d %H:%M:%S", "%d/%m/%y %H:%M:%S", "%a %b %d %Y %I:%M:%S %p"] {
      let text = try evaluate(call("date_format", a, .text(format)), [column])
      try check(
        [(call("date_parse", a, .text(format), .text("ms")), "pc.strptime(a, format='\(format)', unit='ms')")], [text],
        generator)
      #expect(
        try evaluate(.cast(call("date_parse", a, .text(format)), .timestamp(.second)), [text]).rows == column.rows)
    }
    let mixed = Column.of(.utf8, [.utf8("2024-05-01 +0200"), .utf8("x"), nil, .utf8("2024-02-30 +0000")], junk: 2)
    let found = try evaluate(call("try_date_parse", a, .text("%F %z"), .text("s")), [mixed])
    #expect(found.type == .timestamp(.second, timezone: "UTC"))
    #expect(found.rows == [.timestamp(1_714_514_400, .second, timezone: "UTC"), nil, nil, nil])
  }

  @Test("zones are assumed and dropped as pyarrow does it")
  func zones() throws {
    var generator = SeededGenerator()
    for zone in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "+05:30"] {
      let columns = [times(.timestamp(.second), &generator, seconds: 1_300_000_000...1_400_000_000)]
      let cases = ["earliest", "latest"].map { choice in
        (
          call("assume_zone", a, .text(zone), .text(choice), .text(choice)),
          "pc.assume_timezone(a, '\(zone)', ambiguous='\(choice)', nonexistent='\(choice)')"
        )
      }
      try check(cases, columns, generator)
    }
    let moment = Column.of(.timestamp(.second, timezone: "UTC"), [.timestamp(0, .second, timezone: "UTC")])
    let shown = try evaluate(call("to_zone", a, .text("Asia/Kathmandu")), [moment])
    #expect(shown.rows == [.timestamp(0, .second, timezone: "Asia/Kathmandu")])
    #expect(
      try evaluate(call("local_time", call("to_zone", a, .text("Asia/Kathmandu"))), [moment]).rows == [
        .timestamp(19_800, .second, timezone: nil)
      ])
  }
}
