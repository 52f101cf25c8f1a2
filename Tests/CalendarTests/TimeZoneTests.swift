import Base
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Calendar

struct TimeZoneTests {
  // Years 1850 to 2500: what tables have, and what rules say behind them.
  private static let years: Range<Int64> = -3_786_825_600..<16_725_225_600

  @Test("every zone has the offsets and abbreviations of Python's zoneinfo, around each change and at random")
  func everyZone() throws {
    var generator = SeededGenerator()
    let names = try Peer.ask([Peer.question(["op": .string("zones")], [])])[0].compactMap(\.string)
      .filter { !["Factory", "localtime", "posixrules"].contains($0) && !$0.hasPrefix("Etc/") }
    #expect(names.count > 300)
    var (questions, asked): ([JSONValue], [(TimeZone, [Int64])]) = ([], [])
    for name in names {
      let zone = try ZoneDatabase.shared.zone(name)
      let isTested = testedZones.contains(name)
      var seconds = (0..<(isTested ? 1000 : 30)).map { _ in randomSecond(zone, in: Self.years, &generator) }
      var change = zone.span(at: Self.years.lowerBound).last
      while isTested, change < 5_000_000_000 {
        seconds += [change, change + 1]
        change = zone.span(at: change + 1).last
      }
      questions.append(Peer.question(["op": .string("span"), "zone": .string(name)], seconds))
      asked.append((zone, seconds))
    }
    for ((zone, seconds), answers) in zip(asked, try Peer.ask(questions)) {
      for (second, answer) in zip(seconds, answers) {
        let span = zone.span(at: second)
        guard case .array(let expected) = answer else { throw Peer.Failed(description: "no answer") }
        #expect(
          span.offset == expected[0].integer && zone.types[span.type].abbreviation == expected[1].string
            && span.first <= second && second <= span.last,
          "\(zone.name) at \(second): \(span.offset) \(zone.types[span.type].abbreviation), \(answer.text), \(generator)"
        )
      }
    }
  }

  @Test("readings become the moments that Python's zoneinfo has, and those of pyarrow's assume_timezone")
  func readings() throws {
    var generator = SeededGenerator()
    var (questions, asked): ([JSONValue], [(TimeZone, TimeUnit, ReadingChoice, [Int64])]) = ([], [])
    for name in testedZones {
      let zone = try ZoneDatabase.shared.zone(name)
      for choice in ReadingChoice.allCases {
        let unit = TimeUnit.allCases.randomElement(using: &generator)!
        // pyarrow knows no rules behind the tables.
        for (op, range) in [("local", -3_786_825_600..<9_000_000_000), ("arrow local", -2_000_000_000..<2_000_000_000)]
          as [(String, Range<Int64>)]
        {
          guard op == "local" || choice != .raise else { continue }
          let values = (0..<300).map { _ in
            let second = randomSecond(zone, in: range, &generator)
            return (second + zone.span(at: second).offset) * unit.perSecond
              + .random(in: 0..<unit.perSecond, using: &generator)
          }
          questions.append(
            Peer.question(
              [
                "op": .string(op), "zone": .string(name), "choice": .string(choice.rawValue),
                "unit": .string(unit.rawValue),
              ], values))
          asked.append((zone, unit, choice, values))
        }
      }
    }
    for ((zone, unit, choice, values), answers) in zip(asked, try Peer.ask(questions)) {
      var cursor = ZoneCursor(zone, unit: unit)
      for (value, answer) in zip(values, answers) {
        let moment = cursor.moment(of: value, ambiguous: choice, nonexistent: choice)
        let found = cursor.failed ? nil : moment
        cursor.failed = false
        #expect(found == answer.integer, "\(zone.name) \(unit) \(choice) \(value), \(generator)")
      }
    }
  }

  @Test("a cursor reads what spans say, wherever it was before, up to the ends of the range")
  func cursor() throws {
    var generator = SeededGenerator()
    for name in testedZones + ["+05:30", "-11:00", "UTC"] {
      let zone = try ZoneDatabase.shared.zone(name)
      for unit in TimeUnit.allCases {
        var cursor = ZoneCursor(zone, unit: unit)
        for _ in 0..<2000 {
          var value = Int64.random(in: .min ... .max, using: &generator) >> Int64.random(in: 0..<40, using: &generator)
          if Int.random(in: 0..<5, using: &generator) == 0 {
            value = value < 0 ? .min &- value >> 12 : .max &- value >> 12
          }
          let offset = zone.span(at: floorDivide(value, unit.perSecond).quotient).offset
          let (sum, overflow) = value.addingReportingOverflow(offset * unit.perSecond)
          let found = cursor.reading(at: value)
          #expect(cursor.failed == overflow && (overflow || found == sum), "\(name) \(unit) \(value), \(generator)")
          cursor.failed = false
        }
      }
    }
  }

  @Test("offsets are zones; other names are refused with those nearest")
  func names() throws {
    for (name, offset) in [
      ("UTC", 0), ("Z", 0), ("+00:00", 0), ("+02:00", 7200), ("-0330", -12_600), ("+14", 50_400), ("-23:59", -86_340),
    ] as [(String, Int64)] { #expect(try ZoneDatabase.shared.zone(name).fixedOffset == offset) }
    func message(_ name: String) -> String? {
      do throws(Failure) { _ = try ZoneDatabase.shared.zone(name) } catch { return error.message }
      return nil
    }
    #expect(
      message("Europe/Berlim")?.hasPrefix(
        "time zone 'Europe/Berlim' is not known; expected UTC, an offset such as +02:00, or a name of the IANA database, such as 'Europe/Berlin'"
      ) == true)
    for name in [
      "", "/etc/passwd", "../../../etc/passwd", "Europe", "Europe/", "tzdata.zi", "zone.tab", "+24:00", "+2:00",
      "+02:60",
      "+02:0", "Europe/Ber lin", String(repeating: "a", count: 300),
    ] { #expect(message(name)?.hasPrefix("time zone '\(name)' is not known") == true, "\(name)") }
    let empty = TemporaryFolder()
    #expect(throws: Failure.self) { try ZoneDatabase(folder: empty.path).zone("Europe/Berlin") }
  }

  @Test("a damaged file is refused with a sentence, whatever bytes it has")
  func damage() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    let whole = try #require(TestProcess.contents(of: "/usr/share/zoneinfo/Europe/Berlin"))
    for length in 0..<whole.count {
      #expect(throws: Failure.self, "\(length) bytes") { try TZifFile(Array(whole[..<length]), name: "X") }
    }
    for _ in 0..<3000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...8, using: &generator) {
        bytes[Int.random(in: bytes.indices, using: &generator)] = [
          0, 1, 0x7F, 0x80, 0xFF, .random(in: 0...255, using: &generator),
        ]
        .randomElement(using: &generator)!
      }
      do throws(Failure) {
        let zone = TimeZone(name: "X", try TZifFile(bytes, name: "X"))
        // What is read as a table is one: every moment has a span, and every reading a meaning.
        for second in [.min, -5_000_000_000, 0, 1_700_000_000, 5_000_000_000, .max] as [Int64] {
          let span = zone.span(at: second)
          #expect(span.first <= second && second <= span.last, "\(generator)")
          _ = zone.reading(second)
        }
      } catch { #expect(error.message.hasPrefix("time zone 'X': ")) }
    }
    folder.write("Damaged", Array(whole[..<100]))
    #expect(throws: Failure.self) { try ZoneDatabase(folder: folder.path).zone("Damaged") }
    #expect(throws: Failure.self) { try ZoneDatabase(folder: "/usr/share/zoneinfo").zone("right/Europe/Berlin") }
  }

  @Test("a table of the first version is read")
  func versionOne() throws {
    // One change, from +1 h "AAA" to +2 h "BBB" at the second 1,000.
    var bytes = Array("TZif".utf8) + [UInt8](repeating: 0, count: 16)
    for count in [0, 0, 0, 1, 2, 8] as [UInt8] { bytes += [0, 0, 0, count] }
    bytes += [0, 0, 3, 0xE8, 1] + [0, 0, 14, 16, 0, 0] + [0, 0, 28, 32, 1, 4] + Array("AAA\0BBB\0".utf8)
    let zone = TimeZone(name: "X", try TZifFile(bytes, name: "X"))
    #expect(
      zone.span(at: 999).offset == 3600 && zone.span(at: 1000).offset == 7200 && zone.span(at: .max).offset == 7200)
    #expect(zone.types.map(\.abbreviation) == ["AAA", "BBB"] && zone.types[1].isSummer && zone.fixedOffset == nil)
  }

  @Test("rules of POSIX are read, and others refused")
  func rules() {
    for text in [
      "UTC0", "<-03>3", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,0/0,J365/25", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
      "IST-1GMT0,M10.5.0,M3.5.0/1", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "XXX3EDT4,0/0,J365/23",
    ] { #expect(PosixRule(Array(text.utf8)) != nil, "\(text)") }
    for text in [
      "", "C", "CET", "CET-1CEST", "CET-25", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
      "CET-1CEST,M3.6.0,M10.5.0",
      "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J1", "CET-1CEST,366,1", "CET-1CEST,M3.5.0,M10.5.0/168", "<+03-3",
      "CET-1CEST,M3.5.0,M10.5.0 ",
    ] { #expect(PosixRule(Array(text.utf8)) == nil, "\(text)") }
  }
}
