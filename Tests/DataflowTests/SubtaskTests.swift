import Arrow
import Base
import Observability
import TestSupport
import Testing

@testable import Dataflow

struct SubtaskTests {
  private let journal = Journal()

  private func rows(_ ids: Int64...) -> StreamElement { .batch(Rows.batch(ids)) }
  private func mark(_ time: Int64) -> StreamElement { .watermark(EventTime(microseconds: time)) }

  @Test("rows and signals pass a subtask in their order, and its end is the channel's end")
  func inOrder() throws {
    let bench = try ChainBench([TestOperator("op", journal: journal)], outputCount: 2)
    for element in [rows(1), mark(5), rows(2, 3), .barrier(Epoch(1)), rows(4), .end] { bench.put(element) }
    guard case .done = bench.run() else { return #expect(Bool(false), "it is done") }
    for index in 0..<2 { #expect(bench.output(index) == ["1", "w5", "2,3", "b1", "4", "end"]) }
    #expect(journal.calls(of: "op") == ["open", "process", "watermark", "process", "process", "finish", "close"])
  }

  @Test("signals let held rows go before them")
  func signalsFlush() throws {
    let bench = try ChainBench([TestOperator("op", journal: journal)], delay: 3_600_000_000_000)
    bench.put(rows(1))
    bench.put(rows(2))
    guard case .waiting(let time) = bench.run() else { return #expect(Bool(false), "it waits") }
    #expect(time != nil && bench.output() == [])
    for element in [mark(5), rows(3), .barrier(Epoch(1)), rows(4), .end] { bench.put(element) }
    _ = bench.run()
    #expect(bench.output() == ["1,2", "w5", "3", "b1", "4", "end"])
  }

  @Test("what operators emit at a watermark and at the end comes before the signal, from the first step to the last")
  func sweeps() throws {
    func emitting(_ name: String, _ id: Int64) -> TestOperator {
      TestOperator(
        name, journal: journal,
        onWatermark: { (time, output) throws(Failure) in
          try output.emit(Rows.batch([id * 10 + time.microseconds]), output: 0)
        },
        onFinish: { (output) throws(Failure) in try output.emit(Rows.batch([id]), output: 0) })
    }
    let bench = try ChainBench([emitting("a", 10), emitting("b", 20)])
    for element in [mark(1), .end] { bench.put(element) }
    _ = bench.run()
    #expect(bench.output() == ["101", "201", "w1", "10", "20", "end"])
    #expect(
      journal.entries.map { "\($0.part) \($0.call)" } == [
        "a open", "b open", "a watermark", "b process", "b watermark", "a finish", "b process", "b finish", "a close",
        "b close",
      ])
  }

  /// Gives numbers, a few a call, at each watermark, and at the end.
  private final class Giver: Operator {
    private var left: [Int64] = []
    private let count: Int64
    init(count: Int64) { self.count = count }

    func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
      precondition(left.isEmpty, "no row comes before all has been given")
      try output.emit(batch, output: 0)
    }
    func watermark(_ time: EventTime, to output: any Collector) throws(Failure) {
      left = (0..<count).map { time.microseconds * 1_000 + $0 }
      try proceed(to: output)
    }
    func finish(to output: any Collector) throws(Failure) { left = Array(0..<count) }
    var hasMore: Bool { !left.isEmpty }
    func proceed(to output: any Collector) throws(Failure) {
      for id in left.prefix(3) { try output.emit(Rows.batch([id]), output: 0) }
      left = Array(left.dropFirst(3))
    }
  }

  @Test("an operator that has more gives it before anything else, as there is room, and its watermark and end follow")
  func more() throws {
    // Much less may wait than is given.
    let item = Rows.batch([1]).byteCount
    let bench = try ChainBench([Giver(count: 40), Giver(count: 2)], outputLimit: 5, waitingBytes: 20 * item)
    for element in [rows(1), mark(5), rows(2), .end] { bench.put(element) }
    var words: [String] = []
    while true {
      let outcome = bench.run()
      words += bench.output()
      if case .done = outcome { break }
    }
    words += bench.output()
    let given = { (time: Int64, count: Int64) in (0..<count).map { "\(time * 1_000 + $0)" } }
    #expect(words == ["1"] + given(5, 40) + given(5, 2) + ["w5", "2"] + given(0, 40) + given(0, 2) + ["end"])
  }

  @Test("what goes idle says so once on every channel, and is active again with the watermark it had, or a higher one")
  func idle() throws {
    let bench = try ChainBench([TestOperator("op", journal: journal)], inputOf: [0, 0], outputCount: 2)
    for element in [rows(1), mark(5), .idle] { bench.put(element, on: 0) }
    for element in [mark(7), .idle, rows(2)] { bench.put(element, on: 1) }
    _ = bench.run()
    for index in 0..<2 { #expect(bench.output(index) == ["1", "w5", "w7", "idle", "2"]) }
    #expect(journal.count("op", "watermark") == 2)
    bench.put(mark(6), on: 0)
    _ = bench.run()
    // Said again on the channels, not told again to operators.
    #expect(bench.output(1) == ["w7"])
    #expect(journal.count("op", "watermark") == 2)
    bench.put(mark(9), on: 0)
    _ = bench.run()
    #expect(bench.output(1) == ["w9"])
  }

  @Test("inputs are told apart, and the watermark is the minimum over the channels of all of them")
  func inputs() throws {
    let body = TestOperator("op", journal: journal) { (batch, input, output) throws(Failure) in
      try output.emit(Rows.batch(Rows.ids(batch).map { $0 + Int64(input) * 100 }), output: 0)
    }
    let bench = try ChainBench([body], inputOf: [0, 1, 1])
    bench.put(rows(1), on: 0)
    bench.put(rows(2), on: 1)
    bench.put(rows(3), on: 2)
    _ = bench.run()
    #expect(bench.output().sorted() == ["1", "102", "103"])
    bench.put(mark(7), on: 0)
    bench.put(mark(5), on: 1)
    _ = bench.run()
    #expect(bench.output() == [])
    bench.put(mark(6), on: 2)
    _ = bench.run()
    #expect(bench.output() == ["w5"])
    bench.put(.end, on: 1)
    _ = bench.run()
    #expect(bench.output() == ["w6"])
    bench.put(.end, on: 2)
    _ = bench.run()
    #expect(bench.output() == ["w7"])
    bench.put(.end, on: 0)
    guard case .done = bench.run() else { return #expect(Bool(false), "it is done") }
    #expect(bench.output() == ["end"])
  }

  @Test("what lies behind a barrier waits until every channel has delivered it")
  func barriers() throws {
    let bench = try ChainBench([TestOperator("op", journal: journal)], inputOf: [0, 0])
    for element in [rows(1), .barrier(Epoch(1)), rows(2)] { bench.put(element, on: 0) }
    bench.put(rows(10), on: 1)
    _ = bench.run()
    #expect(bench.output().sorted() == ["1", "10"])
    for element in [rows(11), .barrier(Epoch(1)), rows(12)] { bench.put(element, on: 1) }
    _ = bench.run()
    let words = bench.output()
    #expect(words.prefix(2) == ["11", "b1"] && words.dropFirst(2).sorted() == ["12", "2"])
  }

  @Test("with a full output it reads nothing more, and nothing is lost")
  func full() throws {
    let body = TestOperator("op", journal: journal) { (batch, _, output) throws(Failure) in
      for id in Rows.ids(batch) { try output.emit(Rows.batch([id]), output: 0) }
    }
    let bench = try ChainBench([body], outputLimit: 2)
    for element in [rows(1, 2, 3, 4, 5), rows(6), .end] { bench.put(element) }
    guard case .waiting(until: nil) = bench.run() else { return #expect(Bool(false), "it waits for room") }
    #expect(journal.count("op", "process") == 1 && bench.inputs[0].fill.batches == 2)
    var words: [String] = []
    for _ in 0..<3 {
      words += bench.output()
      _ = bench.run()
    }
    words += bench.output()
    #expect(words == ["1", "2", "3", "4", "5", "6", "end"])
    #expect(journal.calls(of: "op").last == "close")
  }

  @Test(
    "while one output is full, rows held for another leave when their time has come, and then it waits without a timer")
  func fullBeside() throws {
    let body = TestOperator("op", journal: journal) { (batch, _, output) throws(Failure) in
      for _ in 0..<2 { try output.emit(Rows.batch(1...300), output: 0) }
      try output.emit(batch, output: 0)
    }
    let bench = try ChainBench([body], outputCount: 2, outputLimit: 1, delay: 300_000_000)
    bench.put(rows(7))
    // Of the second output everything is taken, of the first nothing. The delay is long enough for a sanitizer build.
    guard case .waiting = bench.run() else { return #expect(Bool(false), "it waits for room") }
    _ = bench.output(1)
    guard case .waiting(let time) = bench.run(), let time else { return #expect(Bool(false), "it holds a row") }
    _ = bench.output(1)
    while MonotonicTime.now < time {}
    guard case .waiting(until: nil) = bench.run() else { return #expect(Bool(false), "it waits for room only") }
    #expect(bench.output(1) == ["7"])
    var words: [String] = []
    for _ in 0..<3 {
      words += bench.output(0)
      _ = bench.run()
    }
    words += bench.output(0)
    #expect(words.count == 3 && words.last == "7")
  }

  @Test("a chain's finish waits for room between its steps")
  func fullAtTheEnd() throws {
    func finishing(_ name: String) -> TestOperator {
      TestOperator(
        name, journal: journal,
        onFinish: { (output) throws(Failure) in
          for id in Int64(0)..<3 { try output.emit(Rows.batch([id]), output: 0) }
        })
    }
    let bench = try ChainBench([finishing("a"), finishing("b")], outputLimit: 1)
    bench.put(.end)
    _ = bench.run()
    #expect(journal.count("a", "finish") == 1 && journal.count("b", "finish") == 0)
    var words: [String] = []
    for _ in 0..<10 {
      words += bench.output()
      _ = bench.run()
    }
    #expect(words == ["0", "1", "2", "0", "1", "2", "end"])
  }

  @Test("one batch may always wait, however large it is")
  func oneLargeBatch() throws {
    let body = TestOperator("op", journal: journal) { (batch, _, output) throws(Failure) in
      for _ in 0..<2 { try output.emit(batch, output: 0) }
    }
    let bench = try ChainBench([body], outputLimit: 1, waitingBytes: 1)
    bench.put(rows(1))
    if case .done = bench.run() { #expect(Bool(false), "it waits for room") }
    #expect(bench.control.failure == nil)
  }

  @Test("a call that gives more than may wait fails with what it gave and what is allowed")
  func tooMuch() throws {
    let body = TestOperator("op", journal: journal) { (batch, _, output) throws(Failure) in
      for _ in 0..<100 { try output.emit(batch, output: 0) }
    }
    let bench = try ChainBench([body], outputLimit: 1, waitingBytes: 80)
    bench.put(rows(1))
    guard case .done = bench.run() else { return #expect(Bool(false), "it has failed") }
    let failure = try #require(bench.control.failure)
    #expect(failure.kind == .usage)
    #expect(
      failure.message
        == "stage 'step 0': one call gave 88 bytes more than its channels have room for, and at most 80 may wait; emit fewer rows for one batch, or lower --batch-rows"
    )
    #expect(journal.calls(of: "op").last == "close")
  }

  @Test("an operator that hides a failure behind it does not hide it from the job")
  func hiddenFailure() throws {
    journal.plan(Failure(.data, "no"), in: "b", "process")
    let hiding = TestOperator("a", journal: journal) { (batch, _, output) throws(Failure) in
      do throws(Failure) { try output.emit(batch, output: 0) } catch {}
    }
    let bench = try ChainBench([hiding, TestOperator("b", journal: journal)])
    bench.put(rows(1))
    guard case .done = bench.run() else { return #expect(Bool(false), "it has failed") }
    #expect(bench.control.failure?.message == "stage 'step 1': no")
  }

  @Test("a batch that a filter empties goes no further, one with a selection is gathered before the channel")
  func selections() throws {
    let filter = TestOperator("filter", journal: journal) { (batch, _, output) throws(Failure) in
      try output.emit(Rows.filter(batch) { $0 % 2 == 0 }, output: 0)
    }
    let bench = try ChainBench([filter, TestOperator("b", journal: journal)])
    for element in [rows(1, 3), rows(1, 2, 3, 4), .end] { bench.put(element) }
    _ = bench.run()
    #expect(bench.output() == ["2,4", "end"])
    #expect(journal.count("b", "process") == 1)
  }

  @Test("a barrier that a newer one overtakes is not handed on, and lets go what waited for it")
  func overtaken() throws {
    let bench = try ChainBench([TestOperator("op", journal: journal)], inputOf: [0, 0])
    for element in [.barrier(Epoch(1)), rows(1), .barrier(Epoch(2)), rows(2)] { bench.put(element, on: 0) }
    for element in [.barrier(Epoch(2)), rows(11)] { bench.put(element, on: 1) }
    _ = bench.run()
    #expect(Set(bench.output()) == ["1", "b2", "2", "11"])
    #expect(bench.control.failure == nil)
  }
}
