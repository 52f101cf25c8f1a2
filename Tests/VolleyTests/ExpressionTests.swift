import Testing
import VolleyPlan

@testable import Volley

@Suite("Expressions")
struct ExpressionTests {
  private let a = Expression.column("a")
  private let b = Expression.column("b")

  private func expression(_ expression: ColumnExpression) throws -> Expression {
    let plan = try Built.of { $0.example().select(expression.as("x")).toSink(.blackhole, uid: "out") }.plan
    guard case .select(let select) = plan.nodes[1].operator else { return .column("?") }
    return select.columns[0].expression
  }

  @Test("are calls of the host's functions")
  func operators() throws {
    let pairs: [(ColumnExpression, String)] = [
      (col("a") + col("b"), "add"), (col("a") - col("b"), "subtract"), (col("a") * col("b"), "multiply"),
      (col("a") / col("b"), "divide"), (col("a") % col("b"), "modulo"), (col("a") == col("b"), "equal"),
      (col("a") != col("b"), "not_equal"), (col("a") < col("b"), "less_than"),
      (col("a") <= col("b"), "less_than_or_equal"), (col("a") > col("b"), "greater_than"),
      (col("a") >= col("b"), "greater_than_or_equal"), (col("a") && col("b"), "and"), (col("a") || col("b"), "or"),
    ]
    for (written, name) in pairs { #expect(try expression(written) == .call(name, [a, b])) }
    for (written, name) in [
      (-col("a"), "negate"), (!col("a"), "not"), (col("a").isNull, "is_null"), (col("a").isNotNull, "is_not_null"),
    ] {
      #expect(try expression(written) == .call(name, [a]))
    }
  }

  @Test("have arithmetic that does not stop, and mathematics")
  func mathematics() throws {
    let (x, y) = (col("a"), col("b"))
    let two: [(ColumnExpression, String)] = [
      (x &+ y, "add_wrapping"), (x &- y, "subtract_wrapping"), (x &* y, "multiply_wrapping"), (x.tryAdd(y), "try_add"),
      (x.trySubtract(y), "try_subtract"), (x.tryMultiply(y), "try_multiply"), (x.tryDivide(y), "try_divide"),
      (x.tryModulo(y), "try_modulo"), (x.power(y), "power"), (x.log(base: y), "log"), (x.atan2(y), "atan2"),
      (x.bitAnd(y), "bit_and"), (x.bitOr(y), "bit_or"), (x.bitXor(y), "bit_xor"), (x.shiftLeft(y), "shift_left"),
      (x.shiftRight(y), "shift_right"), (greatest(x, y), "greatest"), (least(x, y), "least"),
    ]
    for (written, name) in two { #expect(try expression(written) == .call(name, [a, b])) }
    let one: [(ColumnExpression, String)] = [
      (x.negateWrapping(), "negate_wrapping"), (x.tryNegate(), "try_negate"), (x.abs(), "abs"), (x.sign(), "sign"),
      (x.ceil(), "ceil"), (x.floor(), "floor"), (x.trunc(), "trunc"), (x.sqrt(), "sqrt"), (x.exp(), "exp"),
      (x.ln(), "ln"), (x.log10(), "log10"), (x.log2(), "log2"), (x.sin(), "sin"), (x.cos(), "cos"), (x.tan(), "tan"),
      (x.asin(), "asin"), (x.acos(), "acos"), (x.atan(), "atan"), (x.degrees(), "degrees"),
      (x.radians(), "radians"), (x.bitNot(), "bit_not"), (x.isNaN, "is_nan"), (x.isFinite, "is_finite"),
      (x.isInfinite, "is_infinite"),
    ]
    for (written, name) in one { #expect(try expression(written) == .call(name, [a])) }
    #expect(try expression(x.round(digits: 2)) == .call("round", [a, .literal(.int64(2))]))
    #expect(try expression(.pi) == .call("pi", []))
  }

  @Test("bind as Swift's operators do")
  func precedence() throws {
    #expect(
      try expression(col("a") + col("b") * 2 > 1 && !(col("a") == col("b")) || col("b").isNull)
        == .call(
          "or",
          [
            .call(
              "and",
              [
                .call(
                  "greater_than",
                  [.call("add", [a, .call("multiply", [b, .literal(.int64(2))])]), .literal(.int64(1))]),
                .call("not", [.call("equal", [a, b])]),
              ]), .call("is_null", [b]),
          ]))
  }

  @Test("take literals of Swift's types")
  func literals() throws {
    #expect(try expression(col("a") == 1) == .call("equal", [a, .literal(.int64(1))]))
    #expect(try expression(col("a") == 1.5) == .call("equal", [a, .literal(.float64(1.5))]))
    #expect(try expression(col("a") == "x") == .call("equal", [a, .literal(.utf8("x"))]))
    #expect(try expression(col("a") == true) == .call("equal", [a, .literal(.bool(true))]))
    #expect(try expression(lit(Int32(1))) == .literal(.int32(1)))
    #expect(try expression(lit(Int64(1))) == .literal(.int64(1)))
    #expect(try expression(lit(1)) == .literal(.int64(1)))
    #expect(try expression(lit(0.5)) == .literal(.float64(0.5)))
    #expect(try expression(lit("s")) == .literal(.utf8("s")))
    #expect(try expression(lit(false)) == .literal(.bool(false)))
    #expect(
      try expression(lit(Timestamp(microseconds: 5))) == .literal(.timestamp(5, .microsecond, timezone: nil)))
    #expect(try expression(null(.utf8)) == .literal(.null(.utf8)))
    #expect(try expression(col("a").cast(to: .utf8)) == .cast(a, .utf8))
  }

  @Test("have branches")
  func branches() throws {
    let one = Expression.Branch(condition: .column("d"), value: .literal(.int64(1)))
    let two = Expression.Branch(condition: .call("is_null", [a]), value: .literal(.int64(2)))
    #expect(try expression(when(col("d"), then: 1).otherwise(col("a"))) == .caseWhen([one], otherwise: a))
    #expect(
      try expression(when(col("d"), then: 1).when(col("a").isNull, then: 2).otherwiseNull())
        == .caseWhen([one, two], otherwise: nil))
  }

  @Test("name aggregates after their columns")
  func aggregates() throws {
    let plan = try Built.of {
      $0.example().keyBy("a")
        .aggregate(
          count(), count(col("b")), sum(col("b")), min(col("b")), max(col("b").as("big")), avg(col("b")).as("mean"),
          uid: "n"
        )
        .toSink(.blackhole, uid: "out")
    }.plan
    guard case .aggregate(let aggregate) = plan.nodes[2].operator else {
      Issue.record("no aggregate")
      return
    }
    #expect(aggregate.aggregates.map(\.name) == ["count", "count_b", "sum_b", "min_b", "max_big", "mean"])
    #expect(aggregate.aggregates.map(\.function) == ["count", "count", "sum", "min", "max", "avg"])
    #expect(aggregate.emission == .perBatch)
  }

  @Test("carry what orders, filters and parameterises an aggregate")
  func aggregateOptions() throws {
    let plan = try Built.of {
      $0.example().keyBy("a")
        .aggregate(
          countDistinct(col("b")), first(col("b")), last(col("b"), by: col("a")).as("newest"),
          first(col("b"), by: col("a")).as("oldest"), last(col("b")), argMin(col("b"), by: col("a")),
          argMax(col("b"), by: col("a") + 1), variance(col("b")), populationVariance(col("b")),
          standardDeviation(col("b")), populationStandardDeviation(col("b")), boolAnd(col("d")), boolOr(col("d")),
          collect(col("b")), approximateCountDistinct(col("b")), approximateQuantile(col("b"), fraction: 0.9),
          count().filter(col("a") > 1), sum(col("b")).filter(col("d")).filter(col("a") > 1).as("some"), uid: "n"
        )
        .toSink(.blackhole, uid: "out")
    }.plan
    guard case .aggregate(let aggregate) = plan.nodes[2].operator else {
      Issue.record("no aggregate")
      return
    }
    let calls = aggregate.aggregates
    #expect(
      calls.map(\.name) == [
        "count_distinct_b", "first_b", "newest", "oldest", "last_b", "arg_min_b", "arg_max_b", "var_samp_b",
        "var_pop_b",
        "stddev_samp_b", "stddev_pop_b", "bool_and_d", "bool_or_d", "collect_b", "approx_count_distinct_b",
        "approx_quantile_b", "count", "some",
      ])
    #expect(
      calls.map(\.function) == [
        "count_distinct", "first", "last", "first", "last", "arg_min", "arg_max", "var_samp", "var_pop", "stddev_samp",
        "stddev_pop", "bool_and", "bool_or", "collect", "approx_count_distinct", "approx_quantile", "count", "sum",
      ])
    let greater = Expression.call("greater_than", [.column("a"), .literal(.int64(1))])
    #expect(calls[1].by == nil)
    #expect(calls[2].by == .column("a"))
    #expect(calls[6].by == .call("add", [.column("a"), .literal(.int64(1))]))
    #expect(calls[15].fraction == 0.9)
    #expect(calls[16].argument == nil && calls[16].filter == greater)
    #expect(calls[17].filter == .call("and", [.column("d"), greater]))
  }
}
