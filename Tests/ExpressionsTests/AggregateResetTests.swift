import Arrow
import ArrowTestSupport
import TestSupport
import Testing
import VolleyPlan

@testable import Expressions

/// Slots that are used again: an accumulator whose slots are reset now and then gives what one gives that takes a new
/// slot each time.
struct AggregateResetTests {
  private func column(_ type: DataType, _ count: Int, _ generator: inout SeededGenerator) -> Column {
    RandomColumns.column(
      type,
      (0..<count).map { row in
        if row % 7 == 3 { return .null(type) }
        switch type {
        case .decimal128, .duration: return .integer(.random(in: -99999...99999, using: &generator), type)
        case .int64: return .int64(.random(in: -99999...99999, using: &generator))
        case .uint64: return .integer(.random(in: 0...99999, using: &generator), type)
        default: return RandomColumns.value(type, &generator)
        }
      })
  }

  @Test("a slot that was reset is as of no rows", arguments: AggregateStateTests.signatures)
  func reset(_ signature: AggregateSignature) throws {
    var generator = SeededGenerator()
    let (reused, fresh) = (signature.makeAccumulator(), signature.makeAccumulator())
    let slotCount = 8
    var current = (0..<UInt32(slotCount)).map { $0 }
    var next = UInt32(slotCount)
    for round in 0..<60 {
      try reused.grow(to: slotCount)
      try fresh.grow(to: Int(next))
      let slots = (0..<200).map { _ in UInt32.random(in: 0..<UInt32(slotCount), using: &generator) }
      let input = AggregateInput(
        argument: signature.argument.map { column($0, slots.count, &generator) },
        by: signature.by.map { column($0, slots.count, &generator) }, count: slots.count)
      try reused.update(slots, count: slots.count, input)
      try fresh.update(slots.map { current[Int($0)] }, count: slots.count, input)
      let all = (0..<UInt32(slotCount)).map { $0 }
      let (got, wanted) = (
        try AggregateRun.results(reused, all).rows, try AggregateRun.results(fresh, current).rows
      )
      guard got == wanted else {
        Issue.record("round \(round): \(got) and not \(wanted), \(generator)")
        return
      }
      let gone = all.filter { _ in Bool.random(using: &generator) }
      reused.reset(gone, count: gone.count)
      for slot in gone {
        current[Int(slot)] = next
        next += 1
      }
      try fresh.grow(to: Int(next))
      #expect(try AggregateRun.results(reused, all).rows == AggregateRun.results(fresh, current).rows, "\(generator)")
    }
    #expect(
      reused.byteCount <= fresh.byteCount / 2 + 16_384,
      "what slots held before they were reset is given back, \(generator)")
  }
}
