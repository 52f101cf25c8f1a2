import Arrow
import Base
import Dataflow
import State
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("Rankings that are cut")
struct RankingCutTests {
  private static let timestamp = DataType.timestamp(.microsecond, timezone: nil)
  private static let input = Schema([
    Field("k", .utf8), Field("end", timestamp, nullable: false), Field("a", .int64), Field("b", .utf8),
    Field("c", .float64),
  ])
  private static let orders: [[Plan.Ordering]] = [
    [Plan.Ordering("a")], [Plan.Ordering("b", descending: true), Plan.Ordering("a")],
    [Plan.Ordering("c", descending: true), Plan.Ordering("b"), Plan.Ordering("a"), Plan.Ordering("end")],
  ]

  private func steps(_ random: inout SeededGenerator, clock: Bool = false, watermarks: Bool = false) -> [CutStep] {
    var steps: [CutStep] = []
    for step in 0..<Int.random(in: 20...60, using: &random) {
      let count = Int.random(in: 1...15, using: &random)
      let builders = Self.input.fields.map { ColumnBuilder($0.type) }
      for _ in 0..<count {
        builders[0].append(randomLiteral(.utf8, distinct: 6, &random))
        let end = Int64(step / 8 + Int.random(in: -2...2, using: &random)) * 100
        builders[1].append(.timestamp(end, .microsecond, timezone: nil))
        for (index, type) in [DataType.int64, .utf8, .float64].enumerated() {
          builders[2 + index].append(randomLiteral(type, distinct: 6, &random))
        }
      }
      steps.append(.batch(RecordBatch(schema: Self.input, columns: builders.map { $0.finish() }, length: count)))
      if watermarks, Int.random(in: 0..<5, using: &random) == 0 { steps.append(.watermark(Int64(step / 8 - 1) * 100)) }
      if clock, Int.random(in: 0..<3, using: &random) == 0 { steps.append(.clock(Int64(step) * 400_000)) }
    }
    return steps
  }

  private func check(
    timeToLive: Int64?, _ random: inout SeededGenerator, _ make: @escaping (SubtaskContext) -> any Operator
  ) throws {
    let steps = steps(&random, clock: timeToLive != nil)
    if timeToLive != nil {
      // What has expired goes with the next batch of its subtask.
      try CutRig(make: make, keys: [[]], unnamed: ["$row", "$written"], dependsOnBatches: true).check(steps, &random)
    }
    var rig = CutRig(make: make, keys: [[0]], unnamed: ["$row"], dependsOnBatches: true)
    if timeToLive != nil { rig.comparison = .none }
    try rig.check(steps, &random)
  }

  @Test("by places and by rows go on as if they were not")
  func topN() throws {
    var random = SeededGenerator()
    for order in Self.orders {
      for (count, takesLast) in [(1, false), (1, true), (3, false), (10, false)] {
        for hasRank in [false, true] {
          for timeToLive in [nil, 3_000_000] as [Int64?] {
            let rank = hasRank ? [Field("rank", .int64, nullable: false)] : []
            let output = Schema([Field("row_kind", .utf8, nullable: false)] + Self.input.fields + rank)
            try check(timeToLive: timeToLive, &random) { context in
              TopNOperator(
                order, count: count, takesLast: takesLast, keys: [0], input: Self.input, output: output,
                timeToLive: timeToLive, context: context)
            }
          }
        }
      }
    }
  }

  @Test("of windows go on as if they were not")
  func windows() throws {
    var random = SeededGenerator()
    for order in Self.orders {
      for count in [1, 4] {
        for _ in 0..<3 {
          let output = Schema(Self.input.fields + [Field("rank", .int64, nullable: false)])
          try CutRig(
            make: { context in
              WindowTopNOperator(
                order, count: count, keys: [0, 1], end: 1, input: Self.input, output: output, context: context)
            }, keys: [[0, 1]], unnamed: ["$row"]
          ).check(steps(&random, watermarks: true), &random)
        }
      }
    }
  }

  @Test("that tell the first row go on as if they were not")
  func first() throws {
    var random = SeededGenerator()
    for timeToLive in [nil, 2_000_000] as [Int64?] {
      for _ in 0..<10 {
        try check(timeToLive: timeToLive, &random) { context in
          FirstRowOperator(keys: [0], input: Self.input, timeToLive: timeToLive, context: context)
        }
      }
    }
  }

  @Test("with fewer places than before forget the rows that have none any more")
  func fewerPlaces() throws {
    var random = SeededGenerator()
    let output = Schema([Field("row_kind", .utf8, nullable: false)] + Self.input.fields)
    func make(_ count: Int) -> TopNOperator {
      let operation = TopNOperator(
        [Plan.Ordering("a")], count: count, keys: [0], input: Self.input, output: output,
        context: SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: 1))
      operation.trackChanges()
      return operation
    }
    final class Nobody: Collector { func emit(_ batch: RecordBatch, output: Int) {} }
    let wide = make(6)
    for step in steps(&random) {
      if case .batch(let batch, _) = step { try wide.process(batch, input: 0, to: Nobody()) }
    }
    var model = StateModel(wide.stateTables)
    var changes = StateChanges()
    try wide.takeChanges(into: &changes)
    try model.apply(changes, subtask: 0, parallelism: 1)
    let narrow = make(2)
    let all = model.count
    try model.restore(subtask: 0, parallelism: 1, rows: 5) { entries, table throws(Failure) in
      try narrow.restore(entries, table: table)
    }
    try narrow.restored()
    var fewer = StateChanges()
    try narrow.takeChanges(into: &fewer)
    try model.apply(fewer, subtask: 0, parallelism: 1)
    #expect(
      all > 12 && model.count <= 12,
      "\(random): at most two rows of six keys of \(all) are left, and not \(model.count)")
  }
}
