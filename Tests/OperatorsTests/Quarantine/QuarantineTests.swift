import Arrow
import Base
import Dataflow
import Observability
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

/// Records that a function refuses, by themselves: which calls are made, and when the records leave.
struct QuarantineTests {
  private static let schema = Schema([Field("value", .int64, nullable: false)])

  private static func batch(_ values: [Int64]) -> RecordBatch {
    let builder = FixedBuilder<Int64>(.int64)
    for value in values { builder.append(value) }
    return RecordBatch(schema: schema, columns: [builder.finish()], length: values.count)
  }

  private static func values(_ batch: RecordBatch, _ column: Int = 0) -> [Int64] {
    let whole = batch.compacted()
    return (0..<whole.length).map { whole.columns[column].values(Int64.self)[$0] }
  }

  /// Emits its rows one by one, and refuses a call in which there is a negative one.
  private final class Picky: Operator {
    var calls = 0
    /// Fails for another reason when this value comes.
    var fatal: Int64 = .max

    func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
      calls += 1
      for value in QuarantineTests.values(batch) {
        try output.emit(QuarantineTests.batch([value]), output: 0)
        if value == fatal { throw Failure(.io, "the disk is gone") }
        guard value < 0 else { continue }
        var failure = Failure(.data, "\(value) is negative")
        failure.refusesRecords = true
        throw failure
      }
    }
  }

  private final class Kept: Collector {
    var values: [Int64] = []
    /// Value, error and epoch.
    var aside: [(Int64, String, Int64?)] = []
    var failure: Failure?

    func emit(_ batch: RecordBatch, output: Int) throws(Failure) {
      if let failure { throw failure }
      guard output == 1 else {
        values += QuarantineTests.values(batch)
        return
      }
      let epochs = batch.columns[7]
      for row in 0..<batch.length {
        aside.append(
          (
            batch.columns[0].children[0].values(Int64.self)[row], batch.columns[1].text(at: row),
            epochs.isValid(row) ? epochs.values(Int64.self)[row] : nil
          ))
      }
    }
  }

  private func make(
    _ body: Picky, limit: Int = 100, hasEpochs: Bool = false, metrics: StageMetrics = StageMetrics()
  ) -> QuarantineOperator {
    let place = QuarantinePlace(
      uid: "picky", function: "f", plugin: QuarantinePlace.Plugin(name: "p", version: "1"), limit: limit,
      hasEpochs: hasEpochs)
    return QuarantineOperator(
      body, Quarantine(place, input: Self.schema, output: 1, metrics: metrics), memory: StateMemory(limit: 1 << 30))
  }

  @Test(
    "every way in which up to nine rows can be good and bad: the good ones go on in order, once, and the bad ones aside"
  )
  func allCases() throws {
    for count in 1...9 {
      for bad in 0..<(1 << count) {
        let rows = (0..<count).map { (row: Int) -> Int64 in bad >> row & 1 == 1 ? Int64(-1 - row) : Int64(1 + row) }
        let (body, kept) = (Picky(), Kept())
        let made = make(body)
        try made.process(Self.batch(rows), input: 0, to: kept)
        try made.finish(to: kept)
        #expect(kept.values == rows.filter { $0 > 0 }, "\(rows)")
        #expect(kept.aside.map(\.0) == rows.filter { $0 < 0 }, "\(rows)")
        #expect(kept.aside.allSatisfy { $0.1 == "\($0.0) is negative" && $0.2 == nil })
        if bad == 0 { #expect(body.calls == 1) }
      }
    }
  }

  @Test("a selection stays one while nothing is refused; one bad row of many costs about two calls for each halving")
  func calls() throws {
    var random = SeededGenerator()
    let (body, kept) = (Picky(), Kept())
    let made = make(body)
    var rows = (1...65_536).map { Int64($0) }
    let bad = Int.random(in: 0..<rows.count, using: &random)
    rows[bad] = -1
    var batch = Self.batch(rows)
    batch.selection = Selection((0..<rows.count).filter { $0 % 2 == bad % 2 })
    try made.process(batch, input: 0, to: kept)
    #expect(kept.values == rows.indices.filter { $0 % 2 == bad % 2 && $0 != bad }.map { rows[$0] }, "\(random)")
    #expect(kept.aside.map(\.0) == [-1])
    #expect(body.calls == 1 + 2 * 15, "\(random)")
  }

  @Test("with epochs they leave in front of the barrier with its number, and the limit is one of an epoch")
  func epochs() throws {
    let (metrics, kept) = (StageMetrics(), Kept())
    let made = make(Picky(), limit: 2, hasEpochs: true, metrics: metrics)
    try made.process(Self.batch([1, -2, -3]), input: 0, to: kept)
    #expect(kept.aside.isEmpty && kept.values == [1])
    try made.barrier(Epoch(7), to: kept)
    try made.process(Self.batch([-4, 5, -6]), input: 0, to: kept)
    try made.barrier(Epoch(9), to: kept)
    try made.process(Self.batch([-7]), input: 0, to: kept)
    try made.finish(to: kept)
    #expect(kept.aside.map(\.0) == [-2, -3, -4, -6, -7])
    #expect(kept.aside.map(\.2) == [7, 7, 9, 9, 10])
    #expect(metrics.counts.deadLetters == 5)
    try made.process(Self.batch([8, -8]), input: 0, to: kept)
    let failure = #expect(throws: Failure.self) { try made.process(Self.batch([-9]), input: 0, to: kept) }
    #expect(
      failure?.message
        == "2 records of 'picky' are in quarantine in this epoch, as many as --quarantine-limit allows in a subtask, and one more was "
        + "refused: -9 is negative")
  }

  @Test("what fails for another reason, in the function or behind it, ends the job, and its rows go nowhere")
  func otherFailures() throws {
    let (body, kept) = (Picky(), Kept())
    body.fatal = 3
    let made = make(body)
    let failure = #expect(throws: Failure.self) { try made.process(Self.batch([1, 2, 3]), input: 0, to: kept) }
    #expect(failure?.message == "the disk is gone")
    #expect(kept.values.isEmpty && kept.aside.isEmpty)
    // Of the operator behind, whose function refuses what it is given: nothing that these rows are to blame for.
    var behind = Failure(.data, "refused behind")
    behind.refusesRecords = true
    kept.failure = behind
    let other = make(Picky())
    let passed = #expect(throws: Failure.self) { try other.process(Self.batch([1, -1, 2]), input: 0, to: kept) }
    #expect(passed?.message == "refused behind")
  }
}
