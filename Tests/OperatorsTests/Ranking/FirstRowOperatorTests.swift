import Arrow
import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("The first row of each key to arrive")
struct FirstRowOperatorTests {
  private let input = TopNOperatorTests.input

  @Test("is told once, whatever the key", arguments: [[0], [5], [0, 5], [1, 2, 3, 4, 5, 6]])
  func first(keys: [Int]) throws {
    var random = SeededGenerator()
    let operation = FirstRowOperator(keys: keys, input: input, context: testContext())
    var seen: Set<[Value]> = []
    var sent = 0
    for _ in 0..<20 {
      let rows = Int.random(in: 1...100, using: &random)
      let batch = selectedAtRandom(TopNOperatorTests.batch(rows, from: sent, distinct: 3, &random), &random)
      sent += rows
      let expected = rowValues(batch).filter { row in seen.insert(keys.map { row[$0].asKey }).inserted }
      let collected = Collected()
      try operation.process(batch, input: 0, to: collected)
      #expect(collected.rows.map { $0.map(\.asKey) } == expected.map { $0.map(\.asKey) }, "\(random)")
    }
  }

  @Test("is told again when its key was forgotten, which other rows of the key do not put off")
  func timeToLive() throws {
    var random = SeededGenerator()
    let clock = ManualClock()
    let operation = FirstRowOperator(keys: [0], input: input, timeToLive: 50, context: testContext(clock))
    var expiry: [Value: Int64] = [:]
    var now: Int64 = 1_000
    var sent = 0
    for _ in 0..<200 {
      now += Int64.random(in: 0...10, using: &random)
      clock.advance(to: ProcessingTime(microseconds: now))
      let batch = TopNOperatorTests.batch(Int.random(in: 1...4, using: &random), from: sent, distinct: 12, &random)
      sent += batch.length
      var expected: [[Value]] = []
      for row in rowValues(batch) where now >= expiry[row[0]] ?? .min {
        expiry[row[0]] = now + 50
        expected.append(row)
      }
      let collected = Collected()
      try operation.process(batch, input: 0, to: collected)
      #expect(collected.rows.map { $0.map(\.asKey) } == expected.map { $0.map(\.asKey) }, "\(random)")
    }
  }
}
