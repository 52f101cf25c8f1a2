import Arrow
import Base
import Testing
import VolleyPlan

@testable import Expressions

/// Types are known, and mistakes told, before anything runs.
struct TypingTests {
  let schema = Schema([
    Field("user_id", .int64, nullable: false), Field("amount", .float64), Field("small", .int32, nullable: false),
    Field("name", .utf8), Field("active", .bool), Field("ts", .timestamp), Field("ms", .timestamp(.millisecond)),
    Field("utc", .timestamp(.second, timezone: "UTC")), Field("berlin", .timestamp(.second, timezone: "Europe/Berlin")),
  ])

  func type(_ expression: Expression) throws -> String {
    let resolved = try expression.resolvedType(in: schema)
    return "\(resolved.type)\(resolved.nullable ? "?" : "")"
  }

  func refusal(_ expression: Expression) -> String? {
    do throws(Failure) {
      _ = try expression.resolvedType(in: schema)
      return nil
    } catch {
      return error.kind == .usage ? error.message : "wrong kind: \(error.kind)"
    }
  }

  func column(_ name: String) -> Expression { .column(name) }

  @Test(
    "arithmetic promotes to the wider type, and is null where a side may be",
    arguments: ["add", "subtract", "multiply", "divide", "modulo"])
  func arithmetic(_ function: String) throws {
    func of(_ left: Expression, _ right: Expression) throws -> String { try type(.call(function, [left, right])) }
    #expect(try of(column("small"), column("small")) == "int32")
    #expect(try of(column("small"), column("user_id")) == "int64")
    #expect(try of(column("user_id"), column("small")) == "int64")
    #expect(try of(column("user_id"), column("amount")) == "float64?")
    #expect(try of(column("amount"), column("small")) == "float64?")
    #expect(try of(column("small"), .float(1)) == "float64")
  }

  @Test("integer literals take the other side's type when it holds them")
  func literals() throws {
    #expect(try type(call("add", column("small"), .int(1))) == "int32")
    #expect(try type(call("add", .int(-1), column("small"))) == "int32")
    #expect(try type(call("add", column("small"), call("negate", .int(5)))) == "int32")
    #expect(try type(call("add", column("small"), .int(1 << 40))) == "int64")
    #expect(try type(call("add", .int(1), .value(.int32(1)))) == "int64")
    #expect(try type(call("add", column("amount"), .int(1))) == "float64?")
    #expect(try type(call("multiply", .value(.int32(2)), column("user_id"))) == "int64")
    #expect(
      try type(.caseWhen([.init(condition: column("active"), value: .int(1))], otherwise: column("small"))) == "int32")
    #expect(
      try type(.caseWhen([.init(condition: column("active"), value: .int(1))], otherwise: .float(2))) == "float64")
  }

  @Test("comparisons and logic give bool")
  func bools() throws {
    #expect(try type(call("less_than", column("small"), column("user_id"))) == "bool")
    #expect(try type(call("equal", column("name"), .text("x"))) == "bool?")
    #expect(try type(call("equal", column("active"), .bool(true))) == "bool?")
    #expect(try type(call("greater_than", column("ts"), column("ms"))) == "bool?")
    #expect(try type(call("greater_than", column("utc"), column("berlin"))) == "bool?")
    #expect(try type(call("and", column("active"), .bool(true))) == "bool?")
    #expect(try type(call("not", call("is_null", column("name")))) == "bool")
    #expect(try type(call("is_not_null", column("amount"))) == "bool")
  }

  @Test("a case is of its values' common type, and null unless everything is given")
  func cases() throws {
    let branch = Expression.Branch(condition: column("active"), value: column("small"))
    #expect(try type(.caseWhen([branch], otherwise: nil)) == "int32?")
    #expect(try type(.caseWhen([branch], otherwise: column("user_id"))) == "int64")
    #expect(try type(.caseWhen([branch, branch], otherwise: column("amount"))) == "float64?")
    #expect(
      try type(.caseWhen([.init(condition: column("active"), value: column("ts"))], otherwise: column("ms")))
        == "timestamp[us]?")
  }

  @Test("casts have the type asked for")
  func casts() throws {
    #expect(try type(.cast(column("small"), .utf8)) == "utf8")
    #expect(try type(.cast(column("name"), .timestamp)) == "timestamp[us]?")
    #expect(try type(.cast(column("utc"), .timestamp(.nanosecond))) == "timestamp[ns]?")
    #expect(try type(.cast(column("ts"), .int64)) == "int64?")
  }

  @Test("a user function's arguments are promoted to its parameters")
  func userFunctions() throws {
    func function(_ arguments: [Expression]) -> Expression {
      .userFunction(
        .init(
          function: "tax", arguments: arguments, parameterTypes: [.float64, .int32], resultType: .float64,
          acceptsNulls: false))
    }
    #expect(try type(function([column("small"), .int(3)])) == "float64?")
    #expect(
      refusal(function([column("amount")]))
        == "the function 'tax' takes 2 arguments, found 1; it takes (float64, int32)")
    #expect(
      refusal(function([column("amount"), column("user_id")]))
        == "the function 'tax' takes int32 as argument 2, found int64; cast it to int32")
    #expect(
      refusal(function([column("name"), column("small")]))
        == "the function 'tax' takes float64 as argument 1, found utf8; cast it to float64")
  }

  @Test("an unknown column is answered with those that exist, the nearest first")
  func unknownColumn() {
    #expect(
      refusal(column("amuont"))
        == "there is no column 'amuont'; the input has "
        + "'amount', 'small', 'name', 'active', 'ms', 'utc', 'ts', 'berlin', 'user_id'"
    )
    let many = Schema((0..<30).map { Field("c\($0)", .int64) })
    let text = message { _ = try Expression.column("c07").resolvedType(in: many) }
    #expect(
      text
        == "there is no column 'c07'; the input has "
        + "'c0', 'c7', 'c17', 'c27', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c8', 'c9' and 18 more"
    )
    let none = message { _ = try Expression.column("x").resolvedType(in: Schema([])) }
    #expect(none == "there is no column 'x': the input has no columns")
  }

  @Test("an unknown function is answered with those that exist, the nearest first")
  func unknownFunction() {
    // There are too many to name all.
    let more = FunctionTable.names.count - 24
    #expect(
      refusal(call("substract", column("small"), .int(1)))
        == "there is no function 'substract'; there are 'subtract', 'substring', 'extract', 'try_subtract', 'bit_and', "
        + "'bit_not', 'json_extract', 'split_part', 'sqrt', 'multiply', 'less_than', 'abs', 'atan', 'atan2', 'between', "
        + "'bit_or', 'bit_xor', 'concat', 'greatest', 'initcap', 'is_nan', 'least', 'ltrim', 'repeat' and \(more) more")
    for function in BuiltinFunction.allCases {
      #expect(refusal(call("\(function.rawValue)x", column("small")))?.contains(" '\(function.rawValue)'") == true)
    }
  }

  @Test("the functions' names are the plan's")
  func names() {
    #expect(
      BuiltinFunction.allCases.map(\.rawValue) == [
        "add", "subtract", "multiply", "divide", "modulo", "negate", "equal", "not_equal", "less_than",
        "less_than_or_equal", "greater_than", "greater_than_or_equal", "and", "or", "not", "is_null", "is_not_null",
      ])
  }

  @Test("types that do not fit are refused in one sentence")
  func wrongTypes() {
    #expect(
      refusal(call("add", column("name"), column("user_id")))
        == "add: utf8 and int64 cannot be added; arithmetic takes numbers; cast the other types first")
    #expect(
      refusal(call("subtract", column("ts"), column("utc")))
        == "subtract: timestamp[us] and timestamp[s, UTC] cannot be subtracted; a time takes a duration or an interval, "
        + "or another time of its type; date_add adds other units")
    #expect(
      refusal(call("negate", column("active")))
        == "negate: bool cannot be negated; arithmetic takes numbers; cast it first")
    #expect(
      refusal(call("less_than", column("name"), .int(3)))
        == "less_than: utf8 and int64 cannot be compared; cast one to the type of the other")
    #expect(
      refusal(call("equal", column("ts"), column("utc")))
        == "equal: timestamp[us] and timestamp[s, UTC] cannot be compared; cast one to the type of the other")
    #expect(
      refusal(call("and", column("active"), column("small")))
        == "and: takes bool, found int32; compare it with something first")
    #expect(refusal(call("not", .int(1))) == "not: takes bool, found int64; compare it with something first")
    #expect(refusal(call("add", column("small"))) == "add: takes 2 arguments, found 1")
    #expect(refusal(call("is_null")) == "is_null: takes 1 argument, found 0")
    #expect(
      refusal(.caseWhen([], otherwise: .int(1)))
        == "case: there is no branch; give at least one condition with its value")
    #expect(
      refusal(.caseWhen([.init(condition: column("small"), value: .int(1))], otherwise: nil))
        == "case: a condition is int32 and must be bool; compare it with something")
    #expect(
      refusal(.caseWhen([.init(condition: column("active"), value: .int(1))], otherwise: column("name")))
        == "case: the values are int64, utf8, which have no common type; cast them to one type")
  }

  @Test("casts without a meaning are refused with what to do instead")
  func refusedCasts() {
    #expect(
      refusal(.cast(column("ts"), .float64))
        == "cast: timestamp[us] cannot be cast to float64: a point in time is a count of units as int64; "
        + "cast to int64 first"
    )
    #expect(
      refusal(.cast(column("amount"), .timestamp))
        == "cast: float64 cannot be cast to timestamp[us]: a timestamp is a whole count of units; cast to int64 first")
    #expect(
      refusal(.cast(column("active"), .timestamp))
        == "cast: bool cannot be cast to timestamp[us]: there is no meaning to it; compare with a timestamp instead")
    #expect(
      refusal(.cast(column("berlin"), .timestamp))
        == "cast: timestamp[s, Europe/Berlin] cannot be cast to timestamp[us]: "
        + "call local_time for what the clocks of Europe/Berlin show, or cast by way of a timestamp in UTC")
  }

  @Test("a predicate is a bool")
  func predicate() {
    let text = message { _ = try Predicate(column("small"), schema: schema, functions: NoScalarFunctions()) }
    #expect(text == "a condition is int32 and must be bool; compare it with something")
  }

  @Test("an expression that is nested too deeply is refused")
  func depth() {
    var deep = column("small")
    for _ in 0..<256 { deep = call("negate", deep) }
    #expect(
      refusal(deep) == "an expression is nested more than 256 levels deep; compute parts of it in an earlier step")
  }

  @Test("aggregates are typed, and mistakes told")
  func aggregates() throws {
    func of(_ function: String, _ argument: String?) throws -> String {
      let call = Plan.AggregateCall(function: function, argument: argument.map { .column($0) }, name: "x")
      let resolved = try call.resolvedType(in: schema)
      return "\(resolved.type)\(resolved.nullable ? "?" : "")"
    }
    #expect(try of("count", nil) == "int64")
    #expect(try of("count", "amount") == "int64")
    #expect(try of("sum", "small") == "int64")
    #expect(try of("sum", "amount") == "float64?")
    #expect(try of("min", "name") == "utf8?")
    #expect(try of("max", "utc") == "timestamp[s, UTC]?")
    #expect(try of("avg", "user_id") == "float64")
    #expect(
      message { _ = try of("summ", "small") }
        == "there is no aggregate 'summ'; there are 'sum', 'count', 'min', 'max', 'avg', 'last', 'first', 'arg_min', "
        + "'arg_max', 'var_samp', 'var_pop', 'bool_or' and 7 more")
    #expect(
      message { _ = try of("sum", "name") }
        == "sum: the argument is utf8, and sum takes numbers and durations; cast it first")
    #expect(
      message { _ = try of("avg", "ts") }
        == "avg: the argument is timestamp[us], and avg takes numbers and durations; cast it first")
    #expect(
      message { _ = try of("min", nil) }
        == "min: takes an argument; only count may go without, and then counts rows")
  }
}
