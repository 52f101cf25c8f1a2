import Arrow
import Base
import Dataflow
import Glibc
import Observability
import Synchronization
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

/// Calls that are tried in copies of this process, which die in its place.
@Suite(.serialized) struct TrapSearchTests {
  private static let schema = Schema([Field("value", .int64, nullable: false)])

  private static func batch(_ values: [Int64]) -> RecordBatch {
    let builder = FixedBuilder<Int64>(.int64)
    for value in values { builder.append(value) }
    return RecordBatch(schema: schema, columns: [builder.finish()], length: values.count)
  }

  private static func values(_ batch: RecordBatch) -> [Int64] {
    let whole = batch.compacted()
    return (0..<whole.length).map { whole.columns[0].values(Int64.self)[$0] }
  }

  /// Adds up what it is given, and dies of a negative value when the sum is even.
  private final class Deadly: Operator {
    var calls = 0
    var sum: Int64 = 0
    var die: () -> Void = { raise(SIGILL) }

    func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
      calls += 1
      for value in TrapSearchTests.values(batch) {
        if value < 0 && sum % 2 == 0 { die() }
        sum += value
        try output.emit(TrapSearchTests.batch([value, sum]), output: 0)
      }
    }
  }

  private final class Kept: Collector {
    var values: [Int64] = []
    var aside: [(Int64, String)] = []

    func emit(_ batch: RecordBatch, output: Int) throws(Failure) {
      guard output == 1 else {
        values += TrapSearchTests.values(batch)
        return
      }
      for row in 0..<batch.length {
        aside.append((batch.columns[0].children[0].values(Int64.self)[row], batch.columns[1].text(at: row)))
      }
    }
  }

  private func search(
    _ patience: Int = 1, timeLimit: Duration = .seconds(60),
    _ ended: @escaping @Sendable (TrapSearch.End) -> Void = { _ in }
  ) -> TrapSearch {
    TrapSearch(
      functions: ["f"], patience: patience, timeLimit: timeLimit, log: nil, signalName: { "signal \($0)" },
      whenEnded: ended)
  }

  private func make(_ body: Deadly, _ search: TrapSearch) -> QuarantineOperator {
    let place = QuarantinePlace(
      uid: "deadly", function: "f", plugin: QuarantinePlace.Plugin(name: "p", version: "1"), limit: 1_000,
      hasEpochs: true,
      search: search)
    return QuarantineOperator(
      body, Quarantine(place, input: Self.schema, output: 1, metrics: StageMetrics()),
      memory: StateMemory(limit: 1 << 30))
  }

  @Test(
    "random rows, of which some are deadly as things stand: those go aside, the others are as if they had never come")
  func random() throws {
    var random = SeededGenerator()
    for _ in 0..<20 {
      let rows = (0..<Int.random(in: 1...60, using: &random)).map { _ in
        Int64.random(in: 1...9, using: &random) * (Int.random(in: 0..<10, using: &random) == 0 ? -1 : 1)
      }
      var (wanted, aside, sum): ([Int64], [Int64], Int64) = ([], [], 0)
      for row in rows {
        if row < 0 && sum % 2 == 0 {
          aside.append(row)
        } else {
          sum += row
          wanted += [row, sum]
        }
      }
      let (body, kept) = (Deadly(), Kept())
      let made = make(body, search())
      let middle = Int.random(in: 0...rows.count, using: &random)
      for part in [rows[..<middle], rows[middle...]] where !part.isEmpty {
        try made.process(Self.batch(Array(part)), input: 0, to: kept)
      }
      try made.barrier(Epoch(1), to: kept)
      #expect(kept.values == wanted && kept.aside.map(\.0) == aside, "seed \(random.seed): \(rows)")
      #expect(kept.aside.allSatisfy { $0.1 == "the call trapped: signal \(SIGILL)" }, "\(kept.aside)")
    }
  }

  @Test("an exit is told as one, and the last words of a function are those that its runtime marks")
  func words() throws {
    let (body, kept) = (Deadly(), Kept())
    body.die = {
      let words = Array("all is well\nF.swift:3: Fatal error: no such thing\n\nCurrent stack trace:\n".utf8)
      _ = write(STDERR_FILENO, words, words.count)
      _exit(3)
    }
    let made = make(body, search())
    try made.process(Self.batch([2, -1, 4]), input: 0, to: kept)
    try made.finish(to: kept)
    #expect(kept.values == [2, 2, 4, 6])
    #expect(
      kept.aside.map(\.1) == ["the call ended the worker by exit (F.swift:3: Fatal error: no such thing)"],
      "\(kept.aside)")
    #expect(TrapSearch.lastWords("") == "")
    #expect(TrapSearch.lastWords("a\n  b  \n\n") == "b  ")
    #expect(TrapSearch.lastWords(String(repeating: "x", count: 5_000)).count == 300)
  }

  @Test("a call that waits for ever in a copy is none that can be tried: the search ends, and the call is made here")
  func late() throws {
    let ends = Mutex<[TrapSearch.End]>([])
    let search = search(timeLimit: .milliseconds(50)) { end in ends.withLock { $0.append(end) } }
    let (body, kept) = (Deadly(), Kept())
    let here = getpid()
    body.die = { while getpid() != here { pause() } }
    let made = make(body, search)
    try made.process(Self.batch([2, -1]), input: 0, to: kept)
    #expect(kept.values == [2, 2, -1, 1])
    #expect(!search.isOn && ends.withLock { $0 } == [.vain])
    #expect(body.calls == 1)
  }

  @Test("a copy that came upon a lock which was held when it was made is made once more")
  func stuck() throws {
    let copies = try #require(mmap(nil, 8, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
      .bindMemory(to: Int64.self, capacity: 1)
    defer { munmap(copies, 8) }
    let ends = Mutex<[TrapSearch.End]>([])
    let search = search { end in ends.withLock { $0.append(end) } }
    let (body, kept) = (Deadly(), Kept())
    let here = getpid()
    body.die = {
      guard getpid() != here else { return }
      copies.pointee += 1
      if copies.pointee == 1 { while true { pause() } }
      raise(SIGILL)
    }
    let made = make(body, search)
    try made.process(Self.batch([2, -1]), input: 0, to: kept)
    try made.finish(to: kept)
    #expect(kept.values == [2, 2] && kept.aside.map(\.0) == [-1])
    #expect(search.isOn && ends.withLock { $0 }.isEmpty)
  }

  @Test("it ends behind the epoch that has what was found, when as many more as it has patience for brought nothing")
  func patience() throws {
    let ends = Mutex<[TrapSearch.End]>([])
    let search = search(2) { end in ends.withLock { $0.append(end) } }
    let (body, kept) = (Deadly(), Kept())
    let made = make(body, search)
    search.complete(Epoch(4))
    try made.barrier(Epoch(5), to: kept)
    try made.process(Self.batch([-1]), input: 0, to: kept)
    // It was under way: the record is not in it.
    search.complete(Epoch(5))
    search.complete(Epoch(6))
    #expect(search.isOn)
    try made.process(Self.batch([-3]), input: 0, to: kept)
    search.complete(Epoch(7))
    #expect(search.isOn)
    search.complete(Epoch(8))
    #expect(!search.isOn && ends.withLock { $0 } == [.over])
    let quiet = self.search(2)
    for epoch in 1...5 { quiet.complete(Epoch(UInt64(epoch))) }
    #expect(quiet.isOn)
    quiet.complete(Epoch(6))
    #expect(!quiet.isOn)
  }

  @Test("functions are known by their names, long ones by how they begin")
  func names() {
    let long = String(repeating: "n", count: 200)
    let search = TrapSearch(
      functions: ["f", String(long.prefix(127))], patience: 1, log: nil, signalName: { "\($0)" }, whenEnded: { _ in })
    #expect(search.suspects(["g", "f"]) && search.suspects([long]))
    #expect(!search.suspects(["ff"]) && !search.suspects([]) && !search.suspects([String(long.prefix(126))]))
  }
}
