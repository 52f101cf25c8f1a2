import Arrow
import VolleyPlan

extension DifferenceTests {
  private static func time(_ seconds: Int64, zone: String? = nil) -> [Column] {
    one(.timestamp(seconds, .second, timezone: zone))
  }

  private static func whole(_ value: Int128, _ type: DataType) -> Literal { .integer(value, type) }

  static let times: [Case] = [
    Case(
      name: "date_ceil to a month of its first day", expression: call("date_ceil", .text("month"), a),
      columns: one(whole(19_844, .date32)), python: "pc.ceil_temporal(a, 1, 'month')"),
    Case(
      name: "date_truncate to 5 years before year 1",
      expression: .cast(call("date_truncate", .text("year"), a, .int(5)), .int64),
      columns: time(-62_167_219_201), python: "pc.floor_temporal(a, 5, 'year').cast('int64')"),
    Case(
      name: "date_truncate to a week from Sunday, over a clock change",
      expression: .cast(call("date_truncate", .text("week"), a, .int(1), .text("sunday")), .int64),
      columns: time(1_711_965_600, zone: "Europe/Berlin"),
      python: "pc.floor_temporal(a, 1, 'week', week_starts_monday=False).cast('int64')"),
    Case(
      name: "second at an offset of 19:32 minutes", expression: call("extract", .text("second"), a),
      columns: time(-1_500_000_000, zone: "Europe/Amsterdam"), python: "pc.second(a)"),
    Case(
      name: "second at an offset of -4:56:02 hours", expression: call("extract", .text("second"), a),
      columns: time(-3_000_000_000, zone: "America/New_York"), python: "pc.second(a)"),
    Case(
      name: "date_truncate to an hour that comes twice",
      expression: .cast(call("date_truncate", .text("hour"), a), .int64),
      columns: time(1_729_989_000 + 3600, zone: "Europe/Berlin"),
      python: "pc.floor_temporal(a, 1, 'hour').cast('int64')"),
    Case(
      name: "date_truncate to 2 hours that begin twice",
      expression: .cast(call("date_truncate", .text("hour"), a, .int(2)), .int64),
      columns: time(1_729_989_000 + 3600, zone: "Europe/Berlin"),
      python: "pc.floor_temporal(a, 2, 'hour').cast('int64')"),
    Case(
      name: "hour in Berlin in July 2040", expression: call("extract", .text("hour"), a),
      columns: time(2_224_756_800, zone: "Europe/Berlin"), python: "pc.hour(a)"),
    Case(
      name: "day in New York past midnight in July 2050", expression: call("extract", .text("day"), a),
      columns: time(2_540_263_800, zone: "America/New_York"), python: "pc.day(a)"),
    Case(
      name: "day_of_week of Monday", expression: call("extract", .text("day_of_week"), a), columns: time(345_600),
      python: "pc.day_of_week(a)"),
    Case(
      name: "time32[s] + duration[s]", expression: call("add", a, b),
      columns: one(whole(3600, .time32(.second)), whole(60, .duration(.second))), python: "pc.add(a, b)"),
    Case(
      name: "date64 + duration[s]", expression: call("add", a, b),
      columns: one(whole(86_400_000, .date64), whole(60, .duration(.second))), python: "pc.add(a, b)"),
    Case(
      name: "date32 + 1", expression: call("add", a, .int(1)), columns: one(whole(0, .date32)),
      python: "pc.add(a, 1)"),
    Case(
      name: "timestamp + duration beyond int64", expression: call("add", a, b),
      columns: one(.timestamp(.max, .second, timezone: nil), whole(1, .duration(.second))),
      python: "pc.add(a, b).cast('int64')"),
    Case(
      name: "date_parse of 30 February", expression: call("date_parse", a, .text("%Y-%m-%d"), .text("s")),
      columns: one(.utf8("2024-02-30")), python: "pc.strptime(a, format='%Y-%m-%d', unit='s')"),
  ]

  static let timeCasts: [Case] = [
    Case(
      name: "timestamp[ms] -1 to timestamp[s]", expression: .cast(a, .timestamp(.second)),
      columns: one(.timestamp(-1, .millisecond, timezone: nil)), python: "a.cast(pa.timestamp('s'))"),
    Case(
      name: "text '2024-05-01T12:00:00.500000' to timestamp[ms]",
      expression: .cast(.cast(a, .timestamp(.millisecond)), .int64),
      columns: one(.utf8("2024-05-01T12:00:00.500000")), python: "a.cast(pa.timestamp('ms')).cast('int64')"),
    Case(
      name: "text '2024-05-01T12:00:00' to timestamp in UTC",
      expression: .cast(.cast(a, .timestamp(.second, timezone: "UTC")), .int64),
      columns: one(.utf8("2024-05-01T12:00:00")), python: "a.cast(pa.timestamp('s', 'UTC')).cast('int64')"),
    Case(
      name: "timestamp to text", expression: .cast(a, .utf8), columns: time(0), python: "a.cast(pa.string())"),
    Case(
      name: "timestamp of a zone to text", expression: .cast(a, .utf8), columns: time(0, zone: "Europe/Berlin"),
      python: "a.cast(pa.string())"),
    Case(
      name: "timestamp of year -1 to text", expression: .cast(a, .utf8), columns: time(-62_167_219_201),
      python: "a.cast(pa.string())"),
    Case(
      name: "timestamp of a zone to timestamp without", expression: .cast(a, .timestamp(.second)),
      columns: time(0, zone: "Europe/Berlin"), python: "a.cast(pa.timestamp('s')).cast('int64')"),
    Case(
      name: "duration to text", expression: .cast(a, .utf8), columns: one(whole(5, .duration(.second))),
      python: "a.cast(pa.string())"),
    Case(
      name: "time32[ms] 1999 to time32[s]", expression: .cast(a, .time32(.second)),
      columns: one(whole(1999, .time32(.millisecond))), python: "a.cast(pa.time32('s'))"),
    Case(
      name: "text '2024-05-01T12' to timestamp", expression: .cast(a, .timestamp(.second)),
      columns: one(.utf8("2024-05-01T12")), python: "a.cast(pa.timestamp('s'))"),
    Case(
      name: "text '2024-05-01T12:00:00+02:00' to timestamp", expression: .cast(.cast(a, .timestamp(.second)), .int64),
      columns: one(.utf8("2024-05-01T12:00:00+02:00")), python: "a.cast(pa.timestamp('s')).cast('int64')"),
  ]
}
