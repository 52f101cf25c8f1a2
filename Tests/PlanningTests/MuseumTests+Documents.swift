import VolleyPlan

extension MuseumTests {
  /// One document an operator kind, and the expressions and types that a plan can hold.
  static let documents: [(name: String, nodes: [Plan.Node])] = [
    ("source-and-sink", [source(1), sink(2, from: 1)]),
    (
      "dead-letters",
      [
        Plan.Node(
          id: 1, uid: "orders", inputs: [],
          operator: .source(
            Plan.Source(
              implementation: .connector(
                Plan.Connector(
                  name: "csv", options: .object([.init("path", .string("orders.csv")), .init("header", .bool(true))]))),
              schema: orderFields, badRecords: .deadLetter(path: "bad.jsonl")))),
        sink(2, from: 1),
      ]
    ),
    (
      "functions",
      [
        Plan.Node(
          id: 1, uid: "numbers", parallelism: 2, inputs: [],
          operator: .source(Plan.Source(implementation: .function("source:numbers"), schema: orderFields))),
        node(2, .sink(Plan.Sink(implementation: .function("sink:report"))), from: 1, uid: "report"),
      ]
    ),
    ("filter", [source(1), node(2, positive, from: 1), sink(3, from: 2)]),
    (
      "select",
      [
        source(1),
        node(
          2,
          .select(
            Plan.Select(columns: [
              NamedExpression("user", .cast(.column("user_id"), .utf8)),
              NamedExpression(
                "size",
                .caseWhen(
                  [
                    .init(
                      condition: .call("greater_than", [.column("amount"), .literal(.float64(100))]),
                      value: .literal(.utf8("big")))
                  ],
                  otherwise: .literal(.utf8("small")))),
              NamedExpression("when", .literal(.timestamp(1_700_000_000_000_000, .microsecond, timezone: "UTC"))),
              NamedExpression("nothing", .literal(.null(.int32))),
              NamedExpression("flag", .call("and", [.literal(.bool(true)), .call("is_not_null", [.column("note")])])),
              NamedExpression("count", .literal(.int64(9_007_199_254_740_993))),
              NamedExpression("small", .literal(.int32(-7))),
            ])), from: 1), sink(3, from: 2),
      ]
    ),
    (
      "extend",
      [
        source(1),
        node(
          2,
          .extend(
            Plan.Select(columns: [
              NamedExpression(
                "tax",
                .userFunction(
                  .init(
                    function: "udf:tax", arguments: [.column("amount"), .literal(.float64(0.2))],
                    parameterTypes: [.float64, .float64], resultType: .float64, acceptsNulls: false)))
            ])), from: 1), sink(3, from: 2),
      ]
    ),
    (
      "batch-function",
      [
        source(1),
        node(
          2,
          .batchFunction(
            Plan.BatchFunction(
              function: "split:2", label: "split", columns: [Field("amount", .float64)],
              outputs: [[Field("x", .int64)], [Field("y", .utf8, nullable: false)]])), from: 1),
        sink(3, from: 2, uid: "left"),
        Plan.Node(
          id: 4, uid: "right", inputs: [Plan.Input(node: 2, output: 1)],
          operator: .sink(Plan.Sink(implementation: .connector(Plan.Connector(name: "blackhole"))))),
      ]
    ),
    (
      "key-by-and-aggregate",
      [
        source(1),
        node(
          2,
          .keyBy(
            Plan.KeyBy(keys: [
              NamedExpression("user_id", .column("user_id")),
              NamedExpression("bucket", .call("modulo", [.column("user_id"), .literal(.int64(10))])),
            ])), from: 1),
        node(
          3,
          .aggregate(
            Plan.Aggregate(
              aggregates: ["count", "sum", "min", "max", "avg"].map {
                Plan.AggregateCall(function: $0, argument: $0 == "count" ? nil : .column("amount"), name: $0)
              }, emission: .perBatch)), from: 2, uid: "totals"),
        sink(4, from: 3),
      ]
    ),
    (
      "aggregate-options",
      [
        source(1), node(2, keyBy("user_id"), from: 1),
        node(
          3,
          .aggregate(
            Plan.Aggregate(
              aggregates: [
                Plan.AggregateCall(
                  function: "count", argument: nil, name: "large",
                  filter: .call("greater_than", [.column("amount"), .literal(.float64(100))])),
                Plan.AggregateCall(
                  function: "arg_max", argument: .column("user_id"), name: "best", by: .column("amount")),
                Plan.AggregateCall(
                  function: "approx_quantile", argument: .column("amount"), name: "median", fraction: 0.5),
                Plan.AggregateCall(function: "count_distinct", argument: .column("amount"), name: "different"),
              ], emission: .perBatch)), from: 2, uid: "totals"),
        sink(4, from: 3),
      ]
    ),
    (
      "aggregate-per-record",
      [
        source(1), node(2, keyBy("user_id"), from: 1),
        node(3, sum("amount", as: "s", emission: .perRecord), from: 2, uid: "totals"), sink(4, from: 3),
      ]
    ),
    (
      "union",
      [
        source(1, uid: "a"), source(2, uid: "b"), node(3, .union(Plan.Union()), from: 1, 2),
        sink(4, from: 3, uid: "all"),
        sink(5, from: 1, uid: "only-a"),
      ]
    ),
  ]
}
