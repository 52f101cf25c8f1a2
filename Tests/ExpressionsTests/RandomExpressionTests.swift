import Arrow
import Base
import Expressions
import TestSupport
import Testing
import VolleyPlan

/// Random expressions over random batches mean what the row-by-row reference says: the same values, or a failure
/// exactly when some row has no value.
struct RandomExpressionTests {
  /// a, b: int64; c: int32; d: float64; e, f: bool; g: utf8; h: timestamp.
  static let types: [DataType] = [.int64, .int64, .int32, .float64, .bool, .bool, .utf8, .timestamp]

  @Test("random expressions agree with the reference", arguments: 0..<8)
  func agree(_ round: Int) throws {
    var generator = SeededGenerator()
    var failures = 0
    var successes = 0
    for _ in 0..<150 {
      let rows = Int.random(in: 0...200, using: &generator)
      // Some rounds have only tame values, so that deep expressions have results.
      let wild = Bool.random(using: &generator)
      let data = Self.types.map { type in
        (0..<rows).map { _ in Self.value(type, wild: wild, &generator) }
      }
      let columns = zip(Self.types, data).map {
        Column.of($0, $1, junk: Int.random(in: 0...70, using: &generator))
      }
      let selection =
        Bool.random(using: &generator)
        ? Selection((0..<rows).filter { _ in Int.random(in: 0..<3, using: &generator) > 0 }) : nil
      let counted = selection.map { rows in (0..<rows.count).map { Int(rows.rows[$0]) } } ?? Array(0..<rows)
      let expressions = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
        Self.expression(Self.types.randomElement(using: &generator)!, depth: 4, &generator)
      }
      let batch = RecordBatch.of(columns, length: rows, selection: selection)
      let wanted = Result {
        try expressions.map { expression in
          try counted.map { row in try Reference(row: data.map { $0[row] }).value(expression) }
        }
      }
      let projection = try BoundProjection(expressions, schema: batch.schema, functions: NoScalarFunctions())
      let found = Result { try projection.evaluate(batch) }
      switch (wanted, found) {
      case (.success(let wanted), .success(let found)):
        successes += 1
        for (index, (column, values)) in zip(found, wanted).enumerated() {
          #expect(column.type == projection.types[index].type)
          #expect(same(column.rows, values), "\(generator): \(expressions[index])")
          if !projection.types[index].nullable { #expect(column.nullCount == 0, "\(generator)") }
        }
      case (.failure, .failure): failures += 1
      case (.success, .failure(let failure)): Issue.record("\(generator): \(failure) in \(expressions)")
      case (.failure, .success): Issue.record("\(generator): no failure in \(expressions)")
      }
    }
    #expect(successes > 20 && failures > 5, "\(generator): \(successes) successes, \(failures) failures")
  }

  @Test("random predicates keep the rows that are true", arguments: 0..<8)
  func predicates(_ round: Int) throws {
    var generator = SeededGenerator()
    for _ in 0..<150 {
      let rows = Int.random(in: 0...300, using: &generator)
      let data = Self.types.map { type in (0..<rows).map { _ in Self.value(type, wild: false, &generator) } }
      let columns = zip(Self.types, data).map { Column.of($0, $1, junk: Int.random(in: 0...70, using: &generator)) }
      let selection =
        Bool.random(using: &generator)
        ? Selection((0..<rows).filter { _ in Bool.random(using: &generator) }) : nil
      let counted = selection.map { rows in (0..<rows.count).map { Int(rows.rows[$0]) } } ?? Array(0..<rows)
      var condition = Self.expression(.bool, depth: 3, &generator)
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        condition = call("and", condition, Self.expression(.bool, depth: 2, &generator))
      }
      let batch = RecordBatch.of(columns, length: rows, selection: selection)
      let wanted = Result {
        try counted.filter { row in try Self.isTrue(condition, data.map { $0[row] }) }
      }
      let found = Result {
        try Predicate(condition, schema: batch.schema, functions: NoScalarFunctions()).select(batch)
      }
      switch (wanted, found) {
      case (.success(let wanted), .success(let found)):
        let kept = found.map { rows in (0..<rows.count).map { Int(rows.rows[$0]) } } ?? Array(0..<rows)
        #expect(kept == wanted, "\(generator): \(condition)")
      case (.failure, .failure): break
      case (.success, .failure(let failure)): Issue.record("\(generator): \(failure) in \(condition)")
      case (.failure, .success): Issue.record("\(generator): no failure in \(condition)")
      }
    }
  }

  /// As the reference, but a conjunction ends at the first side that is not true.
  private static func isTrue(_ condition: Expression, _ row: [Literal?]) throws -> Bool {
    if case .call("and", let sides) = condition { return try isTrue(sides[0], row) && isTrue(sides[1], row) }
    return try Reference(row: row).value(condition) == .bool(true)
  }

  private static func value(_ type: DataType, wild: Bool, _ generator: inout SeededGenerator) -> Literal? {
    if Int.random(in: 0..<8, using: &generator) == 0 { return nil }
    if wild { return SmallCases.values(type).randomElement(using: &generator)! }
    switch type {
    case .bool: return .bool(.random(using: &generator))
    case .int32: return .int32(.random(in: -5...5, using: &generator))
    case .int64: return .int64(.random(in: -5...5, using: &generator))
    case .float64: return .float64(Double(Int.random(in: -8...8, using: &generator)) / 4)
    case .utf8: return .utf8(["", "a", "ab", "b"].randomElement(using: &generator)!)
    case .timestamp(let unit, let zone): return .timestamp(.random(in: -3...3, using: &generator), unit, timezone: zone)
    default: preconditionFailure("no expression of \(type) is made here")
    }
  }

  private static func expression(_ type: DataType, depth: Int, _ generator: inout SeededGenerator) -> Expression {
    if depth == 0 || Int.random(in: 0..<6, using: &generator) == 0 { return leaf(type, &generator) }
    if Int.random(in: 0..<5, using: &generator) == 0 {
      let branches = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
        Expression.Branch(
          condition: expression(.bool, depth: depth - 1, &generator),
          value: expression(type, depth: depth - 1, &generator))
      }
      return .caseWhen(
        branches, otherwise: Bool.random(using: &generator) ? expression(type, depth: depth - 1, &generator) : nil)
    }
    switch type {
    case .int32, .int64, .float64:
      if Int.random(in: 0..<6, using: &generator) == 0 {
        return call("negate", expression(type, depth: depth - 1, &generator))
      }
      return call(
        SmallCases.arithmetic.randomElement(using: &generator)!, expression(type, depth: depth - 1, &generator),
        expression(type, depth: depth - 1, &generator))
    case .bool: return condition(depth: depth - 1, &generator)
    default: return leaf(type, &generator)
    }
  }

  private static func condition(depth: Int, _ generator: inout SeededGenerator) -> Expression {
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: return call("not", expression(.bool, depth: depth, &generator))
    case 1: return call("is_null", expression(types.randomElement(using: &generator)!, depth: depth, &generator))
    case 2:
      return call("and", expression(.bool, depth: depth, &generator), expression(.bool, depth: depth, &generator))
    case 3:
      return call("or", expression(.bool, depth: depth, &generator), expression(.bool, depth: depth, &generator))
    default:
      let type = types.randomElement(using: &generator)!
      return call(
        SmallCases.comparisons.randomElement(using: &generator)!, expression(type, depth: depth, &generator),
        expression(type, depth: depth, &generator))
    }
  }

  private static func leaf(_ type: DataType, _ generator: inout SeededGenerator) -> Expression {
    let names = types.enumerated().filter { $0.element == type }.map { letter($0.offset) }
    if Int.random(in: 0..<3, using: &generator) > 0 { return .column(names.randomElement(using: &generator)!) }
    return .literal(value(type, wild: false, &generator) ?? .null(type))
  }
}
