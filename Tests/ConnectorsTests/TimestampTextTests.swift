import Arrow
import Calendar
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

private func read(_ text: String, _ unit: TimeUnit = .microsecond) -> Int64? {
  var value: Int64 = 0
  let problem = Array("\(text)\n".utf8).withUnsafeBufferPointer {
    parseTimestamp(
      $0.baseAddress!, $0.baseAddress! + $0.count - 1, unit: unit, &value)
  }
  return problem == .none ? value : nil
}

private func written(_ value: Int64, _ unit: TimeUnit = .microsecond, isInstant: Bool = true) -> String? {
  let out = ByteWriter()
  let end = ISO8601.writeCommon(value, unit: unit, isInstant: isInstant, to: out.room(ISO8601.width))
  guard let end else { return nil }
  out.advance(to: end)
  return String(decoding: out.bytes, as: UTF8.self)
}

@Suite("Timestamps as text") struct TimestampTextTests {
  @Test("forms that are read")
  func forms() {
    let second = 1_709_210_096_000_000 as Int64
    for (text, value) in [
      ("2024-02-29T12:34:56Z", second), ("2024-02-29t12:34:56z", second), ("2024-02-29 12:34:56", second),
      ("2024-02-29T12:34:56.5", second + 500_000), ("2024-02-29T12:34:56,25Z", second + 250_000),
      ("2024-02-29T12:34:56.123456999Z", second + 123_456), ("2024-02-29T13:34:56+01:00", second),
      ("2024-02-29T13:34:56+01", second), ("2024-02-29T07:04:56-0530", second),
      ("2024-02-29T12:34", second - 56_000_000),
      ("2024-02-29", 1_709_164_800_000_000), ("-5", -5), ("1709210096000000", second),
      ("-12345678901", -12_345_678_901),
      ("1970-01-01", 0), ("1969-12-31T23:59:59.999999Z", -1), ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
      ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ] { #expect(read(text) == value, "\(text)") }
  }

  @Test("forms that are refused")
  func refused() {
    for text in [
      "", "2023-02-29", "2024-13-01", "2024-00-10", "2024-01-00", "2024-01-32", "2024-1-1", "2024-01-01T",
      "2024-01-01T1:00",
      "2024-01-01T24:00", "2024-01-01T12:60", "2024-01-01T12:00:60", "2024-01-01T12:00:00.", "2024-01-01T12:00:00X",
      "2024-01-01T12:00:00+", "2024-01-01T12:00:00+1", "2024-01-01T12:00:00+24:00", "2024-01-01T12:00:00+01:60",
      "2024-01-01T12:00:00Z ", "2024-01-01x12:00", "1900-02-29", "12:00", "1.5",
    ] { #expect(read(text) == nil, "\(text)") }
  }

  @Test("every unit's limits are written and read back")
  func limits() {
    for unit in TimeUnit.allCases {
      for value in [Int64.min, .min + 1, -1, 0, 1, .max - 1, .max] {
        if let text = written(value, unit) { #expect(read(text, unit) == value, "\(unit) \(value) \(text)") }
      }
    }
    #expect(written(.min, .nanosecond) == "1677-09-21T00:12:43.145224192Z")
    #expect(written(.max, .nanosecond) == "2262-04-11T23:47:16.854775807Z")
    #expect(written(.max, .second) == nil && written(.min, .microsecond) == nil)
    #expect(written(0, .second, isInstant: false) == "1970-01-01T00:00:00")
  }

  @Test("random times are spelled as Python's datetime spells them")
  func python() {
    var generator = SeededGenerator()
    var values: [Int64] = []
    for _ in 0..<5000 {
      values.append(.random(in: -62_135_596_800_000_000...253_402_300_799_999_999, using: &generator))
    }
    let peer = TestProcess.python(
      """
      import sys, datetime
      epoch = datetime.datetime(1970, 1, 1)
      for line in sys.stdin:
          print((epoch + datetime.timedelta(microseconds=int(line))).isoformat(timespec='microseconds') + 'Z')
      """, input: values.map { "\($0)\n" }.joined())
    #expect(peer.status == 0, "\(peer.errors)")
    for (value, text) in zip(values, peer.output.split(separator: "\n")) {
      #expect(written(value) == String(text), "\(generator)")
      #expect(read(String(text)) == value, "\(generator)")
    }
  }
}
