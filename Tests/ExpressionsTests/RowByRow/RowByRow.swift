import Arrow
import ArrowTestSupport
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Expressions

/// Compares what an expression gives for a whole batch with what it gives for each of its rows alone, for rows picked by a
/// selection, for the rows that a case lets through, and with constants in place of columns.
struct RowByRow {
  let expression: Expression
  let columns: [Column]
  let rows: Int
  /// As it was before the case, so that its seed makes the case again.
  let seed: SeededGenerator
  private let bound: BoundExpression
  private let whole: Result<Column, Failure>
  private let alone: [Result<Column, Failure>]

  /// Nil when the expression is refused for columns of these types.
  init?(_ expression: Expression, _ columns: [Column], rows: Int, _ seed: SeededGenerator) {
    let schema = Schema.lettered(columns.map(\.type))
    guard let bound = try? BoundExpression(expression, schema: schema, functions: NoScalarFunctions()) else {
      return nil
    }
    (self.expression, self.columns, self.rows, self.seed, self.bound) = (expression, columns, rows, seed, bound)
    whole = Self.result { () throws(Failure) in try bound.evaluate(.of(columns, length: rows)) }
    alone = (0..<rows).map { row in
      let slices = columns.map { $0.slice(row..<(row + 1)) }
      return Self.result { () throws(Failure) in try bound.evaluate(.of(slices, length: 1)) }
    }
  }

  private static func result(_ body: () throws(Failure) -> Column) -> Result<Column, Failure> {
    do { return .success(try body()) } catch { return .failure(error) }
  }

  func check(_ generator: inout SeededGenerator) {
    checkWhole()
    checkSelected(&generator)
    checkCase(&generator)
    for row in 0..<min(rows, 3) {
      // Each column in turn, and all of them.
      for index in columns.indices { checkConstants(row) { $0 == index } }
      checkConstants(row) { _ in true }
    }
  }

  private func place(_ row: Int) -> Comment {
    "\(seed): \(expression), row \(row) of \(columns.map { "\($0.type) \($0.text(at: row))" })"
  }

  private func checkWhole() {
    var failures = 0
    for row in 0..<rows {
      guard case .success(let alone) = alone[row] else {
        failures += 1
        continue
      }
      #expect(alone.type == bound.type && alone.length == 1, place(row))
      if !bound.nullable { #expect(alone.nullCount == 0, place(row)) }
      if case .success(let whole) = whole { expectSame(whole.slice(row..<(row + 1)), alone, row, "in the batch") }
    }
    switch whole {
    case .success: #expect(failures == 0, "\(seed): \(expression) fails for \(failures) rows alone")
    case .failure(let failure):
      #expect(failures > 0, "\(seed): \(expression) fails for no row alone: \(failure)")
      #expect(failure.kind == .data, "\(seed): \(failure)")
    }
  }

  private func checkSelected(_ generator: inout SeededGenerator) {
    let picked = (0..<rows).filter { _ in Bool.random(using: &generator) }
    guard picked.allSatisfy({ isSuccess($0) }) else { return }
    let batch = RecordBatch.of(columns, length: rows, selection: Selection(picked))
    expect(Self.result { () throws(Failure) in try bound.evaluate(batch) }, picked, "selected")
  }

  /// Rows that fail are none of those for which the case wants the value.
  private func checkCase(_ generator: inout SeededGenerator) {
    let wanted = (0..<rows).map { isSuccess($0) && Int.random(in: 0..<4, using: &generator) > 0 }
    let columns = columns + [Column.of(.bool, wanted.map { .bool($0) })]
    let guarded = Expression.caseWhen(
      [Expression.Branch(condition: .column(letter(columns.count - 1)), value: expression)], otherwise: nil)
    let result = Self.result { () throws(Failure) in
      let schema = Schema.lettered(columns.map(\.type))
      return try BoundExpression(guarded, schema: schema, functions: NoScalarFunctions())
        .evaluate(.of(columns, length: rows))
    }
    guard case .success(let column) = result else {
      Issue.record("\(seed): \(guarded): \(result), and no row that it wants fails")
      return
    }
    for row in 0..<rows {
      guard wanted[row], case .success(let alone) = alone[row] else {
        #expect(!column.isValid(row), place(row))
        continue
      }
      // Values of a case are plain.
      guard column.type == alone.type else { continue }
      expectSame(column.slice(row..<(row + 1)), alone, row, "in a case")
    }
  }

  private func isSuccess(_ row: Int) -> Bool { if case .success = alone[row] { true } else { false } }

  private func expect(_ result: Result<Column, Failure>, _ rows: [Int], _ what: String) {
    guard case .success(let column) = result, column.length == rows.count else {
      Issue.record("\(seed): \(expression) \(what): \(result)")
      return
    }
    for (index, row) in rows.enumerated() {
      guard case .success(let alone) = alone[row] else { continue }
      expectSame(column.slice(index..<(index + 1)), alone, row, what)
    }
  }

  private func expectSame(_ found: Column, _ alone: Column, _ row: Int, _ what: String) {
    #expect(found == alone, "\(place(row)): \(found.text(at: 0)) \(what), \(alone.text(at: 0)) alone")
  }

  /// The row alone with constants for the columns that `isReplaced` names.
  private func checkConstants(_ row: Int, _ isReplaced: (Int) -> Bool) {
    guard let constant = replacing(expression, row, isReplaced),
      let folded = try? BoundExpression(
        constant, schema: Schema.lettered(columns.map(\.type)), functions: NoScalarFunctions()),
      // Constants adapt to the types beside them, so that only results of the same type are the same.
      folded.type == bound.type
    else { return }
    let batch = RecordBatch.of(columns.map { $0.slice(row..<(row + 1)) }, length: 1)
    let result = Self.result { () throws(Failure) in try folded.evaluate(batch) }
    switch (alone[row], result) {
    case (.success(let alone), .success(let result)): expectSame(result, alone, row, "as \(constant)")
    case (.failure, .failure): break
    default: Issue.record("\(place(row)): \(alone[row]) alone, \(result) as \(constant)")
    }
  }

  /// Nil where a value has no constant.
  private func replacing(_ expression: Expression, _ row: Int, _ isReplaced: (Int) -> Bool) -> Expression? {
    switch expression {
    case .column(let name):
      guard let index = name.utf8.first.map({ Int($0) - 97 }), isReplaced(index) else { return expression }
      if case .dictionary = columns[index].type { return nil }
      return .literal(columns[index].literal(at: row))
    case .call(let name, let arguments):
      let values = arguments.compactMap { replacing($0, row, isReplaced) }
      return values.count == arguments.count ? .call(name, values) : nil
    case .cast(let argument, let type): return replacing(argument, row, isReplaced).map { .cast($0, type) }
    default: return expression
    }
  }
}
