import Arrow
import ArrowTestSupport
import TestSupport
import Testing
import VolleyPlan

@testable import Expressions

/// Every function of every family, and every cast, over columns of every type with values at their limits: nothing
/// traps, and a row has the same value, or fails, however it is computed; see `RowByRow`.
///
/// `VOLLEY_ROW_CASES` calls of each function are made, 12 by default.
struct RowByRowTests {
  private static let cases = TestEnvironment.value("VOLLEY_ROW_CASES").flatMap { Int($0) } ?? 12

  /// How many rows a batch has: seldom enough to leave a word of bits.
  private static func rows(_ generator: inout SeededGenerator) -> Int {
    Int.random(in: 0..<8, using: &generator) == 0 ? 70 : Int.random(in: 5...9, using: &generator)
  }

  @Test("functions give a row what it has alone, and no values trap", arguments: FunctionTable.names)
  func functions(_ name: String) throws {
    var generator = SeededGenerator()
    let arity =
      FunctionTable.definition(name)?.arity ?? (BuiltinFunction(rawValue: name)?.arity).map { $0...$0 } ?? 1...1
    // Their numbers are lengths of texts.
    let tame = ["repeat", "lpad", "rpad"].contains(name)
    let seed = generator
    var bound = 0
    // Some functions take few of the types: until one call has been found, more are tried.
    for attempt in 0..<(Self.cases * 4_000) where bound < (attempt < Self.cases * 400 ? Self.cases : 1) {
      let rows = Self.rows(&generator)
      var columns: [Column] = []
      let count = Int.random(in: arity.lowerBound...min(arity.upperBound, 4), using: &generator)
      let family = AnyArgument.families.randomElement(using: &generator)!
      let hint = AnyArgument.hints[name]
      let arguments = (0..<count).map { index -> Expression in
        if let hint, hint.place == index { return .literal(.utf8(hint.texts.randomElement(using: &generator)!)) }
        return AnyArgument.argument(of: family, tame: tame, &columns, rows: rows, &generator)
      }
      guard let call = RowByRow(.call(name, arguments), columns, rows: rows, seed) else { continue }
      call.check(&generator)
      bound += 1
    }
    #expect(bound > 0, "\(seed): no arguments for \(name) were found")
  }

  @Test("casts give a row what it has alone, and no values trap", arguments: AnyArgument.types.indices)
  func casts(_ index: Int) throws {
    var generator = SeededGenerator()
    let seed = generator
    let source = AnyArgument.types[index]
    for target in AnyArgument.types {
      let values = (0..<Self.rows(&generator)).map { _ in
        Int.random(in: 0..<6, using: &generator) == 0
          ? Literal.null(source) : AnyArgument.value(source, tame: false, &generator)
      }
      let columns = [RandomColumns.column(source, values, offset: source == .null ? 0 : 3)]
      guard let cast = RowByRow(.cast(.column("a"), target), columns, rows: values.count, seed) else { continue }
      cast.check(&generator)
      let tried = try evaluate(.tryCast(.column("a"), target), columns)
      for row in 0..<values.count {
        let alone = try? evaluate(.cast(.column("a"), target), [columns[0].slice(row..<(row + 1))])
        #expect(
          tried.slice(row..<(row + 1)) == alone ?? Column.nulls(target, count: 1), "\(seed): \(source) to \(target)")
      }
    }
  }
}
