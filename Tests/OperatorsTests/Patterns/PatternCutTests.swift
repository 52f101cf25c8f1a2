import Arrow
import Base
import Dataflow
import Expressions
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("Patterns that are cut")
struct PatternCutTests {
  private static let input = Schema([
    Field("k", .utf8), Field("v", .int64), Field("ts", .timestamp(.microsecond, timezone: nil), nullable: false),
    Field("s", .utf8),
  ])

  private func make(
    _ contiguity: [Plan.PatternContiguity], within: Int64
  ) -> (SubtaskContext) throws -> any Operator {
    { context in
      let pattern = Plan.Pattern(
        steps: contiguity.enumerated().map { index, contiguity in
          let isStep = Expression.call("equal", [.column("v"), .literal(.int64(Int64(index)))])
          return Plan.PatternStep(
            name: "p\(index)",
            condition: .call("or", [isStep, .call("equal", [.column("v"), .literal(.int64(100))])]),
            contiguity: contiguity)
        }, within: within, timedOut: .route, late: .route)
      var output = [Self.input.fields[0]]
      for step in contiguity.indices {
        output += Self.input.fields.dropFirst().map { Field("p\(step)_\($0.name)", $0.type) }
      }
      return try PatternOperator(
        pattern, keys: [0], time: .event(column: 2, shift: 0), input: Self.input,
        outputs: [Schema(output), Schema(output), Self.input], functions: NoScalarFunctions(), context: context)
    }
  }

  private func steps(_ stepCount: Int, _ random: inout SeededGenerator) -> [CutStep] {
    var steps: [CutStep] = []
    for step in 0..<Int.random(in: 20...60, using: &random) {
      let count = Int.random(in: 1...10, using: &random)
      let builders = Self.input.fields.map { ColumnBuilder($0.type) }
      for _ in 0..<count {
        builders[0].append(randomLiteral(.utf8, distinct: 4, &random))
        let value = [Int64.random(in: 0...Int64(stepCount), using: &random), 100].randomElement(using: &random) ?? 0
        builders[1].append(.int64(value))
        let time = Int64(step * 6) + Int64.random(in: -25...10, using: &random)
        builders[2].append(.timestamp(time, .microsecond, timezone: nil))
        builders[3].append(randomLiteral(.utf8, distinct: 20, &random))
      }
      steps.append(.batch(RecordBatch(schema: Self.input, columns: builders.map { $0.finish() }, length: count)))
      if Int.random(in: 0..<3, using: &random) == 0 { steps.append(.watermark(Int64(step * 6 - 15))) }
    }
    return steps
  }

  @Test("go on as if they were not, with late rows and matches whose time is up")
  func random() throws {
    var random = SeededGenerator()
    let patterns: [[Plan.PatternContiguity]] = [
      [.next, .followedBy], [.next, .next], [.next, .followedBy, .followedBy],
      [.next, .followedBy, .next, .followedBy],
    ]
    for pattern in patterns {
      for within in [10, 40, 150] as [Int64] {
        for _ in 0..<3 {
          let rig = CutRig(
            make: make(pattern, within: within), keys: [[0]],
            unnamed: Set(["$row", "$match"] + pattern.indices.map { "$row of p\($0)" }))
          try rig.check(steps(pattern.count, &random), &random)
        }
      }
    }
  }
}
