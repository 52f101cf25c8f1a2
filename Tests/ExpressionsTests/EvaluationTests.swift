import Arrow
import Base
import Expressions
import Testing
import VolleyPlan

/// What is computed for which rows, and how often.
struct EvaluationTests {
  let numbers = Column.of(.int64, ints(1, 2, nil, 4, 5, 6), junk: 2)
  let divisors = Column.of(.int64, ints(1, 0, 0, 2, nil, 0), junk: 1)

  private func project(
    _ expressions: [Expression], selection: Selection? = nil
  ) throws -> [Column] {
    let batch = RecordBatch.of([numbers, divisors], selection: selection)
    return try BoundProjection(expressions, schema: batch.schema, functions: NoScalarFunctions()).evaluate(batch)
  }

  @Test("a column is not copied, and a selected one is gathered once")
  func columns() throws {
    let whole = try project([a, b])
    #expect(whole[0].buffers[0] === numbers.buffers[0])
    #expect(whole[0].offset == 2)
    let selected = try project([a, call("add", a, .int(1)), a], selection: Selection([0, 5]))
    #expect(selected[0].rows == ints(1, 6))
    #expect(selected[1].rows == ints(2, 7))
    #expect(selected[0].buffers[0] === selected[2].buffers[0])
  }

  @Test("equal subexpressions are computed once")
  func shared() throws {
    let sum = call("add", a, b)
    let columns = try project([sum, call("add", a, b), call("multiply", sum, .int(2))])
    #expect(columns[0].buffers[0] === columns[1].buffers[0])
    #expect(columns[2].rows == ints(4, 4, nil, 12, nil, 12))
  }

  @Test("0.0 and -0.0, and numbers of different types, are different constants")
  func constants() throws {
    let float = Column.of(.float64, [.float64(1)])
    let batch = RecordBatch.of([float])
    let projection = try BoundProjection(
      [call("divide", a, .float(0.0)), call("divide", a, .float(-0.0)), .int(1), .value(.int32(1)), .float(.nan)],
      schema: batch.schema, functions: NoScalarFunctions())
    let found = try projection.evaluate(batch).map { $0.rows[0] }
    #expect(found.prefix(4) == [.float64(.infinity), .float64(-.infinity), .int64(1), .int32(1)])
    #expect(same(found[4], .float64(.nan)))
  }

  @Test("a case guards what its branches compute")
  func guards() throws {
    let quotient = call("divide", a, b)
    let isZero = call("equal", b, .int(0))
    #expect(
      message { _ = try project([quotient]) } == BinaryFunctionTests.sentence("divide", .int64, .int64(2), .int64(0)))
    let guarded = Expression.caseWhen([.init(condition: isZero, value: .int(-1))], otherwise: quotient)
    #expect(try project([guarded])[0].rows == ints(1, -1, -1, 2, nil, -1))
    let reversed = Expression.caseWhen([.init(condition: call("not", isZero), value: quotient)], otherwise: nil)
    #expect(try project([reversed])[0].rows == ints(1, nil, nil, 2, nil, nil))
    let nested = Expression.caseWhen(
      [.init(condition: call("greater_than", a, .int(3)), value: guarded)], otherwise: call("negate", guarded))
    #expect(try project([nested])[0].rows == ints(-1, 1, 1, 2, nil, -1))
  }

  @Test("and and or guard their right sides")
  func logic() throws {
    let quotient = call("greater_than", call("divide", a, b), .int(1))
    let isZero = call("equal", b, .int(0))
    #expect(
      try project([call("and", call("not", isZero), quotient)])[0].rows == bools(false, false, false, true, nil, false))
    #expect(try project([call("or", isZero, quotient)])[0].rows == bools(false, true, true, true, nil, true))
    #expect(message { _ = try project([call("and", quotient, call("not", isZero))]) } != nil)
  }

  @Test("what one expression guards another may need for all rows")
  func unguarded() throws {
    let quotient = call("divide", a, b)
    let guarded = Expression.caseWhen(
      [.init(condition: call("equal", b, .int(0)), value: .int(-1))], otherwise: quotient)
    #expect(message { _ = try project([guarded, quotient]) } != nil)
    let rows = Selection([0, 3, 4])
    let columns = try project([guarded, quotient], selection: rows)
    #expect(columns[0].rows == ints(1, 2, nil))
    #expect(columns[1].rows == ints(1, 2, nil))
  }

  @Test("a condition of a case is computed for the rows that are left")
  func laterConditions() throws {
    let quotient = call("greater_than", call("divide", a, b), .int(1))
    let found = try project([
      .caseWhen(
        [
          .init(condition: call("equal", b, .int(0)), value: .text("zero")),
          .init(condition: quotient, value: .text("more")),
        ],
        otherwise: .text("less"))
    ])
    #expect(
      found[0].rows == [.utf8("less"), .utf8("zero"), .utf8("zero"), .utf8("more"), .utf8("less"), .utf8("zero")])
  }

  @Test("expressions over no rows have their type")
  func noRows() throws {
    let columns = try project(
      [
        a, call("divide", .int(1), .int(0)),
        .caseWhen([.init(condition: call("less_than", a, b), value: a)], otherwise: nil),
        call("and", call("less_than", a, b), call("equal", call("divide", a, b), .int(1))), .cast(a, .utf8), .text("x"),
      ],
      selection: Selection([]))
    #expect(columns.map(\.length) == [0, 0, 0, 0, 0, 0])
    #expect(columns.map(\.type) == [.int64, .int64, .int64, .bool, .utf8, .utf8])
  }

  @Test("a predicate says nil for every row, else which rows of the batch")
  func predicate() throws {
    func select(_ condition: Expression, _ selection: Selection? = nil) throws -> [UInt32]? {
      let batch = RecordBatch.of([numbers, divisors], selection: selection)
      let predicate = try Predicate(condition, schema: batch.schema, functions: NoScalarFunctions())
      guard let rows = try predicate.select(batch) else { return nil }
      return (0..<rows.count).map { rows.rows[$0] }
    }
    #expect(try select(.bool(true)) == nil)
    #expect(try select(.bool(false)) == [])
    #expect(try select(.value(.null(.bool))) == [])
    #expect(try select(call("greater_than", a, .int(1))) == [1, 3, 4, 5])
    #expect(try select(call("greater_than", a, .int(1)), Selection([0, 1, 5])) == [1, 5])
    #expect(try select(call("greater_than", a, .int(0)), Selection([0, 1])) == [0, 1])
    let isZero = call("equal", b, .int(0))
    let quotient = call("equal", call("divide", a, b), .int(1))
    #expect(try select(call("and", call("not", isZero), quotient)) == [0])
    #expect(try select(call("and", call("not", isZero), quotient), Selection([0, 1, 2])) == [0])
    #expect(try select(call("and", call("and", call("not", isZero), quotient), call("less_than", a, .int(9)))) == [0])
    #expect(message { _ = try select(call("and", quotient, call("not", isZero))) } != nil)
    let bounded = call("and", quotient, call("less_than", call("divide", a, b), .int(9)))
    #expect(
      try select(call("and", call("not", isZero), bounded)) == [0], "what later conditions share is guarded as well")
  }

  @Test("an expression as deep as is accepted is computed")
  func deep() throws {
    var sum = a
    for _ in 0..<255 { sum = call("add", sum, .int(1)) }
    #expect(try project([sum])[0].rows == ints(256, 257, nil, 259, 260, 261))
    var nested = Expression.int(0)
    for level in 0..<253 {
      nested = .caseWhen(
        [.init(condition: call("equal", a, .int(Int64(level))), value: .int(Int64(-level)))], otherwise: nested)
    }
    #expect(try project([nested])[0].rows == ints(-1, -2, 0, -4, -5, -6))
    var condition = call("equal", a, .int(-1))
    for level in 0..<253 {
      condition = call("or", call("equal", call("divide", .int(12), a), .int(Int64(1000 + level))), condition)
    }
    #expect(try project([condition])[0].rows == bools(false, false, nil, false, false, false))
  }
}
