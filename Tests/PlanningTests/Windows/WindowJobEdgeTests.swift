import Arrow
import Base
import Dataflow
import Synchronization
import TestSupport
import Testing
import VolleyPlan

@testable import Planning

private let count = [Plan.AggregateCall(function: "count", argument: nil, name: "n")]

@Suite("Windows in a job")
struct WindowJobEdgeTests {
  /// Says that it has nothing, each time a little later, until `isDone`; ends by itself when that takes too long.
  private final class SilentSource: Source {
    private let clock: ManualClock
    private let isDone: () -> Bool
    private var reads: Int64 = 0

    init(_ clock: ManualClock, isDone: @escaping () -> Bool) {
      self.clock = clock
      self.isDone = isDone
    }

    var blocks: Bool { false }

    func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
      reads += 1
      clock.advance(to: ProcessingTime(microseconds: reads * 100))
      return isDone() || reads > 2_000_000 ? .end : .idle
    }
  }

  @Test("a source that is idle from the start does not hold back the windows of another")
  func idleFromTheStart() throws {
    let events = WindowEvents([
      (0..<50).map { WindowEvents.Event(key: 1, value: $0, time: $0 * 100) },
      // Behind the border, so that the watermark passes it without the end of the input.
      [WindowEvents.Event(key: 1, value: 0, time: 7_000)],
    ])
    let seen = Atomic(false)
    let clock = ManualClock()
    let code = MemoryCode(
      sources: ["events": events.recordBatches(subtasks: 1)],
      made: [
        "silent": { code in
          SilentSource(clock) {
            if code.rows("out").contains("1,0,5000,50") { seen.store(true, ordering: .relaxed) }
            return seen.load(ordering: .relaxed)
          }
        }
      ])
    let time = Plan.EventTime(column: "ts", outOfOrderness: 0, idleTimeout: 5_000)
    let nodes = [
      memorySource(1, WindowEvents.fields, parallelism: 1), node(2, .eventTime(time), from: 1),
      memorySource(3, WindowEvents.fields, uid: "silent", parallelism: 1), node(4, .eventTime(time), from: 3),
      Plan.Node(id: 5, uid: nil, inputs: [Plan.Input(node: 2), Plan.Input(node: 4)], operator: .union(Plan.Union())),
      node(6, .keyBy(Plan.KeyBy(keys: [NamedExpression("k", .column("k"))])), from: 5),
      node(
        7, .window(Plan.Window(assigner: .tumbling(.init(size: 5_000)), scope: .key, aggregates: count)), from: 6,
        uid: "w"),
      memorySink(8, from: 7),
    ]
    _ = try code.run(nodes, parallelism: 1, clock: .manual(clock))
    let wasSeen = seen.load(ordering: .relaxed)
    #expect(wasSeen, "the window was told while the silent source was there")
    #expect(code.rows("out") == ["1,0,5000,50", "1,5000,10000,1"])
  }

  @Test("windows of days follow a zone's clocks, over both changes of the year", arguments: [1, 2])
  func daysOfZone(parallelism: Int) throws {
    var random = SeededGenerator()
    for (zone, offset) in [("Europe/Berlin", 0), ("America/New_York", 6 * 3_600_000_000), ("Pacific/Apia", 0)]
      as [(String, Int64)]
    {
      // Two years round the day that Apia left out, 2011-12-30.
      let events = WindowEvents(
        count: 2_000, keys: 2, start: 1_293_840_000_000_000, step: 31_536_000_000, disorder: 3_600_000_000,
        batchRows: 1...200, &random)
      let expected = try Self.days(of: events, zone: zone, offset: offset)
      let code = MemoryCode(events.recordBatches(subtasks: parallelism))
      let window = Plan.Window(
        assigner: .tumbling(.init(size: 86_400_000_000, offset: offset, zone: zone)), scope: .key, aggregates: count)
      _ = try code.run(
        windowNodes(window, outOfOrderness: 3_600_000_000, sourceParallelism: parallelism), parallelism: parallelism)
      #expect(WindowEvents.difference(code.rows("out"), expected) == nil, "\(zone), \(random)")
    }
  }

  /// The days of Python's zones: key, start, end, rows.
  private static func days(of events: WindowEvents, zone: String, offset: Int64) throws -> [String] {
    let program = """
      import sys, datetime as d, zoneinfo, collections
      zone, offset = zoneinfo.ZoneInfo(sys.argv[1]), d.timedelta(microseconds=int(sys.argv[2]))
      epoch = d.datetime(1970, 1, 1, tzinfo=d.timezone.utc)
      def instant(day):  # The first instant of a day that begins `offset` after midnight.
          wall = d.datetime(day.year, day.month, day.day) + offset
          return (wall.replace(tzinfo=zone).astimezone(d.timezone.utc) - epoch) // d.timedelta(microseconds=1)
      counts = collections.Counter()
      for line in sys.stdin:
          key, time = line.strip().split(",")
          local = (epoch + d.timedelta(microseconds=int(time))).astimezone(zone).replace(tzinfo=None)
          counts[key, (local - offset).date()] += 1
      for (key, day), n in counts.items():
          # A day that a zone leaves out has no instant of its own: the next one begins where it would.
          print(f"{key or 'null'},{instant(day)},{instant(day + d.timedelta(days=1))},{n}")
      """
    let rows = events.events.map { "\($0.key.map { "\($0)" } ?? ""),\($0.time)\n" }.joined()
    let outcome = TestProcess.python(program, arguments: [zone, "\(offset)"], input: rows)
    guard outcome.status == 0 else { throw WindowEvents.PeerFailed(description: outcome.errors) }
    return outcome.output.split(separator: "\n").map(String.init).sorted()
  }

  @Test("on the processing clock rows are of the window of the time at which their batch came")
  func processingTime() throws {
    let batches = (0..<10).map { batch in
      // Event times say the opposite.
      (0...batch).map { WindowEvents.Event(key: Int64($0 % 2), value: 0, time: Int64(1_000_000 - batch * 1_000)) }
    }
    let events = WindowEvents(batches)
    let code = MemoryCode(events.recordBatches(subtasks: 1))
    let window = Plan.Window(
      assigner: .tumbling(.init(size: 3_000)), scope: .key, time: .processing, aggregates: count)
    let nodes = windowNodes(window, outOfOrderness: 0, sourceParallelism: 1)
    // A tick a batch.
    _ = try code.run(
      nodes, parallelism: 1, clock: .ticks(start: ProcessingTime(microseconds: 9_000), microseconds: 1_000))
    var expected: [String: Int] = [:]
    for (index, batch) in batches.enumerated() {
      let start = (9_000 + index * 1_000) / 3_000 * 3_000
      for event in batch { expected["\(event.key ?? -1),\(start),\(start + 3_000)", default: 0] += 1 }
    }
    #expect(code.rows("out") == expected.map { "\($0.key),\($0.value)" }.sorted())
  }
}
