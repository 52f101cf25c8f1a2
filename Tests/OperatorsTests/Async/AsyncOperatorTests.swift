import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Dataflow
@testable import Operators

/// `AsyncOperator` with code whose answers the test gives, when it likes.
struct AsyncOperatorTests {
  private final class Code: AsyncCode {
    var started: [(token: UInt64, ids: [Int64])] = []
    var cancelled: [UInt64] = []
    var results: AsyncResults?
    var answersAtOnce = false

    func open() {}
    func close() {}
    func cancel(token: UInt64) { cancelled.append(token) }
    func start(_ rows: RecordBatch, token: UInt64, results: AsyncResults) {
      let ids = rows.columns[0].values(Int64.self)
      started.append((token, (0..<rows.length).map { ids[$0] }))
      self.results = results
      if answersAtOnce { answer(token) }
    }

    /// Two rows for an even id, none for an odd one below 100.
    func answer(_ token: UInt64) {
      guard let ids = started.first(where: { $0.token == token })?.ids else { return }
      let rows = ids.flatMap { AsyncOperatorTests.answers($0) }
      results?.complete(token, .success(rows.isEmpty ? nil : AsyncOperatorTests.batch(rows)))
    }
  }

  static func answers(_ id: Int64) -> [Int64] { id >= 100 ? [id] : id % 2 == 0 ? [id, -id] : [] }

  private final class Signals: Collector {
    var all: [String] = []
    func emit(_ batch: RecordBatch, output: Int) {
      all += (0..<batch.length).map { "\(batch.columns[0].values(Int64.self)[$0])" }
    }
    func advance(to time: EventTime) { all.append("w\(time.microseconds)") }
    func becomeIdle() { all.append("idle") }
    func taken() -> [String] {
      defer { all = [] }
      return all
    }
  }

  private static let schema = Schema([Field("id", .int64, nullable: false)])
  static func batch(_ ids: [Int64]) -> RecordBatch {
    let builder = FixedBuilder<Int64>(.int64)
    for id in ids { builder.append(id) }
    return RecordBatch(schema: schema, columns: [builder.finish()], length: ids.count)
  }

  private let code = Code()
  private let manual = ManualClock()
  private let signals = Signals()

  private func make(
    _ order: Plan.AnswerOrder = .ordered, capacity: Int = 100, rowsPerCall: Int = 1, timeout: Int64? = nil
  ) throws -> AsyncOperator {
    let made = AsyncOperator(
      code, .init(capacity: capacity, rowsPerCall: rowsPerCall, timeout: timeout, order: order), columns: [0],
      input: Self.schema, output: Self.schema,
      context: SubtaskContext(
        id: SubtaskID(task: 0, index: 0), parallelism: 1, clock: SubtaskClock(.manual(manual))))
    try made.open()
    return made
  }

  /// Wakes it as a subtask does.
  private func wake(_ made: AsyncOperator) throws(Failure) {
    while let time = made.wakeTime, time <= manual.now { try made.wake(at: manual.now, to: signals) }
  }

  @Test("ordered: answers leave in the order of the rows, watermarks between them")
  func ordered() throws {
    let made = try make()
    try made.process(Self.batch([100, 101]), input: 0, to: signals)
    try made.watermark(EventTime(microseconds: 5), to: signals)
    try made.process(Self.batch([102]), input: 0, to: signals)
    try made.watermark(EventTime(microseconds: 6), to: signals)
    #expect(code.started.map(\.ids) == [[100], [101], [102]])
    code.answer(3)
    code.answer(2)
    try wake(made)
    #expect(signals.taken() == [])
    #expect(made.isPending && !made.isFull)
    code.answer(1)
    // A second answer, and one to nothing.
    code.answer(1)
    code.results?.complete(77, .success(Self.batch([1])))
    try wake(made)
    #expect(signals.taken() == ["100", "101", "w5", "102", "w6"])
    #expect(!made.isPending)
    try made.watermark(EventTime(microseconds: 7), to: signals)
    #expect(signals.taken() == ["w7"])
  }

  @Test("unordered: answers leave at once, a watermark when all rows before it were answered")
  func unordered() throws {
    let made = try make(.unordered)
    try made.process(Self.batch([100, 101]), input: 0, to: signals)
    try made.watermark(EventTime(microseconds: 5), to: signals)
    try made.process(Self.batch([102]), input: 0, to: signals)
    code.answer(3)
    try wake(made)
    #expect(signals.taken() == ["102"])
    code.answer(2)
    try wake(made)
    #expect(signals.taken() == ["101"])
    code.answer(1)
    try wake(made)
    #expect(signals.taken() == ["100", "w5"])
  }

  @Test(
    "the input's idleness leaves as a watermark does, behind the answers to the rows before it", arguments: [1, 100])
  func idleInput(capacity: Int) throws {
    let made = try make(capacity: capacity)
    made.inputBecame(idle: true, to: signals)
    #expect(signals.taken() == ["idle"])
    made.inputBecame(idle: false, to: signals)
    #expect(signals.taken() == ["w\(Int64.min)"])
    try made.process(Self.batch([100, 101]), input: 0, to: signals)
    try made.watermark(EventTime(microseconds: 5), to: signals)
    made.inputBecame(idle: true, to: signals)
    code.answer(1)
    try wake(made)
    #expect(signals.taken() == ["100"])
    code.answer(2)
    try wake(made)
    #expect(signals.taken() == ["101", "w5", "idle"])
  }

  @Test("no more rows are under way than the capacity; the rest waits and makes it full, watermarks behind it")
  func capacity() throws {
    let made = try make(capacity: 3, rowsPerCall: 2)
    try made.process(Self.batch([100, 101, 102, 103, 104]), input: 0, to: signals)
    try made.watermark(EventTime(microseconds: 5), to: signals)
    #expect(code.started.map(\.ids) == [[100, 101], [102]])
    #expect(made.isFull)
    code.answer(1)
    try wake(made)
    #expect(code.started.map(\.ids) == [[100, 101], [102], [103, 104]])
    #expect(!made.isFull)
    #expect(signals.taken() == ["100", "101"])
    code.answer(2)
    code.answer(3)
    try wake(made)
    #expect(signals.taken() == ["102", "103", "104", "w5"])
  }

  @Test(
    "watermarks that come while a row is not answered leave as one, also those behind rows that wait",
    arguments: [1, 100])
  func manyWatermarks(capacity: Int) throws {
    let made = try make(capacity: capacity)
    try made.process(Self.batch([100]), input: 0, to: signals)
    for time in 1...1_000 { try made.watermark(EventTime(microseconds: Int64(time)), to: signals) }
    try made.process(Self.batch([101]), input: 0, to: signals)
    for time in 2_001...3_000 { try made.watermark(EventTime(microseconds: Int64(time)), to: signals) }
    code.answersAtOnce = true
    code.answer(1)
    try wake(made)
    code.answer(2)
    try wake(made)
    #expect(signals.taken() == ["100", "w1000", "101", "w3000"])
    #expect(!made.isPending)
  }

  @Test("answers that wait for the one before them count as under way: they are never more than the capacity")
  func answersBehindOne() throws {
    let made = try make(capacity: 3)
    try made.process(Self.batch(Array(100..<110)), input: 0, to: signals)
    for token in 2...3 as ClosedRange<UInt64> { code.answer(token) }
    try wake(made)
    #expect(code.started.count == 3)
    #expect(made.isFull)
    code.answersAtOnce = true
    code.answer(1)
    try wake(made)
    #expect(signals.taken() == (100..<110).map { "\($0)" })
    #expect(!made.isPending)
  }

  private final class Counts: Collector {
    /// By batch.
    var rows: [Int] = []
    func emit(_ batch: RecordBatch, output: Int) { rows.append(batch.rowCount) }
  }

  @Test(
    "large answers leave some a call, so that no batch of them is too large",
    arguments: [Plan.AnswerOrder.ordered, .unordered])
  func largeAnswers(order: Plan.AnswerOrder) throws {
    let made = try make(order)
    let counts = Counts()
    try made.process(Self.batch(Array(0..<6)), input: 0, to: counts)
    // 8 MB each.
    let answer = Self.batch([Int64](repeating: 7, count: 1_000_000))
    for (token, _) in code.started.dropLast() { code.results?.complete(token, .success(answer)) }
    code.results?.complete(code.started.last?.token ?? 0, .success(Self.batch([8])))
    var calls: [[Int]] = []
    while let time = made.wakeTime, time <= manual.now {
      try made.wake(at: manual.now, to: counts)
      calls.append(counts.rows)
      counts.rows = []
    }
    #expect(calls == [[2_000_000], [2_000_000], [1_000_001]])
    #expect(!made.isPending)
  }

  @Test(
    "an answer that does not come in time ends the job, a failed one with its text; close cancels what is under way")
  func failures() throws {
    let made = try make(timeout: 50)
    try made.process(Self.batch([100, 101]), input: 0, to: signals)
    #expect(made.wakeTime == ProcessingTime(microseconds: 50))
    code.answer(1)
    manual.advance(to: ProcessingTime(microseconds: 40))
    try wake(made)
    try made.process(Self.batch([102]), input: 0, to: signals)
    #expect(made.wakeTime == ProcessingTime(microseconds: 50))
    manual.advance(to: ProcessingTime(microseconds: 50))
    let failure = #expect(throws: Failure.self) { try wake(made) }
    #expect(failure?.message.hasPrefix("1 rows got no answer within 50 µs") == true)
    try made.close()
    #expect(code.cancelled == [2, 3])
    // Nobody listens any more.
    code.answer(2)
    #expect(code.results?.isEmpty == true)
    let other = try make()
    try other.process(Self.batch([100]), input: 0, to: signals)
    code.results?.complete(code.started.last?.token ?? 0, .failure(Failure(.data, "it is broken")))
    #expect(throws: Failure(.data, "it is broken")) { try wake(other) }
  }

  @Test(
    "answers in random order, at once and late, lose and double nothing",
    arguments: [Plan.AnswerOrder.ordered, .unordered])
  func random(order: Plan.AnswerOrder) throws {
    var generator = SeededGenerator()
    for _ in 0..<50 {
      code.started = []
      let made = try make(
        order, capacity: Int.random(in: 1...20, using: &generator),
        rowsPerCall: Int.random(in: 1...5, using: &generator))
      var open: Set<UInt64> = []
      var seen: UInt64 = 0
      var (next, given): (Int64, [String]) = (0, [])
      for round in 0..<40 {
        code.answersAtOnce = Int.random(in: 0..<4, using: &generator) == 0
        if !made.isFull, Int.random(in: 0..<2, using: &generator) == 0 {
          let count = Int64.random(in: 1...8, using: &generator)
          try made.process(Self.batch(Array(next..<(next + count))), input: 0, to: signals)
          next += count
        }
        if Int.random(in: 0..<3, using: &generator) == 0 {
          // It says which rows came before it.
          try made.watermark(EventTime(microseconds: 1_000 * Int64(round) + 1_000_000 * next), to: signals)
        }
        for (token, _) in code.started where token > seen { open.insert(token) }
        seen = max(seen, code.started.last?.token ?? 0)
        for token in open.shuffled(using: &generator).prefix(Int.random(in: 0...3, using: &generator)) {
          open.remove(token)
          code.answer(token)
        }
        try wake(made)
        given += signals.taken()
      }
      code.answersAtOnce = true
      while made.isPending {
        for (token, _) in code.started { code.answer(token) }
        try wake(made)
      }
      given += signals.taken()
      let rows = given.filter { !$0.hasPrefix("w") }
      let wanted = (0..<next).flatMap { Self.answers($0) }.map { "\($0)" }
      if order == .ordered {
        #expect(rows == wanted, "\(generator)")
      } else {
        #expect(rows.sorted() == wanted.sorted(), "\(generator)")
      }
      // Nothing that came before a watermark leaves behind it.
      var before: Int64 = 0
      for item in given {
        if item.hasPrefix("w") {
          before = (Int64(item.dropFirst()) ?? 0) / 1_000_000
        } else {
          #expect(abs(Int64(item) ?? 0) >= before, "\(generator)")
        }
      }
    }
  }
}
