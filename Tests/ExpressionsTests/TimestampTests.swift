import Arrow
import Base
import Expressions
import TestSupport
import Testing
import VolleyPlan

/// Timestamps between units, and as ISO 8601 text.
struct TimestampTests {
  private func parse(_ text: String, _ unit: TimeUnit = .second, zone: String? = nil) throws -> Int64? {
    let column = Column.of(.utf8, [.utf8(text)], junk: 1)
    let found = try evaluate(.cast(a, .timestamp(unit, timezone: zone)), [column])
    #expect(found.type == .timestamp(unit, timezone: zone))
    guard case .timestamp(let value, _, _) = found.literal(at: 0) else { return nil }
    return value
  }

  private func refused(_ text: String, _ unit: TimeUnit = .second, zone: String? = nil) -> String? {
    message { _ = try parse(text, unit, zone: zone) }
  }

  private func text(_ value: Int64, _ unit: TimeUnit, zone: String? = nil) throws -> String {
    let column = Column.of(.timestamp(unit, timezone: zone), [.timestamp(value, unit, timezone: zone)])
    guard case .utf8(let text) = try evaluate(.cast(a, .utf8), [column]).literal(at: 0) else { return "" }
    return text
  }

  @Test("dates and times are read")
  func reading() throws {
    #expect(try parse("1970-01-01") == 0)
    #expect(try parse("1969-12-31T23:59:59") == -1)
    #expect(try parse("2000-02-29 00:00") == 951_782_400)
    #expect(try parse("2024-05-01T12:30:15", .millisecond) == 1_714_566_615_000)
    #expect(try parse("2024-05-01T12:30:15.5", .millisecond) == 1_714_566_615_500)
    #expect(try parse("2024-05-01T12:30:15.500000000", .millisecond) == 1_714_566_615_500)
    #expect(try parse("2024-05-01T12:30:15.123456", .microsecond) == 1_714_566_615_123_456)
    #expect(try parse("2024-05-01T12:30:15.123456789", .nanosecond) == 1_714_566_615_123_456_789)
    #expect(try parse("1969-12-31T23:59:59.999999", .microsecond) == -1)
    #expect(try parse("0000-01-01") == -62_167_219_200)
    #expect(try parse("9999-12-31T23:59:59") == 253_402_300_799)
    #expect(try parse("2262-04-11T23:47:16.854775807", .nanosecond) == .max)
    #expect(try parse("1677-09-21T00:12:43.145224192", .nanosecond) == .min)
  }

  @Test("an offset means the point in time")
  func offsets() throws {
    #expect(try parse("1970-01-01T00:00:00Z") == 0)
    #expect(try parse("1970-01-01T02:00:00+02:00") == 0)
    #expect(try parse("1970-01-01T02:00+02") == 0)
    #expect(try parse("1969-12-31T18:30:00-0530") == 0)
    #expect(try parse("1970-01-01T01:00:00+01:00", zone: "Europe/Berlin") == 0)
    #expect(try parse("1970-01-01T00:00:00", zone: "UTC") == 0)
    #expect(try parse("1970-01-02", zone: "UTC") == 86_400)
  }

  @Test("what is no timestamp is refused by its text")
  func refusals() throws {
    let end = "; correct such rows or keep them out with a filter or a case"
    let form = "2024-05-01 or 2024-05-01T12:00:00Z with at most the unit's digits"
    let bad = [
      "", "2024", "2024-5-1", "2024-13-01", "2024-00-01", "2024-02-30", "2023-02-29", "1900-02-29", "2024-05-01T",
      "2024-05-01T24:00:00", "2024-05-01T12:60", "2024-05-01T12:30:60", "2024-05-01T12:30:15.", "2024-05-01T12:30:15,5",
      "2024-05-01T12:30:15.5", "2024-05-01T12", "2024-05-01t12:00", "2024-05-01T12:00z", "2024-05-01Z", " 2024-05-01",
      "2024-05-01 ",
      "2024-05-01T12:00:00+24:00", "2024-05-01T12:00:00+1", "2024-05-01T12:00:00+01:60", "2024-05-01T12:00:00+01:",
      "2024-05-01T12:00:00+01:000", "+2024-05-01", "-001-05-01",
    ]
    for text in bad {
      #expect(refused(text) == "cast: '\(text)' is no timestamp[s], which is written as \(form)\(end)")
    }
    #expect(refused("2024-05-01T12:30:15.1234567890", .nanosecond) != nil, "more than nine digits")
    #expect(refused("2024-05-01T12:30:15.1234567", .microsecond) != nil, "a digit that microseconds do not hold")
    #expect(refused("2262-04-11T23:47:16.854775808", .nanosecond) != nil, "just too late for nanoseconds")
    #expect(
      refused("2024-05-01T12:00:00", zone: "Europe/Berlin")
        == "cast: '2024-05-01T12:00:00' is no timestamp[s, Europe/Berlin], which is written as "
        + "2024-05-01T12:00:00Z with at most the unit's digits, and here not without an offset\(end)")
  }

  @Test("timestamps are written with their unit's digits")
  func writing() throws {
    #expect(try text(0, .second) == "1970-01-01T00:00:00")
    #expect(try text(-1, .millisecond) == "1969-12-31T23:59:59.999")
    #expect(try text(1_714_566_615_000_001, .microsecond) == "2024-05-01T12:30:15.000001")
    #expect(try text(.max, .nanosecond, zone: "UTC") == "2262-04-11T23:47:16.854775807Z")
    #expect(try text(.min, .nanosecond) == "1677-09-21T00:12:43.145224192")
    #expect(try text(-62_167_219_201, .second) == "-0001-12-31T23:59:59")
    #expect(try text(253_402_300_800, .second) == "+10000-01-01T00:00:00")
    #expect(try text(.max, .second) == "+292277026596-12-04T15:30:07")
    #expect(try text(.min, .second) == "-292277022657-01-27T08:29:52")
  }

  @Test("what is written is read as the same timestamp", arguments: TimeUnit.allCases)
  func roundTrip(_ unit: TimeUnit) throws {
    var generator = SeededGenerator()
    let scale: Int64 = unit == .nanosecond ? 9_000_000_000 : 60_000_000_000
    let perSecond: Int64 = [.second: 1, .millisecond: 1000, .microsecond: 1_000_000, .nanosecond: 1_000_000_000][unit]!
    for zone in [nil, "UTC", "Europe/Berlin"] {
      let values = (0..<2000).map { _ -> Literal? in
        let seconds = Int64.random(in: -scale...min(scale, 250_000_000_000), using: &generator)
        return .timestamp(seconds * perSecond + .random(in: 0..<perSecond, using: &generator), unit, timezone: zone)
      }
      let column = Column.of(.timestamp(unit, timezone: zone), values, junk: 7)
      #expect(try evaluate(.cast(.cast(a, .utf8), column.type), [column]).rows == values, "\(generator)")
    }
  }

  @Test("a coarser unit takes the earlier point in time, a finer one must fit")
  func units() throws {
    func cast(_ value: Int64, _ from: TimeUnit, _ to: TimeUnit) throws -> Literal? {
      let column = Column.of(.timestamp(from), [nil, .timestamp(value, from, timezone: nil)], junk: 1)
      return try evaluate(.cast(a, .timestamp(to)), [column]).rows[1]
    }
    #expect(try cast(1_999, .millisecond, .second) == .timestamp(1, .second, timezone: nil))
    #expect(try cast(-1, .millisecond, .second) == .timestamp(-1, .second, timezone: nil))
    #expect(try cast(-1_000, .millisecond, .second) == .timestamp(-1, .second, timezone: nil))
    #expect(try cast(.min, .nanosecond, .second) == .timestamp(-9_223_372_037, .second, timezone: nil))
    #expect(try cast(7, .second, .nanosecond) == .timestamp(7_000_000_000, .nanosecond, timezone: nil))
    #expect(
      message { _ = try cast(10_000_000_000, .second, .nanosecond) }
        == "cast: 2286-11-20T17:46:40 does not fit timestamp[ns]; keep such rows out with a filter or a case")
  }

  @Test("a timestamp is its count of units as int64, and the zone of a point in time may change")
  func relabelling() throws {
    let column = Column.of(.timestamp(.second, timezone: "UTC"), [.timestamp(5, .second, timezone: "UTC"), nil])
    #expect(try evaluate(.cast(a, .int64), [column]).rows == [.int64(5), nil])
    #expect(try evaluate(.cast(a, .timestamp(.second)), [column]).rows[0] == .timestamp(5, .second, timezone: nil))
    let berlin = try evaluate(.cast(a, .timestamp(.millisecond, timezone: "Europe/Berlin")), [column])
    #expect(berlin.rows[0] == .timestamp(5000, .millisecond, timezone: "Europe/Berlin"))
    let small = Column.of(.int32, [.int32(9)])
    #expect(try evaluate(.cast(a, .timestamp), [small]).rows == [.timestamp(9, .microsecond, timezone: nil)])
  }
}
