import Base
import Observability
import TestSupport
import Testing

struct RFC3339Tests {
  @Test("points around the epoch, leap days and the ends of the four-digit years are written right")
  func known() {
    let known: [(Int64, String)] = [
      (0, "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
      (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"), (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
      (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
      (-62_167_219_200_000_000, "0000-01-01T00:00:00.000000Z"),
    ]
    for (microseconds, text) in known { #expect(RFC3339.text(EventTime(microseconds: microseconds)) == text) }
  }

  @Test("random points are written as Python writes them")
  func python() {
    var generator = SeededGenerator()
    // Python's years begin with 1.
    let times = (0..<1000).map { _ in
      Int64.random(in: -62_135_596_800_000_000..<253_402_300_800_000_000, using: &generator)
    }
    let program = """
      import sys, datetime
      epoch = datetime.datetime(1970, 1, 1)
      for line in sys.stdin:
        time = epoch + datetime.timedelta(microseconds=int(line))
        print(time.isoformat(timespec="microseconds") + "Z")
      """
    let outcome = TestProcess.python(program, input: times.map(String.init).joined(separator: "\n"))
    #expect(outcome.status == 0, "\(outcome.errors)")
    let expected = outcome.output.split(separator: "\n").map(String.init)
    #expect(times.map { RFC3339.text(EventTime(microseconds: $0)) } == expected, "\(generator)")
  }
}
