import Base
import Calendar
import TestSupport
import Testing
import VolleyPlan

private func written(_ value: Int64, _ pattern: String, _ unit: TimeUnit, zone: String? = nil) throws -> String? {
  var formatter = try TimestampFormatter(
    pattern, column: unit, clock: WallClock(zone: zone), isInstant: zone != nil, place: "format")
  return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: formatter.width) { bytes in
    guard let start = bytes.baseAddress, let end = formatter.write(value, to: start) else { return nil }
    #expect(end - start <= formatter.width - 8)
    return String(decoding: UnsafeBufferPointer(start: start, count: end - start), as: UTF8.self)
  }
}

private func read(_ text: String, _ pattern: String, _ unit: TimeUnit = .microsecond) throws -> (Int64?, String) {
  let parser = try TimestampParser(pattern, unit: unit, place: "parse")
  let bytes = Array(text.utf8) + [0]
  return bytes.withUnsafeBufferPointer { bytes in
    let (start, end) = (bytes.baseAddress!, bytes.baseAddress! + bytes.count - 1)
    var value: Int64 = 0
    switch parser.read(start, end, &value) {
    case .withOffset, .withoutOffset: return (value, "")
    case .malformed, .outOfRange: return (nil, parser.complaint(start, end))
    }
  }
}

private func refusal(_ body: () throws -> Void) -> String? {
  do { try body() } catch { return "\(error)" }
  return nil
}

struct PatternTests {
  private static let arrowCodes = [
    "%Y-%m-%dT%H:%M:%S", "%j", "%a", "%A", "%b", "%B", "%p %I", "%y", "%e", "%F", "%T", "%u", "%w", "%G-%V", "%U", "%W",
    "%%", "%h", "%C", "%D", "%R", "%c", "%x", "%X", "%r", "%g", "%n%t", "100%% %Y«%m»", "",
  ]

  @Test("codes are written as pyarrow's strftime writes them", arguments: TimeUnit.allCases)
  func formatting(_ unit: TimeUnit) throws {
    var generator = SeededGenerator()
    var (questions, found): ([JSONValue], [[String?]]) = ([], [])
    for zone in [nil, "UTC", "+05:30"] + testedZones.map({ Optional($0) }) {
      for code in Self.arrowCodes + (zone == nil ? [] : ["%z", "%Z", "%FT%T%z", "%Ez"]) {
        let own = try zone.map { try ZoneDatabase.shared.zone($0) }
        // Years 1 to 9999, but for %c, which has no zeros before the year in pyarrow; with zones those that pyarrow has
        // tables for.
        let isWide = zone == nil && unit != .nanosecond && code != "%c"
        let range: Range<Int64> = isWide ? -62_135_596_800..<253_402_300_000 : -2_000_000_000..<2_000_000_000
        let values = (0..<(zone == nil ? 200 : 30)).map { _ in
          randomSecond(own, in: range, &generator) * unit.perSecond + .random(in: 0..<unit.perSecond, using: &generator)
        }
        found.append(try values.map { try written($0, code, unit, zone: zone) })
        questions.append(
          Peer.question(
            [
              "op": "strftime", "unit": .string(unit.rawValue), "zone": zone.map { .string($0) } ?? .null,
              "arg": .string(code),
            ], values))
      }
    }
    for ((question, texts), answers) in zip(zip(questions, found), try Peer.ask(questions)) {
      for (row, (text, answer)) in zip(texts, answers).enumerated() where text != answer.string {
        guard case .array(let values)? = question["values"] else { return }
        Issue.record(
          "\(question["arg"]?.text ?? "") \(question["zone"]?.text ?? "") \(values[row].text): \(text ?? "nothing"), expected \(answer.text), \(generator)"
        )
        break
      }
    }
  }

  @Test("fractions and years beyond four digits")
  func special() throws {
    #expect(try written(-1, "%Y.%f %S", .microsecond) == "1969.999999 59")
    #expect(try written(1_500, "%S.%f", .millisecond) == "01.500000")
    #expect(try written(1, "%f", .nanosecond) == "000000001")
    #expect(try written(-1, "%s", .millisecond) == "-1")
    #expect(try written(.min, "%s", .second) == "-9223372036854775808")
    #expect(try written(-62_167_219_201, "%Y-%m-%d %C %y", .second) == "-0001-12-31 -01 01")
    #expect(try written(.max, "%F", .second) == "292277026596-12-04")
    #expect(try written(.max, "%F", .second, zone: "Europe/Berlin") == nil)
    #expect(try written(0, "%z %Z %Ez", .second, zone: "UTC") == "+0000 UTC +00:00")
  }

  @Test("wrong formats are refused")
  func wrongFormats() {
    #expect(
      refusal { _ = try written(0, "%H %z", .second) }
        == "format: the format '%H %z' has %z, but the timestamp has no time zone; leave it out, or give the timestamp a zone first"
    )
    #expect(refusal { _ = try written(0, "%Q", .second) }?.hasPrefix("format: the format '%Q' has no code") == true)
    for pattern in ["%", "%E", "%EY", "%k", "%O", "abc%"] {
      #expect(refusal { _ = try written(0, pattern, .second) } != nil, "\(pattern)")
    }
  }

  @Test("texts are read as Python's strptime reads what strftime wrote")
  func parsing() throws {
    var generator = SeededGenerator()
    let patterns = [
      "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%d %b %Y %I:%M %p", "%A, %d %B %Y", "%y%m%d", "%Y %j %H",
      "%m/%d/%y",
      "%G-W%V-%u", "%Y %U %w", "%Y %W %a", "%c", "%H:%M", "%a %b %d %H:%M:%S %Y",
    ]
    let values = (0..<1000).map { _ in
      // Years 1000 to 9999: Python writes no zeros before smaller ones.
      Int64.random(in: -30_000_000_000..<253_402_300_000, using: &generator) * 1_000_000
        + Int64.random(in: 0..<1_000_000, using: &generator)
    }
    let texts = try Peer.ask(
      patterns.map { Peer.question(["op": "python strftime", "arg": .string($0)], values) })
    let expected = try Peer.ask(
      zip(patterns, texts).map {
        .object([
          .init("op", "python strptime"), .init("arg", .string($0)), .init("texts", .array($1)),
          .init("values", .array([])),
        ])
      })
    for (pattern, (texts, values)) in zip(patterns, zip(texts, expected)) {
      #expect(texts.count == 1000 && values.count == 1000)
      for (text, value) in zip(texts, values) {
        let found = try read(text.string ?? "", pattern).0
        guard found != value.integer else { continue }
        Issue.record(
          "\(pattern) \(text.text): \(found.map(String.init) ?? "nothing"), expected \(value.text), \(generator)")
        break
      }
    }
  }

  @Test("what is written is read as the same, in every unit", arguments: TimeUnit.allCases)
  func roundTrip(_ unit: TimeUnit) throws {
    var generator = SeededGenerator()
    let range: Range<Int64> = unit == .nanosecond ? -9_000_000_000..<9_000_000_000 : -62_167_219_200..<253_402_300_000
    for pattern in ["%FT%T", "%c %S", "%e %B %Y %I:%M:%S%p", "%s", "%G-%V-%a %T", "%Y-%j %H%M %S", "%FT%T%z"] {
      for _ in 0..<300 {
        let second = Int64.random(in: range, using: &generator)
        let fraction = pattern.contains("%s") ? 0 : Int64.random(in: 0..<unit.perSecond, using: &generator)
        let value = second * unit.perSecond + fraction
        let text = try written(value, pattern, unit, zone: pattern.contains("%z") ? "Europe/Berlin" : nil)
        let whole =
          pattern.hasPrefix("%c") || !pattern.contains("%S") && !pattern.contains("%T") && !pattern.contains("%s")
        // Local mean time had seconds, which %z cuts off.
        guard !pattern.contains("%z") || second > 0 else { continue }
        let (found, complaint) = try read(text ?? "", pattern, unit)
        #expect(
          found == value || whole && found == value - fraction, "\(pattern) \(text ?? "") \(complaint), \(generator)")
      }
    }
  }

  @Test("texts in other forms, and offsets")
  func forms() throws {
    let day: Int64 = 1_714_521_600_000_000
    for (text, pattern, value) in [
      ("2024-05-01 +0200", "%Y-%m-%d %z", day - 7_200_000_000), ("2024-05-01+02:00", "%F%z", day - 7_200_000_000),
      ("2024-05-01Z", "%F%z", day), ("2024-05-01 utc", "%F %Z", day), ("1714521600", "%s", day),
      ("2024-5-1", "%Y-%m-%d", day), ("wed MAY  1 2024", "%a %b %d %Y", day), ("24-122", "%y-%j", day),
      ("2024-05-01 12:30:15.5", "%F %T", day + 45_015_500_000), ("12 PM 2024-05-01", "%I %p %F", day + 43_200_000_000),
      ("2024-05-01T", "%FT", day), ("68", "%y", 3_092_601_600_000_000), ("-0001-01-01", "%F", -62_198_755_200_000_000),
      ("12:30", "%H:%M", -2_208_943_800_000_000),
    ] as [(String, String, Int64)] {
      let (found, complaint) = try read(text, pattern)
      #expect(found == value, "\(text) \(pattern): \(complaint)")
    }
  }

  @Test("a text that does not fit says where and why")
  func complaints() throws {
    for (text, pattern, complaint) in [
      ("2024-13-01", "%F", "from byte 6 it has '13-01', expected a month, 01 to 12"),
      ("2024-05", "%F", "it ends after byte 7, expected the text between the codes"),
      ("2024-05-01 x", "%F", "from byte 11 it has ' x', expected the end of the text"),
      ("2023-02-29", "%F", "there is no such day"), ("2023 366", "%Y %j", "there is no such day"),
      ("2023-53-1", "%G-%V-%u", "there is no such day"), ("", "%H", "it ends after byte 0, expected an hour, 00 to 23"),
      ("12:61", "%H:%M", "from byte 4 it has '61', expected a minute, 00 to 59"),
      (
        "2024-05-01 CEST", "%F %Z",
        "from byte 12 it has 'CEST', expected UTC, GMT or Z: other abbreviations do not name one zone"
      ),
      ("Mai 2024", "%B %Y", "from byte 1 it has 'Mai 2024', expected the name of a month, such as January or Jan"),
      ("292277026597", "+%Y", "from byte 1 it has '292277026597', expected the text between the codes"),
      ("+292277026597", "%Y", "a timestamp[us] does not reach it"),
      ("12:30:15.1234567", "%T", "its fraction has more digits than a timestamp[us] holds"),
    ] {
      let (found, why) = try read(text, pattern)
      #expect(found == nil && why == complaint, "\(text) \(pattern): \(why)")
    }
  }
}
