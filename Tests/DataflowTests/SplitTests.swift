import Arrow
import Base
import TestSupport
import Testing

@testable import Dataflow

/// What a source that tells of its splits gives, one word a read.
private enum Word {
  case begin(Int)
  case end(Int)
  /// A row of that split.
  case row(Int64, of: Int)
  case idle
}

/// Reads words; what happens to splits is told with the next read that gives something.
private final class SplitSource: Source {
  let blocks: Bool
  let tellsSplits = true
  private var words: ArraySlice<Word>
  private var changes: [SplitChange] = []
  private let ended: () -> Void

  /// - Parameter ended: called when there are no more.
  init(_ words: [Word], blocks: Bool, ended: @escaping () -> Void = {}) {
    self.words = words[...]
    self.blocks = blocks
    self.ended = ended
  }

  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
    while let word = words.popFirst() {
      switch word {
      case .begin(let split): changes.append(.begins(SplitID(split)))
      case .end(let split): changes.append(.ends(SplitID(split)))
      case .idle: return .idle
      case .row(let id, let split):
        changes.append(.gives(SplitID(split)))
        return .batch(Rows.batch([id]))
      }
    }
    ended()
    return .end
  }
  func takeSplitChanges() -> [SplitChange] {
    defer { changes = [] }
    return changes
  }
}

/// Its watermark is the lowest over the splits that are being read.
private final class SplitMinimum: Operator {
  let makesWatermarks = true
  private let input: InputCursor
  private let journal: Journal
  private var times: [SplitID: Int64] = [:]

  init(_ input: InputCursor, _ journal: Journal) { (self.input, self.journal) = (input, journal) }

  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    let split = self.input.split
    for id in Rows.ids(batch) {
      try journal.note("op", "\(split.number):\(id)")
      times[split] = max(times[split] ?? .min, id)
    }
    try output.emit(batch, output: 0)
    advance(output)
  }
  func splitsChanged(to output: any Collector) throws(Failure) {
    try journal.note("op", "\(input.splits.map(\.number).sorted())")
    if input.splits.isEmpty { output.becomeIdle() } else { advance(output) }
  }
  private func advance(_ output: any Collector) {
    let lowest = input.splits.map { times[$0] ?? .min }.min() ?? .min
    if lowest > .min { output.advance(to: EventTime(microseconds: lowest)) }
  }
}

/// Notes watermarks too.
private final class Behind: Operator {
  private let journal: Journal
  init(_ journal: Journal) { self.journal = journal }
  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {}
  func watermark(_ time: EventTime, to output: any Collector) throws(Failure) {
    try journal.note("behind", "w\(time.microseconds)")
  }
}

struct SplitTests {
  private func run(_ words: [Word], blocks: Bool, delay: Duration = .seconds(60)) -> Journal {
    let journal = Journal()
    let steps = [
      TestGraph.step("op", to: [[.step(index: 1, input: 0)]]) { (place) throws(Failure) in
        SplitMinimum(place.input, journal)
      },
      TestGraph.step("behind", to: [[]]) { (_) throws(Failure) in Behind(journal) },
    ]
    let source = TestGraph.source(steps: steps, entry: [.step(index: 0, input: 0)], outputs: 0) {
      (_) throws(Failure) in SplitSource(words, blocks: blocks)
    }
    #expect(TestGraph.run([source], [], JobOptions(batchDelay: delay)) == nil)
    return journal
  }

  @Test(
    "an operator knows the split of each batch, whether the source has a thread or not, and hears when a split ends",
    arguments: [false, true])
  func watermarks(blocks: Bool) {
    let journal = run(
      [
        .begin(1), .begin(2), .row(10, of: 1), .idle, .row(12, of: 1), .row(5, of: 2), .end(2), .row(13, of: 1),
        .begin(3),
        .row(7, of: 3), .end(1), .row(9, of: 3), .end(3), .idle,
      ], blocks: blocks)
    let calls = journal.calls(of: "op").filter { $0.contains(":") || $0.contains("[") }
    // Rows of one split may come as one batch, those of two never do: the words are the same.
    #expect(
      calls == [
        "[1]", "[1, 2]", "1:10", "1:12", "2:5", "[1]", "1:13", "[1, 3]", "3:7", "[3]", "3:9", "[]",
      ])
    #expect(journal.calls(of: "behind") == ["w5", "w12", "w13"])
  }

  @Test("random splits: each row comes with its own split", arguments: [false, true])
  func random(blocks: Bool) {
    var generator = SeededGenerator()
    for _ in 0..<20 {
      var words: [Word] = []
      var expected: [String] = []
      for id in Int64(0)..<200 {
        let split = Int.random(in: 0..<3, using: &generator)
        words.append(.row(id, of: split))
        expected.append("\(split):\(id)")
        if Int.random(in: 0..<10, using: &generator) == 0 { words.append(.end(split)) }
      }
      let journal = run(words, blocks: blocks, delay: .milliseconds(1))
      #expect(journal.calls(of: "op").filter { $0.contains(":") } == expected, "\(generator)")
    }
  }

  /// Notes how long the source has been read. Its first call waits until the source has given all; each takes an hour.
  private final class Slow: Operator {
    let makesWatermarks = true
    private let place: SubtaskContext
    private let clock: ManualClock
    private let journal: Journal
    private let allGiven: Monitor<Bool>?
    init(_ place: SubtaskContext, _ clock: ManualClock, _ journal: Journal, _ allGiven: Monitor<Bool>?) {
      (self.place, self.clock, self.journal, self.allGiven) = (place, clock, journal, allGiven)
    }
    func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
      _ = allGiven?.wait { $0 ? true : nil }
      let read = place.input.timeRead(at: place.clock.now)
      try journal.note("op", "\(place.input.split.number): \(read)")
      clock.advance(to: clock.now + 3_600_000_000)
    }
  }

  @Test("rows that wait because the chain is busy do not make their split look idle", arguments: [false, true])
  func busyChain(blocks: Bool) {
    let journal = Journal()
    let clock = ManualClock()
    let allGiven = blocks ? Monitor(false) : nil
    let step = TestGraph.step("op", to: [[]]) { (place) throws(Failure) in Slow(place, clock, journal, allGiven) }
    let source = TestGraph.source(steps: [step], entry: [.step(index: 0, input: 0)], outputs: 0) {
      (_) throws(Failure) in
      SplitSource([.row(1, of: 1), .row(2, of: 2), .row(3, of: 2), .row(4, of: 1)], blocks: blocks) {
        allGiven?.withLock { $0 = true }
        allGiven?.broadcast()
      }
    }
    #expect(TestGraph.run([source], [], JobOptions(batchDelay: .zero, clock: .manual(clock))) == nil)
    // A source with a thread was read for no time at all; one without is asked between the calls, of which each counts
    // a little.
    let step100 = blocks ? Int64(0) : 100_000
    #expect(
      journal.calls(of: "op") == [(1, 0), (2, 1), (2, 2), (1, 3)].map { "\($0.0): \(Int64($0.1) * step100)" })
  }

  @Test("a source that tells of no splits is one, and one that tells has none before they begin")
  func standard() {
    let input = InputCursor()
    #expect(input.split == SplitID(0) && input.splits == [SplitID(0)])
    input.expectSplits()
    #expect(input.splits.isEmpty)
    #expect(input.apply(.gives(SplitID(4))) && input.split == SplitID(4))
    #expect(!input.apply(.begins(SplitID(4))) && !input.apply(.ends(SplitID(5))))
    #expect(input.apply(.ends(SplitID(4))) && input.splits.isEmpty)
  }
}
