import Arrow
import Base
import TestSupport
import Testing

@testable import Dataflow

private func at(_ microseconds: Int64) -> ProcessingTime { ProcessingTime(microseconds: microseconds) }

struct ChannelTicksTests {
  @Test("the lowest point of the channels that have not ended counts, and none goes back")
  func lowest() {
    var ticks = ChannelTicks(channels: 2, start: at(10))
    #expect(ticks.reached == at(10) && ticks[1] == at(10))
    #expect(ticks.advance(0, to: at(12)) == nil && ticks[0] == at(12))
    #expect(ticks.advance(1, to: at(11)) == at(11))
    #expect(ticks.advance(1, to: at(10)) == nil)
    #expect(ticks.end(1) == at(12))
    #expect(ticks.end(0) == nil && ticks.reached == at(12))
  }

  @Test("random points give what a plain search gives")
  func random() {
    var generator = SeededGenerator()
    for round in 0..<200 {
      let count = 1 + round % 4
      var ticks = ChannelTicks(channels: count, start: at(0))
      var model = [Int64?](repeating: 0, count: count)
      var reached = Int64(0)
      for _ in 0..<40 {
        guard let channel = model.indices.filter({ model[$0] != nil }).randomElement(using: &generator) else { break }
        let moved: ProcessingTime?
        if Int.random(in: 0..<15, using: &generator) == 0 {
          model[channel] = nil
          moved = ticks.end(channel)
        } else {
          let value = Int64.random(in: 0..<20, using: &generator)
          model[channel] = max(model[channel] ?? 0, value)
          moved = ticks.advance(channel, to: at(value))
        }
        let lowest = model.compactMap { $0 }.min() ?? reached
        #expect(moved == (lowest > reached ? at(lowest) : nil), "\(generator)")
        reached = max(reached, lowest)
      }
    }
  }
}

struct ProcessingTimeTests {
  @Test("times far out are reached without an overflow")
  func overflow() {
    #expect(at(.max) + 1 == at(.max) && at(.min) + -1 == at(.min) && at(5) + -7 == at(-2))
    #expect(at(.max) - at(-1) == .max && at(.min) - at(1) == .min && at(3) - at(5) == -2)
    let clock = SubtaskClock(.ticks(start: at(.max - 5), microseconds: 3))
    #expect(clock.tick() == at(.max - 2) && clock.tick() == at(.max))
  }
}

struct TickTests {
  /// Notes the time of each row, and once for each span of three ticks which rows fell into it.
  private final class Windows: Operator {
    private let clock: SubtaskClock
    private let journal: Journal
    private var open: [Int64: [Int64]] = [:]

    init(_ clock: SubtaskClock, _ journal: Journal) { (self.clock, self.journal) = (clock, journal) }

    var wakeTime: ProcessingTime? { open.keys.min().map { at($0 + 3) } }
    func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
      let now = clock.now.microseconds
      for id in Rows.ids(batch) {
        journal.add([id, now], to: "times")
        open[now - now % 3, default: []].append(id)
      }
    }
    func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) {
      for start in open.keys.sorted() where start + 3 <= now.microseconds { close(start) }
    }
    func finish(to output: any Collector) throws(Failure) { for start in open.keys.sorted() { close(start) } }
    private func close(_ start: Int64) { journal.add([start] + (open.removeValue(forKey: start) ?? []), to: "windows") }
  }

  @Test(
    "each row has the number of its source's batch for its time, behind an exchange too, and each span of time closes once",
    arguments: [false, true], [1, 2])
  func batches(blocks: Bool, parallelism: Int) {
    var generator = SeededGenerator()
    for threads in 1...2 {
      let journal = Journal()
      let sizes = (0..<parallelism).map { _ in
        (0..<Int.random(in: 1...40, using: &generator)).map { _ in Int64.random(in: 1...5, using: &generator) }
      }
      var expected: [Int64: Int64] = [:]
      var scripts: [[[Int64]]] = []
      for (subtask, sizes) in sizes.enumerated() {
        var next = Int64(subtask) * 1000
        scripts.append([])
        for (number, size) in sizes.enumerated() {
          let ids = Array(next..<next + size)
          for id in ids { expected[id] = Int64(number) }
          scripts[subtask].append(ids)
          next += size
        }
      }
      let tasks = [
        TestGraph.source(parallelism: parallelism) { (place) throws(Failure) in
          TestSource("source", blocks: blocks, journal: journal, batches: scripts[place.id.index])
        },
        TestGraph.task(
          "windows", parallelism: parallelism,
          steps: [
            TestGraph.step("windows", to: [[]]) { (place) throws(Failure) in Windows(place.clock, journal) }
          ]),
      ]
      let options = JobOptions(
        threads: threads, channelBatches: 2, clock: .ticks(start: at(0), microseconds: 1))
      #expect(TestGraph.run(tasks, [TestGraph.edge(0, 1, TestGraph.byModulo)], options) == nil)
      let times = journal.rows("times")
      let found = Dictionary(
        uniqueKeysWithValues: stride(from: 0, to: times.count, by: 2).map { (times[$0], times[$0 + 1]) })
      #expect(found == expected, "\(generator)")
      // By window and the subtask that a row goes to: closed once, with all of its rows.
      let count = journal.batches("windows").count
      let keys = Set(expected.map { [$0.value / 3, Int64(ModuloPartitioner.target(of: $0.key, parallelism))] })
      #expect(count == keys.count, "\(generator)")
    }
  }

  @Test("a subtask stands at the lowest point of its channels and tells it on, each batch at its own channel's")
  func channels() throws {
    let clock = ProcessingClock.ticks(start: at(0), microseconds: 1)
    final class Clocked: Operator {
      var clock: SubtaskClock?
      var times: [Int64] = []
      func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
        times.append(clock?.now.microseconds ?? -1)
        try output.emit(batch, output: 0)
      }
      func watermark(_ time: EventTime, to output: any Collector) throws(Failure) {
        times.append(clock?.now.microseconds ?? -1)
      }
    }
    let body = Clocked()
    let bench = try ChainBench([body], inputOf: [0, 0], clock: clock)
    body.clock = bench.context.clock
    func put(_ element: StreamElement, on channel: Int) {
      bench.put(element, on: channel)
      _ = bench.run()
    }
    put(.tick(at(5)), on: 0)
    put(.batch(Rows.batch([1])), on: 0)
    put(.tick(at(2)), on: 1)
    put(.batch(Rows.batch([2])), on: 1)
    put(.watermark(EventTime(microseconds: 1)), on: 0)
    put(.watermark(EventTime(microseconds: 1)), on: 1)
    put(.end, on: 1)
    put(.batch(Rows.batch([3])), on: 0)
    #expect(bench.output() == ["1", "t2", "2", "w1", "t5", "3"])
    #expect(body.times == [5, 2, 2, 5])
  }
}
