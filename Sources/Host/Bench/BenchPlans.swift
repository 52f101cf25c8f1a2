import VolleyPlan

/// The benchmarks' pipelines, as plans.
enum BenchPlans {
  /// Source, operators, sink in a row, each with the parallelism of the run.
  private static func chain(_ name: String, _ fields: [Field], _ operators: [Plan.Operator], parallelism: Int) -> Plan {
    let ends: [Plan.Operator] = [
      .sink(Plan.Sink(implementation: .connector(Plan.Connector(name: BenchCode.sink))))
    ]
    let source = Plan.Operator.source(
      Plan.Source(implementation: .connector(Plan.Connector(name: BenchCode.source)), schema: fields))
    let all = [source] + operators + ends
    return Plan(
      name: name,
      nodes: all.enumerated().map { index, operation in
        Plan.Node(
          id: index, uid: "\(name)-\(index)", parallelism: parallelism,
          inputs: index == 0 ? [] : [Plan.Input(node: index - 1)], operator: operation)
      })
  }

  static func filterProject(_ fields: [Field], parallelism: Int) -> Plan {
    chain(
      "filter-project", fields,
      [
        .filter(Plan.Filter(condition: .call("less_than", [.column("b"), .literal(.float64(0.5))]))),
        .select(
          Plan.Select(columns: [
            NamedExpression("x", .call("add", [.column("a"), .column("c")])),
            NamedExpression("y", .call("multiply", [.column("b"), .literal(.float64(1.5))])),
          ])),
      ], parallelism: parallelism)
  }

  static func keyedSum(_ name: String, _ fields: [Field], parallelism: Int) -> Plan {
    chain(
      name, fields,
      [
        .keyBy(Plan.KeyBy(keys: [NamedExpression("key", .column("key"))])),
        .aggregate(
          Plan.Aggregate(
            aggregates: [
              Plan.AggregateCall(function: "sum", argument: .column("value"), name: "sum"),
              Plan.AggregateCall(function: "count", argument: nil, name: "count"),
            ], emission: .perBatch)),
      ], parallelism: parallelism)
  }

  /// `a * b + a`, which the plugin's `udf` computes too.
  static func expression(_ fields: [Field], parallelism: Int) -> Plan {
    chain(
      "expression", fields,
      [
        .select(
          Plan.Select(columns: [
            NamedExpression("result", .call("add", [.call("multiply", [.column("a"), .column("b")]), .column("a")]))
          ]))
      ], parallelism: parallelism)
  }
}
