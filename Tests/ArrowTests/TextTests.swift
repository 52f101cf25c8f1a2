import Arrow
import Calendar
import TestSupport
import Testing
import VolleyPlan

@Suite("Text of cells")
struct TextTests {
  @Test("is what a person reads")
  func cells() {
    let cells: [(Literal, String)] = [
      (.bool(true), "true"), (.bool(false), "false"), (.int32(.min), "-2147483648"),
      (.int64(.max), "9223372036854775807"),
      (.float64(0.1), "0.1"), (.float64(1), "1.0"), (.float64(-0.0), "-0.0"), (.float64(.nan), "nan"),
      (.float64(-.infinity), "-inf"), (.float64(1e300), "1e+300"), (.utf8("a \"ü\""), "a \"ü\""),
      (.utf8(""), ""), (.null(.utf8), "null"), (.null(.int64), "null"),
      (.timestamp(0, .second, timezone: nil), "1970-01-01T00:00:00"),
      (.timestamp(-1, .second, timezone: "UTC"), "1969-12-31T23:59:59Z"),
      (.timestamp(-1, .nanosecond, timezone: nil), "1969-12-31T23:59:59.999999999"),
      (.timestamp(1_714_566_600_123, .millisecond, timezone: "Europe/Berlin"), "2024-05-01T12:30:00.123Z"),
      (.timestamp(1_714_566_600_000_001, .microsecond, timezone: nil), "2024-05-01T12:30:00.000001"),
      (.timestamp(951_782_400, .second, timezone: nil), "2000-02-29T00:00:00"),
      (.timestamp(253_402_300_799, .second, timezone: nil), "9999-12-31T23:59:59"),
      (.timestamp(253_402_300_800, .second, timezone: nil), "+10000-01-01T00:00:00"),
      (.timestamp(-62_167_219_201, .second, timezone: nil), "-0001-12-31T23:59:59"),
      (.timestamp(.min, .second, timezone: nil), "-292277022657-01-27T08:29:52"),
      (.timestamp(.max, .second, timezone: nil), "+292277026596-12-04T15:30:07"),
      (.timestamp(.min, .nanosecond, timezone: nil), "1677-09-21T00:12:43.145224192"),
    ]
    for (value, text) in cells { #expect(Column.constant(value, count: 2).text(at: 1) == text) }
  }

  @Test("of timestamps is what Python's datetime says, for random instants of the years 1 to 9999")
  func python() {
    var generator = SeededGenerator()
    let instants = (0..<2000).map { _ in
      Int64.random(in: -62_135_596_800_000_000...253_402_300_799_999_999, using: &generator)
    }
    let outcome = TestProcess.python(
      """
      import sys, datetime
      epoch = datetime.datetime(1970, 1, 1)
      for line in sys.stdin:
          print((epoch + datetime.timedelta(microseconds=int(line))).isoformat())
      """, input: instants.map { "\($0)\n" }.joined())
    #expect(outcome.status == 0, "\(outcome.errors)")
    let expected = outcome.output.split(separator: "\n")
    #expect(expected.count == instants.count)
    for (instant, text) in zip(instants, expected) {
      #expect(
        ISO8601.text(instant, unit: .microsecond, isInstant: false, omitsZeroFraction: true) == text,
        "\(instant), \(generator)")
    }
  }

  @Test("of a column shows its first rows")
  func description() {
    #expect("\(Column.constant(.int64(7), count: 2))" == "int64[2] [7, 7]")
    #expect("\(Column.constant(.bool(true), count: 21))".hasSuffix("true, …]"))
  }
}
