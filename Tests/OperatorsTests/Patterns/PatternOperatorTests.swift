import Arrow
import Base
import Dataflow
import Expressions
import Observability
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

/// A pattern that a test feeds: rows of a key, a value that says which steps it meets, and a time in microseconds.
private final class PatternRun: Collector {
  typealias Row = (k: Int64?, v: Int64, t: Int64)

  static let fields = [
    Field("k", .int64), Field("v", .int64), Field("ts", .timestamp(.microsecond, timezone: nil), nullable: false),
    Field("s", .utf8),
  ]

  let operation: PatternOperator
  let metrics = StageMetrics()
  let memory: StateMemory
  private var found: [[String]] = [[], [], []]
  /// Batches that the call in progress has given, and the most that one has.
  private var batchCount = 0
  private(set) var mostBatches = 0

  /// - Parameter steps: a step meets rows whose value is its number, or 100; a null value meets none.
  init(_ steps: [Plan.PatternContiguity], within: Int64, memory: Int = .max) throws(Failure) {
    self.memory = StateMemory(limit: memory)
    let pattern = Plan.Pattern(
      steps: steps.enumerated().map { index, contiguity in
        let isStep = Expression.call("equal", [.column("v"), .literal(.int64(Int64(index)))])
        return Plan.PatternStep(
          name: "p\(index)",
          condition: .call("or", [isStep, .call("equal", [.column("v"), .literal(.int64(100))])]),
          contiguity: contiguity)
      }, within: within, timedOut: .route, late: .route)
    let input = Schema(Self.fields)
    var output = [Self.fields[0]]
    for step in steps.indices {
      output += Self.fields.dropFirst().map { Field("p\(step)_\($0.name)", $0.type) }
    }
    let context = SubtaskContext(
      id: SubtaskID(task: 0, index: 0), parallelism: 1, metrics: metrics, stateMemory: self.memory)
    operation = try PatternOperator(
      pattern, keys: [0], time: .event(column: 2, shift: 0), input: input,
      outputs: [Schema(output), Schema(output), input], functions: NoScalarFunctions(), context: context)
    try operation.open()
  }

  func emit(_ batch: RecordBatch, output: Int) throws(Failure) {
    let batch = batch.compacted()
    batchCount += 1
    mostBatches = max(mostBatches, batchCount)
    for row in 0..<batch.length {
      let texts = batch.columns.map { column -> String in
        guard column.isValid(row) else { return "null" }
        if case .timestamp = column.type { return "\(column.values(Int64.self)[row])" }
        return column.text(at: row)
      }
      found[output].append(texts.joined(separator: " "))
    }
  }

  /// What has come out since the last call.
  func takeRows(_ output: Int = 0) -> [String] {
    defer { found[output] = [] }
    return found[output]
  }

  func rows(_ rows: [Row], selected: Bool = false) throws(Failure) {
    let literals = rows.map { row -> [Literal] in
      [
        row.k.map { .int64($0) } ?? .null(.int64), row.v < 0 ? .null(.int64) : .int64(row.v),
        .timestamp(row.t, .microsecond, timezone: nil), .utf8("r\(row.v)"),
      ]
    }
    try call { () throws(Failure) in
      try operation.process(literalBatch(Schema(Self.fields), literals), input: 0, to: self)
    }
  }

  func watermark(_ time: Int64) throws(Failure) {
    try call { () throws(Failure) in try operation.watermark(EventTime(microseconds: time), to: self) }
  }

  func finish() throws(Failure) { try call { () throws(Failure) in try operation.finish(to: self) } }

  /// A call of the operator, and those that give what it left, as a subtask makes them.
  private func call(_ body: () throws(Failure) -> Void) throws(Failure) {
    batchCount = 0
    try body()
    while operation.hasMore {
      batchCount = 0
      try operation.proceed(to: self)
    }
  }
}

/// Matches of one key's rows, each beginning looked at alone.
private struct PatternModel {
  let steps: [Plan.PatternContiguity]
  let within: Int64
  var matches: [String] = []
  var timedOut: [String] = []

  mutating func add(_ rows: [PatternRun.Row]) {
    for (first, row) in rows.enumerated() where meets(row, 0) {
      var taken = [row]
      var isBroken = false
      for next in rows.dropFirst(first + 1) where taken.count < steps.count && !isBroken {
        if next.t - row.t >= within { break }
        if meets(next, taken.count) {
          taken.append(next)
        } else if steps[taken.count] == .next {
          isBroken = true
        }
      }
      if isBroken { continue }
      var text = row.k.map { "\($0)" } ?? "null"
      for index in steps.indices {
        text += index < taken.count ? " \(taken[index].v) \(taken[index].t) r\(taken[index].v)" : " null null null"
      }
      if taken.count == steps.count { matches.append(text) } else { timedOut.append(text) }
    }
  }

  private func meets(_ row: PatternRun.Row, _ step: Int) -> Bool { row.v == step || row.v == 100 }
}

@Suite("Rows that follow each other")
struct PatternOperatorTests {
  @Test("are told when the watermark has passed the last one, each beginning for itself")
  func relaxed() throws {
    let run = try PatternRun([.followedBy, .followedBy], within: 100)
    // Out of order, and another row in between.
    try run.rows([(1, 1, 50), (1, 0, 10), (1, 7, 20), (1, 0, 30), (2, 0, 10), (nil, 0, 10), (nil, 1, 109)])
    try run.watermark(50)
    #expect(run.takeRows() == [])
    try run.watermark(51)
    #expect(run.takeRows() == ["1 0 10 r0 1 50 r1", "1 0 30 r0 1 50 r1"])
    try run.watermark(109)
    #expect(run.takeRows(1) == [])
    // At the very end of the time it is too late.
    try run.rows([(2, 1, 110)])
    try run.watermark(110)
    #expect(run.takeRows() == ["null 0 10 r0 1 109 r1"])
    #expect(run.takeRows(1) == ["2 0 10 r0 null null null"])
    try run.finish()
    #expect(run.takeRows() == [])
    #expect(run.takeRows(1) == [])
  }

  @Test("may have to be the very next ones")
  func strict() throws {
    let run = try PatternRun([.followedBy, .next, .followedBy], within: 1_000)
    try run.rows([(1, 0, 1), (1, 7, 2), (1, 1, 3), (1, 0, 4), (1, 1, 5), (1, 8, 6), (1, 2, 7), (1, 0, 8)])
    try run.watermark(100)
    #expect(run.takeRows() == ["1 0 4 r0 1 5 r1 2 7 r2"])
    try run.rows([(1, 1, 99), (1, 1, 100)])
    #expect(run.takeRows(2) == ["1 1 99 r1"])
    #expect(run.metrics.counts.lateRowsRouted == 1)
    try run.finish()
    // What has begun at the end of the input is out of time.
    #expect(run.takeRows(1) == ["1 0 8 r0 1 100 r1 null null null"])
  }

  @Test("of one time come as they arrive, and a row may be in several matches")
  func ties() throws {
    let run = try PatternRun([.followedBy, .followedBy], within: 10)
    try run.rows([(1, 100, 5), (1, 100, 5), (1, 0, 5), (1, 1, 5)])
    try run.finish()
    #expect(run.takeRows() == ["1 100 5 r100 100 5 r100", "1 100 5 r100 1 5 r1", "1 0 5 r0 1 5 r1"])
  }

  @Test(
    "are those of a look at each beginning alone",
    arguments: [
      [.followedBy, .followedBy], [.followedBy, .next], [.followedBy, .followedBy, .followedBy],
      [.followedBy, .next, .next], [.followedBy, .followedBy, .next, .followedBy],
    ] as [[Plan.PatternContiguity]])
  func random(steps: [Plan.PatternContiguity]) throws {
    var random = SeededGenerator()
    for within: Int64 in [1, 30, 200] {
      let run = try PatternRun(steps, within: within)
      var byKey: [Int64?: [PatternRun.Row]] = [:]
      var late: [String] = []
      var (latest, closed) = (Int64(-500), Int64.min)
      for _ in 0..<150 {
        var rows: [PatternRun.Row] = []
        for _ in 0..<Int.random(in: 0...20, using: &random) {
          latest += Int64.random(in: 0...3, using: &random)
          let key = Int64.random(in: -1...3, using: &random)
          let value = Int.random(in: 0...9, using: &random) == 0 ? 100 : Int64.random(in: -1...4, using: &random)
          let row: PatternRun.Row = (
            k: key < 0 ? nil : key, v: value, t: latest - Int64.random(in: 0...25, using: &random)
          )
          rows.append(row)
          if row.t < closed {
            late.append("\(row.k.map { "\($0)" } ?? "null") \(row.v < 0 ? "null" : "\(row.v)") \(row.t) r\(row.v)")
          } else {
            byKey[row.k, default: []].append(row)
          }
        }
        try run.rows(rows)
        if Bool.random(using: &random) {
          closed = max(closed, latest - 20)
          try run.watermark(latest - 20)
        }
      }
      try run.finish()
      var model = PatternModel(steps: steps, within: within)
      for rows in byKey.values {
        let order = rows.enumerated().sorted { ($0.element.t, $0.offset) < ($1.element.t, $1.offset) }
        model.add(order.map(\.element))
      }
      #expect(run.takeRows().sorted() == model.matches.sorted(), "\(random)")
      #expect(run.takeRows(1).sorted() == model.timedOut.sorted(), "\(random)")
      #expect(run.takeRows(2) == late, "\(random)")
    }
  }

  @Test("keep nothing of rows that are done with, and stop with a sentence when there is no room")
  func memory() throws {
    let run = try PatternRun([.followedBy, .followedBy], within: 50, memory: 24 << 20)
    for step in 0..<400 {
      let start = Int64(step * 100)
      try run.rows((0..<2_000).map { (k: start * 20 + Int64($0), v: Int64($0 % 2), t: start) })
      try run.watermark(start + 60)
      #expect(run.takeRows() == [])
      #expect(run.takeRows(1).count == 1_000)
    }
    do throws(Failure) {
      for step in 0..<1_000 { try run.rows((0..<1_000).map { (k: Int64(step * 1_000 + $0), v: 0, t: 100_000) }) }
      Issue.record("a million rows were kept in 24 MiB")
    } catch {
      #expect(error.kind == .data)
    }
  }

  @Test("give at most a batch a call, also when one row completes all or the time of all is up")
  func fanOut() throws {
    let count = 20_000 as Int64
    let run = try PatternRun([.followedBy, .followedBy], within: 100)
    let open: [PatternRun.Row] = (0..<count).map { (k: 1, v: 0, t: 1 + $0 % 7) }
    try run.rows(open)
    try run.rows([(1, 1, 10)])
    try run.watermark(50)
    #expect(run.takeRows().count == Int(count))
    try run.rows((0..<count).map { ($0, 0, 60) })
    try run.rows((0..<count).map { ($0, 1, 70) })
    try run.watermark(80)
    #expect(run.takeRows().sorted() == (0..<count).map { "\($0) 0 60 r0 1 70 r1" }.sorted())
    try run.rows((0..<count).map { ($0 % 9, 0, 90) })
    try run.finish()
    #expect(run.takeRows(1).count == Int(count))
    #expect(run.takeRows().isEmpty && run.takeRows(2).isEmpty)
    #expect(run.mostBatches == 1)
  }

  @Test("hold nothing that keeps them alive when they are closed before they have given all")
  func closed() throws {
    weak var former: PatternOperator?
    do {
      let run = try PatternRun([.followedBy, .followedBy], within: 100)
      try run.rows((0..<20_000).map { ($0, 0, 1) })
      try run.rows((0..<20_000).map { ($0, 1, 2) })
      try run.operation.watermark(EventTime(microseconds: 50), to: run)
      #expect(run.operation.hasMore)
      former = run.operation
      try run.operation.close()
    }
    #expect(former == nil)
  }
}
