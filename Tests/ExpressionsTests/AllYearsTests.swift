import Arrow
import ArrowTestSupport
import TestSupport
import Testing
import VolleyPlan

@testable import Expressions

/// Times far from today: without a zone beside pyarrow, before year 1 and after 9999 too; in zones beside Python's zoneinfo, since
/// pyarrow has no rules of zones after 2037.
@Suite("times of all years", .serialized)
struct AllYearsTests {
  private static let fields = [
    "year", "month", "day", "hour", "minute", "second", "day_of_year", "week", "quarter", "iso_year", "day_of_week",
  ]

  @Test("without a zone have pyarrow's fields and borders", arguments: [TimeUnit.second, .millisecond, .microsecond])
  func plain(_ unit: TimeUnit) throws {
    var generator = SeededGenerator()
    // Years -20,000 to 20,000, half of them 1 to 9999.
    for seconds in [-693_000_000_000...568_000_000_000, -62_135_596_800...253_402_300_799] as [ClosedRange<Int64>] {
      let column = RandomTimes.column(.timestamp(unit), &generator, count: 1500, seconds: seconds)
      let units = ["second", "minute", "hour", "day", "week", "month", "quarter", "year"]
      let wanted = try PyArrow.columns(
        [column],
        """
        found = [pc.year, pc.month, pc.day, pc.hour, pc.minute, pc.second, pc.day_of_year, pc.iso_week, pc.quarter, pc.iso_year]
        found = [f(a).cast(pa.int64()) for f in found] + [pc.add(pc.day_of_week(a), 1).cast(pa.int64())]
        return found + [pc.floor_temporal(a, 1, unit) for unit in \(units)]
        """)
      for (index, name) in (Self.fields + units).enumerated() {
        let function = index < Self.fields.count ? "extract" : "date_truncate"
        let found = try evaluate(call(function, .text(name), a), [column])
        expectSame(found, wanted[index], column, "\(generator): \(function) \(name)")
      }
    }
  }

  /// Of a zone's times in microseconds: the fields, the zone's reading, and the borders before them as points in time, none where the
  /// clock skips or repeats one.
  private static let zoned = """
    import datetime, zoneinfo
    EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    MICROSECOND = datetime.timedelta(microseconds=1)

    def reading(value, zone):
        return (EPOCH + value * MICROSECOND).astimezone(zoneinfo.ZoneInfo(zone))

    def count(moment):
        return (moment.replace(tzinfo=datetime.timezone.utc) - EPOCH) // MICROSECOND

    def fields(t):
        year, week, day = t.isocalendar()
        return [t.year, t.month, t.day, t.hour, t.minute, t.second, t.timetuple().tm_yday, week, (t.month + 2) // 3, year, day]

    def border(t, unit):
        start = t.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        if unit == 'week': start -= datetime.timedelta(days=t.weekday())
        if unit in ('month', 'quarter', 'year'): start = start.replace(day=1)
        if unit == 'quarter': start = start.replace(month=(t.month - 1) // 3 * 3 + 1)
        if unit == 'year': start = start.replace(month=1)
        found = {(start.replace(fold=fold) - EPOCH) // MICROSECOND for fold in (0, 1)}
        return found.pop() if len(found) == 1 else None

    """

  @Test(
    "in a zone have zoneinfo's readings",
    arguments: [
      "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Monrovia", "Pacific/Apia",
      "America/Sao_Paulo", "Asia/Tehran", "Europe/Dublin", "Africa/Casablanca", "Antarctica/Troll", "UTC",
    ])
  func zoned(_ zone: String) throws {
    var generator = SeededGenerator()
    let type = DataType.timestamp(.microsecond, timezone: zone)
    // Years 1 to 9999 but for some days at their ends, those with rules of zones, and those after 2037.
    for seconds in [
      -62_135_000_000...253_402_000_000, -3_000_000_000...2_140_000_000, 2_140_000_000...10_000_000_000,
    ] as [ClosedRange<Int64>] {
      let column = RandomTimes.column(type, &generator, count: 1000, seconds: seconds)
      let units = ["day", "week", "month", "quarter", "year"]
      let wanted = try PyArrow.columns(
        [column], prelude: Self.zoned,
        """
        values = a.cast(pa.int64()).to_pylist()
        times = [v if v is None else reading(v, '\(zone)') for v in values]
        rows = [[None] * 11 if t is None else fields(t) for t in times]
        found = [pa.array([row[i] for row in rows], pa.int64()) for i in range(11)]
        found.append(pa.array([t if t is None else count(t) for t in times], pa.int64()).cast(pa.timestamp('us')))
        for unit in \(units):
            borders = pa.array([t if t is None else border(t, unit) for t in times], pa.int64())
            found.append(borders.cast(pa.timestamp('us', '\(zone)')))
        return found
        """)
      for (index, name) in Self.fields.enumerated() {
        let found = try evaluate(call("extract", .text(name), a), [column])
        expectSame(found, wanted[index], column, "\(generator): \(name) in \(zone)")
      }
      let readings = try evaluate(call("local_time", a), [column])
      expectSame(readings, wanted[Self.fields.count], column, "\(generator): local_time in \(zone)")
      var compared = 0
      for (index, unit) in units.enumerated() {
        let borders = wanted[Self.fields.count + 1 + index]
        let told = Selection((0..<borders.length).filter { borders.isValid($0) })
        let found = try evaluate(call("date_truncate", .text(unit), a), [column.gather(told)])
        expectSame(found, borders.gather(told), column.gather(told), "\(generator): date_truncate \(unit) in \(zone)")
        compared += told.count
      }
      #expect(compared > 3000, "\(generator): \(compared) borders in \(zone)")
    }
  }

  private func expectSame(_ found: Column, _ wanted: Column, _ column: Column, _ what: String) {
    #expect(found.type == wanted.type, "\(what)")
    guard found != wanted else { return }
    for row in 0..<column.length where found.slice(row..<(row + 1)) != wanted.slice(row..<(row + 1)) {
      Issue.record("\(what): of \(column.text(at: row)) \(found.text(at: row)), not \(wanted.text(at: row))")
      return
    }
  }
}
