import Arrow
import Base
import TestSupport
import Testing

@testable import Dataflow

private func time(_ value: Int64) -> EventTime { EventTime(microseconds: value) }

struct AlignedTimesTests {
  @Test("who is ahead of the slowest by more than the drift is held, not who is just as far")
  func drift() {
    var times = AlignedTimes(maxDrift: 10)
    for _ in 0..<2 { _ = times.join() }
    #expect(!times.isAhead(0) && !times.isAhead(1))
    #expect(!times.report(time(5), of: 0) && times.isAhead(0) && !times.isAhead(1))
    #expect(times.report(time(0), of: 1) && !times.isAhead(0))
    #expect(!times.report(time(10), of: 0) && !times.isAhead(0))
    #expect(!times.report(time(11), of: 0) && times.isAhead(0))
    #expect(times.report(time(1), of: 1) && !times.isAhead(0))
  }

  @Test("those that are idle or have ended do not count; alone or with all others idle nobody is held")
  func idle() {
    var times = AlignedTimes(maxDrift: 0)
    for _ in 0..<3 { _ = times.join() }
    _ = times.report(time(5), of: 0)
    #expect(!times.idle(1) && times.isAhead(0))
    #expect(times.idle(2) && !times.isAhead(0))
    _ = times.report(time(3), of: 1)
    #expect(times.isAhead(0))
    #expect(times.end(1) && !times.isAhead(0))
    #expect(times.idle(0) && !times.isAhead(0))
    // One that is idle further ahead than those that are not waits for them, should it have rows again.
    _ = times.report(time(4), of: 2)
    #expect(times.isAhead(0))
  }

  @Test("times far out do not overflow")
  func far() {
    var times = AlignedTimes(maxDrift: .max)
    for _ in 0..<2 { _ = times.join() }
    _ = times.report(.latest, of: 0)
    #expect(times.isAhead(0))
    _ = times.report(time(0), of: 1)
    #expect(!times.isAhead(0))
  }

  @Test("the slowest active member is never held, and random reports give what a plain search gives")
  func random() {
    var generator = SeededGenerator()
    for round in 0..<300 {
      let count = 1 + round % 4
      var times = AlignedTimes(maxDrift: 5)
      var model = (0..<count).map { _ in (time: Int64.min, isActive: true, ended: false) }
      for _ in 0..<count { _ = times.join() }
      for _ in 0..<50 {
        guard let member = model.indices.filter({ !model[$0].ended }).randomElement(using: &generator) else { break }
        let before = model.indices.filter { times.isAhead($0) }
        let mayLetGo: Bool
        switch Int.random(in: 0..<20, using: &generator) {
        case 0:
          (model[member].ended, model[member].isActive) = (true, false)
          mayLetGo = times.end(member)
        case 1..<5:
          model[member].isActive = false
          mayLetGo = times.idle(member)
        default:
          let value = Int64.random(in: 0..<30, using: &generator)
          model[member] = (max(model[member].time, value), true, false)
          mayLetGo = times.report(time(value), of: member)
        }
        let lowest = model.filter(\.isActive).map(\.time).min()
        for index in model.indices {
          let held = lowest.map { lowest in
            !model[index].ended && model[index].time > lowest
              && (lowest == .min || model[index].time - lowest > 5)
          }
          #expect(times.isAhead(index) == (held ?? false), "\(generator)")
          // Nobody is let go without a word.
          if before.contains(index) && !times.isAhead(index) { #expect(mayLetGo || model[index].ended, "\(generator)") }
        }
      }
    }
  }
}

struct AlignmentGroupTests {
  /// Counts how often it is told.
  private final class Ear: ChannelListener {
    private let count = Monitor(0)
    func channelChanged() { count.withLock { $0 += 1 } }
    var told: Int { count.withLock { $0 } }
  }

  @Test("who was told not to read hears once when it may; a subtask counts with the lowest of its watermarks")
  func wake() {
    let group = AlignmentGroup(maxDrift: 10)
    let (first, second) = (AlignmentMember(group, watermarks: 2), AlignmentMember(group, watermarks: 1))
    let (ear, other) = (Ear(), Ear())
    first.attach(ear)
    second.attach(other)
    first.say(TimeSignal(watermark: time(100)), of: 0)
    #expect(first.mayRead(), "its other watermark is at the start")
    first.say(TimeSignal(watermark: time(50)), of: 1)
    #expect(!first.mayRead() && second.mayRead() && ear.told == 0)
    second.say(TimeSignal(watermark: time(39)), of: 0)
    #expect(ear.told == 0)
    second.say(TimeSignal(watermark: time(40)), of: 0)
    #expect(ear.told == 1 && first.mayRead())
    second.say(TimeSignal(watermark: time(45)), of: 0)
    #expect(ear.told == 1)
    first.say(TimeSignal(watermark: time(60)), of: 1)
    #expect(!first.mayRead())
    second.say(TimeSignal(idle: true), of: 0)
    #expect(ear.told == 2 && first.mayRead())
    second.say(TimeSignal(watermark: time(46)), of: 0)
    #expect(!first.mayRead())
    second.end()
    #expect(ear.told == 3 && first.mayRead() && other.told == 0)
  }
}

struct AlignmentTests {
  /// Each row's id is its event time; -1 says that the source is idle.
  private final class Aligned: Operator {
    let makesWatermarks = true
    let alignment: WatermarkAlignment?
    private let seen: Seen
    private let name: Int
    private let toEmit: Bool

    init(_ alignment: WatermarkAlignment?, _ seen: Seen, _ name: Int, emits: Bool = false) {
      (self.alignment, self.seen, self.name, toEmit) = (alignment, seen, name, emits)
    }

    func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
      for id in Rows.ids(batch) {
        seen.note(id, of: name)
        if id < 0 { output.becomeIdle() } else { output.advance(to: EventTime(microseconds: id)) }
      }
      if toEmit { try output.emit(batch, output: 0) }
    }
    func finish(to output: any Collector) throws(Failure) { seen.end(name) }
  }

  /// How far each source has come, and how far one was ahead of the slowest when a batch of it was read.
  private final class Seen: Sendable {
    private let state: Monitor<(times: [Int64?], counts: [Int], ahead: Int64)>

    init(_ count: Int) { state = Monitor(([Int64?](repeating: 0, count: count), [Int](repeating: 0, count: count), 0)) }

    func note(_ time: Int64, of source: Int) {
      state.withLock { state in
        state.counts[source] += 1
        // The others only move on, so that what holds now held when it was read.
        if let lowest = state.times.compactMap({ $0 }).min(), let own = state.times[source] {
          state.ahead = max(state.ahead, own - lowest)
        }
        state.times[source] = time < 0 ? nil : time
      }
      state.broadcast()
    }
    func end(_ source: Int) {
      state.withLock { $0.times[source] = nil }
      state.broadcast()
    }
    var ahead: Int64 { state.withLock { $0.ahead } }
    func count(_ source: Int) -> Int { state.withLock { $0.counts[source] } }
    func wait(for count: Int, of source: Int) -> Bool {
      state.wait(until: .now + 10_000_000_000) { $0.counts[source] >= count ? true : nil } ?? false
    }
  }

  private let group = WatermarkAlignment(group: "g", maxDrift: 10)

  /// A source and the operator behind it.
  private func task(
    _ name: Int, _ seen: Seen, blocks: Bool, _ alignment: WatermarkAlignment?, next: @escaping () -> ReadOutcome
  ) -> JobGraph.Task {
    let step = TestGraph.step("times \(name)", to: [[]]) { (_) throws(Failure) in Aligned(alignment, seen, name) }
    return TestGraph.source("source \(name)", steps: [step], entry: [.step(index: 0, input: 0)], outputs: 0) {
      (_) throws(Failure) in TestSource("source \(name)", blocks: blocks, journal: Journal(), next: next)
    }
  }

  private func batches(_ times: [Int64]) -> () -> ReadOutcome {
    var rest = times[...]
    return { rest.popFirst().map { .batch(Rows.batch([$0])) } ?? .end }
  }

  @Test(
    "no source is read while it is ahead by more than the drift, and all come to their end", arguments: [false, true])
  func inStep(blocks: Bool) {
    for threads in 1...2 {
      let seen = Seen(3)
      let tasks = [
        task(0, seen, blocks: blocks, group, next: batches((1...300).map { $0 })),
        task(1, seen, blocks: blocks, group, next: batches((1...100).map { $0 * 3 })),
        task(2, seen, blocks: blocks, group, next: batches((1...30).map { $0 * 10 })),
      ]
      #expect(TestGraph.run(tasks, [], JobOptions(threads: threads, batchDelay: .zero)) == nil)
      #expect(seen.ahead <= 10)
      #expect((0..<3).map { seen.count($0) } == [300, 100, 30])
    }
  }

  @Test("a group with one member, and one whose others are idle or silent from the start and end, run to their end")
  func lonely() {
    let seen = Seen(3)
    #expect(TestGraph.run([task(0, seen, blocks: false, group, next: batches([5, 100, 1000]))]) == nil)
    #expect(seen.count(0) == 3)
    let others = Seen(3)
    let tasks = [
      task(0, others, blocks: false, group, next: batches([5, 100, 1000])),
      task(1, others, blocks: true, group, next: batches([-1, -1])),
      task(2, others, blocks: true, group, next: batches([])),
    ]
    #expect(TestGraph.run(tasks) == nil)
    #expect(others.count(0) == 3)
  }

  @Test(
    "one that is held waits for the slow one without a turn of its own, and goes on when that has come after it",
    arguments: [false, true])
  func held(blocks: Bool) throws {
    let seen = Seen(2)
    let slow = Monitor([Int64]())
    let reads = Monitor(0)
    var next = Int64(0)
    let tasks = [
      task(0, seen, blocks: blocks, group) {
        reads.withLock { $0 += 1 }
        next += 8
        return .batch(Rows.batch([next]))
      },
      task(1, seen, blocks: true, group) {
        let id: Int64? = slow.wait(until: .now + 5_000_000) { $0.isEmpty ? nil : $0.removeFirst() }
        return id.map { .batch(Rows.batch([$0])) } ?? .idle
      },
    ]
    let job = Job(
      graph: JobGraph(name: "test", tasks: tasks, edges: []), options: JobOptions(threads: 1, batchDelay: .zero),
      log: TestGraph.log)
    job.start()
    // The slow one has no watermark: the fast one is read once, and then held.
    try #require(seen.wait(for: 1, of: 0))
    for round in 1...20 {
      slow.withLock { $0.append(Int64(round) * 8) }
      slow.broadcast()
      // At 8 * round the fast one may go on from 8 * (round + 1), to 8 * (round + 2).
      try #require(seen.wait(for: round + 2, of: 0))
    }
    #expect(seen.count(0) == 22)
    if !blocks { #expect(reads.withLock { $0 } == 22) }
    // Also when it is stopped while one is held.
    job.stop()
    try job.wait()
  }

  @Test("what makes no sense is refused by name: no source, two groups for one source, two drifts for one group")
  func refused() {
    let seen = Seen(2)
    func step(_ name: Int, _ alignment: WatermarkAlignment, to target: JobGraph.Target? = nil) -> JobGraph.Step {
      TestGraph.step("times \(name)", to: [target.map { [$0] } ?? []]) { (_) throws(Failure) in
        Aligned(alignment, seen, name, emits: true)
      }
    }
    func source(_ steps: [JobGraph.Step], outputs: Int = 0, entry: [JobGraph.Target]) -> JobGraph.Task {
      TestGraph.source(steps: steps, entry: entry, outputs: outputs) { (_) throws(Failure) in
        TestSource("source", journal: Journal(), batches: [])
      }
    }
    let other = WatermarkAlignment(group: "h", maxDrift: 10)
    let wider = WatermarkAlignment(group: "g", maxDrift: 11)
    let behindChannel = TestGraph.run(
      [source([], outputs: 1, entry: [.output(0)]), TestGraph.task("end", steps: [step(0, group)])],
      [TestGraph.edge(0, 1)])
    #expect(
      behindChannel?.message
        == "stage 'times 0' (uid times 0-uid): alignment group 'g' holds back sources, and this operator's task has none: give the operator the parallelism of its source, in front of any keyBy or union"
    )
    let both: [JobGraph.Target] = [.step(index: 0, input: 0), .step(index: 1, input: 0)]
    #expect(
      TestGraph.run([source([step(0, group), step(1, other)], entry: both)])?.message
        == "stage 'times 1' (uid times 1-uid): one source is to keep in step with alignment group 'g' and with 'h', which could make each wait for the other: name one group at both operators"
    )
    #expect(
      TestGraph.run([source([step(0, group), step(1, wider)], entry: both)])?.message
        == "stage 'times 1' (uid times 1-uid): alignment group 'g' has a maximal drift of 11 µs here and of 10 µs at another operator: give it the same at all of them"
    )
    #expect(TestGraph.run([source([step(0, group), step(1, group)], entry: both)]) == nil)
  }
}
