import Arrow
import Base
import Expressions
import Testing
import VolleyPlan

struct UserFunctionTests {
  let numbers = Column.of(.int64, ints(1, nil, 3, 4, nil), junk: 3)
  let others = Column.of(.int64, ints(10, 20, nil, 40, nil), junk: 2)

  @Test("a function that does not accept nulls sees the rows without any, and the others are null")
  func nulls() throws {
    let functions = RecordingFunctions { _, arguments, _ in
      #expect(arguments.allSatisfy { $0.nullCount == 0 })
      return Column.of(.int64, zip(arguments[0].rows, arguments[1].rows).map { .int64(Self.int($0) + Self.int($1)) })
    }
    let found = try evaluate(user("sum", a, b), [numbers, others], functions: functions)
    #expect(found.rows == ints(11, nil, nil, 44, nil))
    #expect(functions.events == ["sum 2 rows"])
  }

  private static func int(_ literal: Literal?) -> Int64 { if case .int64(let value) = literal { value } else { -1 } }

  @Test("a result may be null where the arguments are not")
  func nullResults() throws {
    let functions = RecordingFunctions { _, _, _ in Column.of(.utf8, [nil, .utf8("b"), .utf8("c")], junk: 1) }
    let found = try evaluate(user("f", a, result: .utf8), [numbers], functions: functions)
    #expect(found.rows == [nil, nil, .utf8("b"), .utf8("c"), nil])
  }

  @Test("a function that accepts nulls sees every row")
  func acceptsNulls() throws {
    let functions = RecordingFunctions { _, arguments, _ in
      Column.of(.bool, arguments[0].rows.map { .bool($0 == nil) })
    }
    let found = try evaluate(user("missing", a, result: .bool, acceptsNulls: true), [numbers], functions: functions)
    #expect(found.rows == bools(false, true, false, false, true))
    #expect(functions.events == ["missing 5 rows"])
  }

  @Test("without rows to see a function is not called")
  func noRows() throws {
    let functions = RecordingFunctions()
    let empty = Column.of(.int64, [])
    let nulls = Column.of(.int64, ints(nil, nil))
    #expect(try evaluate(user("f", a), [empty], functions: functions).rows == [])
    #expect(try evaluate(user("f", a, acceptsNulls: true), [empty], functions: functions).rows == [])
    #expect(try evaluate(user("f", a), [nulls], functions: functions).rows == [nil, nil])
    #expect(functions.events == [])
  }

  @Test("a function sees the selected rows only, once a batch")
  func selection() throws {
    let functions = RecordingFunctions()
    let found = try evaluate(user("f", a), [numbers], selection: Selection([0, 3]), functions: functions)
    #expect(found.rows == ints(1, 4))
    #expect(functions.events == ["f 2 rows"])
  }

  @Test("a function without arguments is told the number of rows")
  func noArguments() throws {
    let functions = RecordingFunctions { _, _, rowCount in Column.of(.int64, (0..<rowCount).map { .int64(Int64($0)) }) }
    #expect(try evaluate(user("row"), [numbers], functions: functions).rows == ints(0, 1, 2, 3, 4))
  }

  @Test("each place of use has an instance of its own")
  func places() throws {
    let functions = RecordingFunctions()
    _ = try evaluate(call("add", user("f", a), user("f", a)), [numbers], functions: functions)
    #expect(functions.events == ["f 3 rows", "f 3 rows"])
  }

  @Test("arguments are promoted and adapted")
  func promotion() throws {
    let functions = RecordingFunctions { _, arguments, _ in
      #expect(arguments.map(\.type) == [.float64, .float64])
      return arguments[1]
    }
    let found = try evaluate(user("f", a, .int(2), type: .float64), [numbers], functions: functions)
    #expect(found.rows == [.float64(2), nil, .float64(2), .float64(2), nil])
  }

  @Test("in a branch, behind and, or and in a later condition of a predicate it sees the rows that get there")
  func laziness() throws {
    let flags = Column.of(.bool, bools(true, false, nil, true, false))
    let functions = RecordingFunctions { _, arguments, _ in arguments[0] }
    func seen(_ expression: Expression) throws -> [String] {
      functions.events = []
      _ = try evaluate(expression, [numbers, flags], functions: functions)
      return functions.events
    }
    let one = user("f", a, acceptsNulls: true)
    let flag = user("g", b, type: .bool, acceptsNulls: true)
    #expect(try seen(.caseWhen([.init(condition: b, value: one)], otherwise: nil)) == ["f 2 rows"])
    #expect(try seen(.caseWhen([.init(condition: b, value: .int(1))], otherwise: one)) == ["f 3 rows"])
    #expect(
      try seen(
        .caseWhen([.init(condition: b, value: .int(1)), .init(condition: flag, value: .int(2))], otherwise: one))
        == ["g 3 rows", "f 3 rows"])
    #expect(try seen(call("and", b, flag)) == ["g 3 rows"])
    #expect(try seen(call("or", b, flag)) == ["g 3 rows"])
    #expect(try seen(call("and", call("is_null", user("h", a, acceptsNulls: true)), flag)) == ["h 5 rows", "g 2 rows"])
    #expect(try seen(call("and", .bool(false), flag)) == [])

    functions.events = []
    let batch = RecordBatch.of([numbers, flags])
    let predicate = try Predicate(call("and", b, flag), schema: batch.schema, functions: functions)
    let rows = try predicate.select(batch)
    #expect(rows.map { (0..<$0.count).map { row in rows!.rows[row] } } == [0, 3])
    #expect(functions.events == ["g 2 rows"], "a null is not true, so a filter does not go on with it")
  }

  @Test("a result of another type or length is refused by the function's name")
  func wrongResults() throws {
    let wrongType = RecordingFunctions { _, arguments, _ in Column.of(.int32, arguments[0].rows.map { _ in .int32(1) })
    }
    #expect(
      message { _ = try evaluate(user("tax", a), [numbers], functions: wrongType) }
        == "the function 'tax' gave int32 and is declared to give int64; correct its declaration or its code")
    let wrongLength = RecordingFunctions { _, _, _ in Column.of(.int64, ints(1)) }
    #expect(
      message { _ = try evaluate(user("tax", a), [numbers], functions: wrongLength) }
        == "the function 'tax' gave 1 row for 3; it must give one value for each row")
    #expect(
      message { _ = try evaluate(user("tax", a, acceptsNulls: true), [numbers], functions: wrongLength) }
        == "the function 'tax' gave 1 row for 5; it must give one value for each row")
  }

  @Test("what a function throws arrives as it is")
  func failure() throws {
    let functions = RecordingFunctions { (_, _, _) throws(Failure) in throw Failure(.data, "no rate for 'XYZ'") }
    #expect(message { _ = try evaluate(user("rate", a), [numbers], functions: functions) } == "no rate for 'XYZ'")
  }

  @Test("functions are opened in order; when one fails those before it are closed")
  func opening() throws {
    let functions = RecordingFunctions()
    let projection = try BoundProjection(
      [user("f", a), call("negate", user("g", a)), user("h", a)], schema: .lettered([.int64]), functions: functions)
    try projection.open()
    #expect(functions.events == ["open f", "open g", "open h"])
    functions.events = []
    functions.failingOpen = ["g"]
    #expect(message { try projection.open() } == "g cannot open")
    #expect(functions.events == ["open f", "open g", "close f"])
  }

  @Test("every function is closed, and the first failure told")
  func closing() throws {
    let functions = RecordingFunctions()
    functions.failingClose = ["g", "h"]
    let predicate = try Predicate(
      call("less_than", user("f", a), call("add", user("g", a), user("h", a))), schema: .lettered([.int64]),
      functions: functions)
    #expect(message { try predicate.close() } == "g cannot close")
    #expect(functions.events == ["close f", "close g", "close h"])
  }

  @Test("where no functions are allowed they are refused")
  func none() {
    #expect(
      message { _ = try evaluate(user("tax", a), [numbers]) }
        == "the function 'tax' is a plugin's, and none can be called here")
  }
}
