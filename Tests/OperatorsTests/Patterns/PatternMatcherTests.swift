import Testing
import VolleyPlan

@testable import Operators

@Suite("A search for patterns")
struct PatternMatcherTests {
  /// Rows of one key, a microsecond after each other, with a bit for each step that they meet.
  private func run(_ steps: [Plan.PatternContiguity], within: Int64, _ met: [UInt32]) -> PatternMatcher {
    let matcher = PatternMatcher(
      steps.enumerated().map { Plan.PatternStep(name: "p\($0)", condition: .literal(.bool(true)), contiguity: $1) },
      within: within)
    matcher.grow(to: 1)
    let numbers = met.indices.map { UInt32($0) }
    matcher.keep(numbers, met: met, count: met.count)
    for number in numbers { matcher.take(number, slot: 0, time: Int64(number)) }
    return matcher
  }

  @Test("looks at an open match when it goes on or ends, and not once a row", arguments: [1_000, 4_000])
  func linear(count: Int) {
    let first = [UInt32](repeating: 1, count: count)
    // Never completed.
    let open = run([.followedBy, .followedBy], within: .max, first)
    #expect(open.visited <= 2 * count)
    // All by the last row.
    let closed = run([.followedBy, .followedBy], within: .max, first + [2])
    #expect(closed.complete.count == count)
    #expect(closed.visited <= 3 * count)
    // Each at its own time.
    let late = run([.followedBy, .followedBy, .followedBy], within: 100, first)
    #expect(late.timedOut.count == count - 100)
    #expect(late.visited <= 3 * count)
    // Broken by the next one.
    let strict = run([.followedBy, .next], within: .max, first)
    #expect(strict.visited <= 3 * count)
    // All go on together twice, then nobody does.
    let long = run([.followedBy, .followedBy, .followedBy, .followedBy], within: .max, first + [2, 4] + first)
    #expect(long.visited <= 8 * count)
    #expect(long.complete.count == 0)
  }
}
