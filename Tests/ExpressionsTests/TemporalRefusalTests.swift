import Arrow
import Expressions
import Testing
import VolleyPlan

/// What functions of time do not take, and rows that they have no result for.
struct TemporalRefusalTests {
  private func refusal(_ expression: Expression, _ types: DataType...) -> String? {
    message { _ = try evaluate(expression, types.map { .of($0, [nil]) }) }
  }

  @Test("calls that do not fit are refused when the plan is made")
  func plans() {
    let t = DataType.timestamp(.microsecond)
    for (expression, types, sentence) in [
      (call("date_truncate", .text("hours"), a), [t], nil),
      (
        call("date_truncate", .text("huor"), a), [t],
        "date_truncate: there is no unit 'huor'; expected 'hour', 'year', 'day', 'week', "
      ),
      (call("date_truncate", b, a), [t, .utf8], "date_truncate: the unit must be a constant text"),
      (
        call("date_truncate", .text("hour"), a), [.utf8],
        "date_truncate: the time is utf8, expected a timestamp, a date or a time"
      ),
      (
        call("date_truncate", .text("hour"), a, .int(0)), [t],
        "date_truncate: the multiple is 0, expected 1 to 2147483647"
      ),
      (
        call("date_truncate", .text("week"), a, .int(1), .text("tuesday")), [t],
        "date_truncate: the start of the week is 'tuesday', expected one of 'monday', 'sunday'"
      ),
      (call("date_truncate", .text("day"), a), [.time32(.second)], "date_truncate: a time32[s] has no days"),
      (call("extract", .text("hour"), a), [.date32], "extract: a date32 has no hour"),
      (call("extract", .text("year"), a), [.time64(.nanosecond)], "extract: a time64[ns] has no year"),
      (call("extract", .text("yaer"), a), [t], "extract: there is no field 'yaer'; expected 'year', "),
      (
        call("date_add", .text("hour"), .int(1), a), [.date32],
        "date_add: a date32 has no hours; cast it to a timestamp first"
      ),
      (call("date_add", .text("day"), a, b), [.utf8, t], "date_add: the amount is utf8, expected an integer"),
      (
        call("date_diff", .text("day"), a, b), [t, .timestamp(.microsecond, timezone: "UTC")],
        "date_diff: the times are timestamp[us] and timestamp[us, UTC]; bring them to one type"
      ),
      (
        call("date_format", a, .text("%z")), [t],
        "date_format: the format '%z' has %z, but the timestamp has no time zone"
      ),
      (call("date_parse", a, .text("%Q")), [.utf8], "date_parse: the format '%Q' has no code after the '%' at byte 2"),
      (call("to_zone", a, .text("UTC")), [t], "to_zone: the timestamp has no time zone; call assume_zone"),
      (
        call("assume_zone", a, .text("Europe/Berlim")), [t],
        "assume_zone: time zone 'Europe/Berlim' is not known; expected UTC, an offset such as +02:00, or a name of the IANA database, such as 'Europe/Berlin'"
      ),
      (call("local_time", a), [t], "local_time: the timestamp has no time zone: it is a reading already"),
      (call("now"), [t], "there is no function 'now'"),
      (call("add", a, b), [t, t], "add: timestamp[us] and timestamp[us] cannot be added; a time takes a duration"),
      (
        .cast(a, .date32), [.timestamp(.second, timezone: "Nowhere")],
        "cast: timestamp[s, Nowhere] cannot be cast to date32: time zone 'Nowhere' is not known"
      ),
      (
        .cast(a, .timestamp(.second, timezone: "Europe/Berlin")), [.date32],
        "cast: date32 cannot be cast to timestamp[s, Europe/Berlin]: which midnight is meant"
      ),
      (
        .cast(a, .float64), [.date32],
        "cast: date32 cannot be cast to float64: date32 is kept as int32; cast by way of int32"
      ),
      (.cast(a, .utf8), [.duration(.second)], "cast: duration[s] cannot be cast to utf8: duration[s] is kept as int64"),
      (
        .cast(a, .int64), [.interval(.yearMonth)], "cast: interval[year_month] cannot be cast to int64: months and days"
      ),
    ] as [(Expression, [DataType], String?)] {
      let text = message { _ = try evaluate(expression, types.map { .of($0, [nil]) }) }
      #expect(sentence.map { text?.hasPrefix($0) == true } ?? (text == nil), "\(text ?? "nothing")")
    }
  }

  /// The row's failure; null and hidden rows never fail.
  private func fails(_ expression: Expression, _ value: Literal, _ sentence: String) throws {
    let column = Column.of(value.type, [nil, value], junk: 3)
    #expect(
      message { _ = try evaluate(expression, [column]) } == sentence + "; keep such rows out with a filter or a case")
    #expect(try evaluate(expression, [column], selection: Selection([0])).rows == [nil])
    var hidden = column
    hidden.validity = Column.of(.bool, [.bool(false), .bool(false)], junk: 3).buffers[0]
    #expect(try evaluate(expression, [hidden]).rows == [nil, nil])
  }

  @Test("a row without a result is a failure that names it")
  func rows() throws {
    let least = Literal.timestamp(.min, .nanosecond, timezone: nil)
    try fails(
      call("date_truncate", .text("day"), a), least,
      "date_truncate: 1677-09-21T00:12:43.145224192 has no day before it that timestamp[ns] holds")
    try fails(
      call("date_add", .text("day"), .int(-1), a), least,
      "date_add: 1677-09-21T00:12:43.145224192 and that many days are beyond what timestamp[ns] holds")
    try fails(
      call("date_add", .text("year"), .int(10_000_000), a), .integer(0, .date32),
      "date_add: 1970-01-01 and that many years are beyond what date32 holds")
    try fails(
      call("date_ceil", .text("hour"), a), .integer(86_399, .time32(.second)),
      "date_ceil: 86399 has no hour behind it that time32[s] holds")
    try fails(
      call("assume_zone", a, .text("Europe/Berlin")), .timestamp(1_711_852_200, .second, timezone: nil),
      "assume_zone: 2024-03-31T02:30:00 was never shown by the clocks of Europe/Berlin, so give 'earliest' or 'latest' for skipped ones"
    )
    try fails(
      call("assume_zone", a, .text("Europe/Berlin")), .timestamp(1_729_996_200, .second, timezone: nil),
      "assume_zone: 2024-10-27T02:30:00 was shown twice by the clocks of Europe/Berlin, so give 'earliest' or 'latest' for ambiguous ones"
    )
    try fails(
      call("date_parse", a, .text("%F")), .utf8("2024-13-01"),
      "date_parse: '2024-13-01' is not in the format '%F': from byte 6 it has '13-01', expected a month, 01 to 12")
    try fails(
      .cast(a, .duration(.second)), .integer(1500, .duration(.millisecond)), "cast: 1500 does not fit duration[s]")
    try fails(
      .cast(a, .date32), .timestamp(.max, .second, timezone: nil),
      "cast: +292277026596-12-04T15:30:07 does not fit date32")
    try fails(
      .cast(a, .timestamp(.nanosecond)), .integer(200_000, .date32), "cast: 2517-08-01 does not fit timestamp[ns]")
  }
}
