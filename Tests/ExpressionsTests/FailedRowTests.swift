import Arrow
import Base
import Expressions
import TestSupport
import Testing
import VolleyPlan

/// Which row and which expression a failure names.
@Suite("a row without a value")
struct FailedRowTests {
  private func failure(
    _ expressions: [Expression], _ batch: RecordBatch, functions: any ScalarFunctionProvider = NoScalarFunctions()
  ) throws -> String? {
    let projection = try BoundProjection(
      expressions, called: expressions.indices.map { "column '\($0 + 1)'" }, schema: batch.schema, functions: functions)
    return message { _ = try projection.evaluate(batch) }
  }

  private func batch(
    _ columns: [(DataType, [Literal?])], junk: Int = 0, selection: Selection? = nil
  ) -> RecordBatch {
    .of(columns.map { .of($0.0, $0.1, junk: junk) }, selection: selection)
  }

  private let advice = "keep such rows out with a filter or a case"

  /// Quotients of which row 3 has none, and before it a null and a row that is computed.
  private func quotients(junk: Int = 0, selection: Selection? = nil) -> RecordBatch {
    batch(
      [
        (.int64, ints(10, 11, 12, 13, 14, 15)), (.int64, ints(5, nil, 2, 0, 1, 0)),
        (.utf8, ["p", "q", "r", "s", "t", "u"].map { .utf8($0) }),
      ], junk: junk, selection: selection)
  }

  @Test("is named with its column and all its values, in the middle of a batch, a slice or a selection")
  func places() throws {
    let quotient = call("divide", a, b)
    let first =
      "column '1', in the row (a: 13, b: 0, c: 's'): divide: 13 / 0 has no result; \(advice), or divide as float64"
    let last =
      "column '1', in the row (a: 15, b: 0, c: 'u'): divide: 15 / 0 has no result; \(advice), or divide as float64"
    for junk in [0, 3, 70] {
      let whole = quotients(junk: junk)
      #expect(try failure([quotient], whole) == first)
      #expect(try failure([quotient], whole.slice(2..<5)) == first)
      #expect(try failure([quotient], whole.slice(3..<4)) == first)
      #expect(try failure([quotient], whole.slice(4..<6)) == last)
      #expect(try failure([quotient], quotients(junk: junk, selection: Selection([1, 2, 3, 5]))) == first)
      #expect(try failure([quotient], quotients(junk: junk, selection: Selection([0, 2, 4, 5]))) == last)
      #expect(try failure([quotient], quotients(junk: junk, selection: Selection([5]))) == last)
      #expect(try failure([quotient], quotients(junk: junk, selection: Selection([0, 1, 2, 4]))) == nil)
      #expect(try failure([quotient], quotients(junk: junk, selection: Selection([Int]()))) == nil)
    }
  }

  @Test("is the first one of a batch, and the expression is the first that it fails")
  func several() throws {
    let rows = batch([
      (.int64, ints(1, .max, 3, 4)), (.int64, ints(1, 1, 0, 0)), (.utf8, [.utf8("1"), .utf8("2"), .utf8("x"), nil]),
    ])
    let (sum, quotient, number) = (call("add", a, b), call("divide", a, b), Expression.cast(c, .int64))
    func place(_ expressions: Expression...) throws -> String? {
      try failure(expressions, rows).map { String($0.prefix { $0 != ")" }) }
    }
    #expect(try place(a, quotient, sum) == "column '3', in the row (a: 9223372036854775807, b: 1, c: '2'")
    #expect(try place(number, quotient) == "column '1', in the row (a: 3, b: 0, c: 'x'")
    #expect(try place(quotient, number) == "column '1', in the row (a: 3, b: 0, c: 'x'")
    #expect(try place(call("negate", a), c) == nil)
  }

  @Test("is not one that a case or a condition leaves out, although another expression computes it")
  func guarded() throws {
    let quotient = call("divide", a, b)
    let isThirteen = call("equal", a, .int(13))
    let guarded = Expression.caseWhen([.init(condition: isThirteen, value: .int(0))], otherwise: quotient)
    #expect(try failure([guarded], quotients())?.hasPrefix("column '1', in the row (a: 15, b: 0, c: 'u'): ") == true)
    #expect(
      try failure([guarded, quotient], quotients())?.hasPrefix("column '2', in the row (a: 13, b: 0, c: 's'): ") == true
    )
    let rows = quotients()
    for (condition, row) in [
      (
        call("and", call("greater_than", a, .int(13)), call("greater_than", quotient, .int(0))), "(a: 15, b: 0, c: 'u')"
      ),
      (
        call(
          "or", call("equal", b, .int(0)),
          call("greater_than", call("divide", .int(1), call("subtract", a, .int(12))), .int(0))),
        "(a: 12, b: 2, c: 'r')"
      ),
    ] {
      let predicate = try Predicate(
        condition, called: "the condition", schema: rows.schema, functions: NoScalarFunctions())
      #expect(
        message { _ = try predicate.select(rows) }?.hasPrefix("the condition, in the row \(row): divide: ") == true)
    }
  }

  @Test("is named whatever the function")
  func functions() throws {
    let texts: [Literal?] = [.utf8("2024-05-01"), nil, .utf8("May"), .utf8("1")]
    let row = "column '1', in the row (a: 'May', b: 7): "
    let text = batch([(.utf8, texts), (.int64, ints(1, nil, 7, 8))])
    for (expression, end) in [
      (Expression.cast(a, .date32), "cast: 'May' is no date32"),
      (.cast(a, .timestamp), "cast: 'May' is no timestamp[us]"),
      (.cast(.cast(a, .dictionary(of: .utf8)), .date32), "cast: 'May' is no date32"),
      (call("date_parse", a, .text("%Y-%m-%d")), "date_parse: 'May' is not in the format '%Y-%m-%d'"),
    ] {
      #expect(try failure([expression], text)?.hasPrefix(row + end) == true, "\(expression)")
    }
    let list = DataType.list(of: .utf8)
    let lists = batch([
      (list, [.nested([.utf8("1"), .utf8("2")], list), nil, .nested([.utf8("3"), .utf8("three")], list)])
    ])
    #expect(
      try failure([.cast(a, .list(of: .int64))], lists)?.hasPrefix(
        "column '1', in the row (a: ['3', 'three']): cast: 'three' is no int64") == true)
  }

  @Test("is found for a function of the user's, which is called again for some rows")
  func userFunctions() throws {
    let picky = RecordingFunctions { (_, arguments, _) throws(Failure) in
      for row in 0..<arguments[0].length where arguments[0].values(Int64.self)[row] == 12 {
        throw Failure(.data, "no rate for 12")
      }
      return arguments[0]
    }
    #expect(
      try failure([b, user("rate", a)], quotients(), functions: picky)
        == "column '2', in the row (a: 12, b: 2, c: 'r'): no rate for 12")
    let broken = RecordingFunctions { (_, _, _) throws(Failure) in throw Failure(.io, "the line is dead") }
    #expect(try failure([user("rate", a)], quotients(), functions: broken) == "the line is dead")
    #expect(broken.events == ["rate 6 rows"], "what is no row's fault is not tried again")
  }

  @Test("is not named when no row alone fails")
  func together() throws {
    let tired = RecordingFunctions { (_, arguments, count) throws(Failure) in
      if count > 1 { throw Failure(.data, "too many rows") }
      return arguments[0]
    }
    #expect(try failure([user("rate", a)], quotients(), functions: tired) == "column '1': too many rows")
  }

  @Test("is the first that fails alone, in random batches")
  func random() throws {
    var generator = SeededGenerator()
    let expressions = [
      call("divide", a, b), call("add", call("multiply", a, b), c), .cast(call("modulo", c, a), .int32),
    ]
    for _ in 0..<300 {
      let count = Int.random(in: 1...90, using: &generator)
      func numbers(_ odds: Int) -> (DataType, [Literal?]) {
        let values = (0..<count).map { _ -> Literal? in
          switch Int.random(in: 0..<odds, using: &generator) {
          case 0: nil
          case 1: .int64(0)
          case 2: .int64(Bool.random(using: &generator) ? .max : .min)
          default: .int64(Int64.random(in: -99...99, using: &generator))
          }
        }
        return (.int64, values)
      }
      let odds = [5, 40, 400].randomElement(using: &generator) ?? 5
      let kept = (0..<count).filter { _ in Int.random(in: 0..<4, using: &generator) > 0 }
      let rows = batch(
        [numbers(odds), numbers(odds), numbers(odds)], junk: Int.random(in: 0...9, using: &generator),
        selection: Bool.random(using: &generator) ? Selection(kept) : nil)
      // The same row by row.
      var wanted: String?
      for row in rows.selection == nil ? Array(0..<count) : kept where wanted == nil {
        for (index, expression) in expressions.enumerated() where wanted == nil {
          let single = rows.columns.map { $0.slice(row..<(row + 1)) }
          guard let text = message({ _ = try evaluate(expression, single) }) else { continue }
          let values = zip(["a", "b", "c"], single).map { "\($0): \($1.text(at: 0))" }.joined(separator: ", ")
          wanted = "column '\(index + 1)', in the row (\(values)): \(text)"
        }
      }
      #expect(try failure(expressions, rows) == wanted, "\(generator)")
    }
  }
}
