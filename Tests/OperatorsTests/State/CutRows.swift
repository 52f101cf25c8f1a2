import Arrow
import Base
import Expressions
import TestSupport
import VolleyPlan

/// Random rows for operators that are cut, and the aggregates of them.
enum CutRows {
  static let schema = Schema([
    Field("k", .int64), Field("s", .utf8), Field("v", .int64), Field("t", .utf8), Field("x", .float64),
    Field("f", .bool), Field("ts", .timestamp(.microsecond, timezone: nil), nullable: false),
  ])
  /// The columns that keys are made of in tests: a number, a text, both, none.
  static let keys: [[Int]] = [[0], [1], [0, 1], []]

  /// - Parameters:
  ///   - times: of the rows.
  ///   - distinct: how many keys there are about.
  static func batch(
    _ times: ClosedRange<Int64>, distinct: Int = 30, rows: ClosedRange<Int> = 1...60, _ random: inout SeededGenerator
  ) -> RecordBatch {
    let count = Int.random(in: rows, using: &random)
    func column(_ type: DataType, nulls: Bool = true, _ value: (inout SeededGenerator) -> Literal) -> Column {
      let builder = ColumnBuilder(type)
      for _ in 0..<count {
        if nulls, Int.random(in: 0..<8, using: &random) == 0 {
          builder.appendNull()
        } else {
          builder.append(value(&random))
        }
      }
      return builder.finish()
    }
    let columns = [
      column(.int64) { .int64(.random(in: 0..<Int64(distinct), using: &$0) &* 0x9E37_79B9_7F4A_7C1) },
      column(.utf8) {
        let number = Int.random(in: 0..<distinct, using: &$0)
        return .utf8(number == 0 ? "" : String(repeating: "k\u{0}é", count: number % 7) + "\(number)")
      },
      column(.int64) { .int64(.random(in: -9...9, using: &$0)) },
      column(.utf8) { .utf8("text \(Int.random(in: 0..<50, using: &$0))") },
      column(.float64) { .float64(Double(Int.random(in: -99...99, using: &$0)) / 7) },
      column(.bool) { .bool(.random(using: &$0)) },
      column(schema.fields[6].type, nulls: false) {
        .timestamp(.random(in: times, using: &$0), .microsecond, timezone: nil)
      },
    ]
    return RecordBatch(schema: schema, columns: columns, length: count)
  }

  static func call(
    _ function: String, _ argument: Expression?, by: Expression? = nil, filter: Expression? = nil,
    fraction: Double? = nil, name: String? = nil
  ) -> Plan.AggregateCall {
    Plan.AggregateCall(
      function: function, argument: argument, name: name ?? "\(function) \(by == nil ? 0 : 1) \(filter == nil ? 0 : 1)",
      by: by, filter: filter, fraction: fraction)
  }

  /// A few that show whether rows are lost or there twice, and in which order they were added.
  static let few = [
    call("count", nil), call("sum", .column("v")), call("sum", .column("x"), name: "sum of floats"),
    call("max", .column("t")), call("collect", .column("v")),
  ]

  /// All that there are, two of which share their values, with and without a condition, and one of the user's.
  static let all: [Plan.AggregateCall] = {
    let (v, x, t) = (Expression.column("v"), Expression.column("x"), Expression.column("t"))
    let condition = Expression.call("greater_than", [x, .literal(.float64(2))])
    var calls: [Plan.AggregateCall] = []
    for filter in [nil, condition] {
      calls += [
        "count_distinct", "sum", "min", "max", "avg", "first", "last", "var_pop", "stddev_samp", "collect",
        "approx_count_distinct",
      ].map { call($0, v, filter: filter) }
      calls += [
        call("count", nil, filter: filter), call("bool_and", .column("f"), filter: filter),
        call("bool_or", .column("f"), filter: filter),
        call("approx_quantile", x, filter: filter, fraction: 0.5), call("arg_min", t, by: x, filter: filter),
        call("arg_max", t, by: v, filter: filter), call("first", v, by: t, filter: filter),
        call("last", v, by: x, filter: filter),
      ]
    }
    calls += [
      call("sum", x, name: "sum of floats"), call("avg", x, name: "avg of floats"),
      call("var_samp", x, name: "variance of floats"), call("min", t, name: "least text"),
      call("count_distinct", t, name: "texts"), call("collect", t, name: "all texts"),
    ]
    return calls + [userSum]
  }()

  static let userSum = Plan.AggregateCall(
    function: "userSum", argument: nil, name: "user",
    user: Plan.UserAggregate(
      function: "userSum", arguments: [.init(name: "a", type: .float64, expression: .column("x"))],
      accumulator: [Field("sum", .float64), Field("count", .int64)], result: Field("", .float64)))

  /// The columns of their results.
  static func results(_ calls: [Plan.AggregateCall]) throws -> [Field] {
    try calls.map { Field($0.name, try $0.user?.result.type ?? $0.signature(in: schema).result) }
  }
}

/// A user's aggregate: the average of its argument.
struct CutFunctions: ScalarFunctionProvider {
  func makeScalarFunction(_ function: Expression.UserFunction) throws(Failure) -> any ScalarFunction {
    try NoScalarFunctions().makeScalarFunction(function)
  }

  func makeAggregate(_ aggregate: Plan.UserAggregate) throws(Failure) -> any UserAggregate {
    let call = Plan.AggregateCall(function: "avg", argument: .column("x"), name: "")
    return Average(try call.signature(in: CutRows.schema))
  }

  private final class Average: UserAggregate {
    private let signature: AggregateSignature
    init(_ signature: AggregateSignature) { self.signature = signature }
    func open() {}
    func close() {}
    func makeAccumulator() -> any Accumulator { OfField(signature.makeAccumulator()) }
  }

  /// Takes the first field of the struct that a user's aggregate is given.
  private final class OfField: Accumulator {
    private let base: any Accumulator
    init(_ base: any Accumulator) { self.base = base }

    var resultType: DataType { base.resultType }
    var stateTypes: [DataType] { base.stateTypes }
    var slotCount: Int { base.slotCount }
    var byteCount: Int { base.byteCount }
    func grow(to slotCount: Int) throws(Failure) { try base.grow(to: slotCount) }

    private func field(_ input: AggregateInput, _ count: Int) -> AggregateInput {
      AggregateInput(argument: input.argument?.field(0), count: count)
    }
    func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) throws(Failure) {
      try base.update(slots, count: count, field(input, count))
    }
    func updateRunning(
      _ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput
    ) throws(Failure) -> Column { try base.updateRunning(slots, count: count, field(input, count)) }
    func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) throws(Failure) {
      try base.merge(slots, count: count, states: states)
    }
    func results(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> Column {
      try base.results(slots, count: count)
    }
    func states(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> [Column] {
      try base.states(slots, count: count)
    }
    func reset(_ slots: UnsafePointer<UInt32>, count: Int) { base.reset(slots, count: count) }
    func removeAll() { base.removeAll() }
  }
}
