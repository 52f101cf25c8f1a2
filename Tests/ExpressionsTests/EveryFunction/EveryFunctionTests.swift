import TestSupport
import Testing

@testable import Expressions

/// Every function of the table is compared with a peer over at least 1,000 random rows that have a value, counted as they
/// are compared.
@Suite("every function", .serialized)
struct EveryFunctionTests {
  static let comparisons = Dictionary(
    grouping: numbers() + rounding() + choices() + strings() + times(), by: \.name)

  @Test("gives its peer's values in 1,000 random rows and more", arguments: FunctionTable.names)
  func everyFunction(_ name: String) throws {
    let comparisons = Self.comparisons[name] ?? []
    #expect(!comparisons.isEmpty, "no comparison of \(name) is listed")
    var counts: [String] = []
    for comparison in comparisons {
      #expect("\(comparison.expression)".contains("\"\(name)\""), "a comparison of \(name) does not call it")
      var generator = SeededGenerator()
      let count = try comparison.run(rows: 1000, &generator)
      #expect(
        count.values >= 1000, "\(generator): \(name) has \(count.values) values to compare over \(comparison.arguments)"
      )
      counts.append("\(count.values) values, \(count.nulls) nulls, \(count.stops) stops")
    }
    print("\(name): \(counts.joined(separator: "; "))")
  }

  @Test("no comparison is of a function that there is not")
  func known() {
    #expect(Set(Self.comparisons.keys).subtracting(FunctionTable.names) == [])
  }
}
