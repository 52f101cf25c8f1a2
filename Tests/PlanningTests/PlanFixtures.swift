import Arrow
import Base
import Dataflow
import Expressions
import Operators
import Planning
import VolleyPlan

/// User code that exists by name only: planning asks for nothing else.
class NamedCode: UserCode {
  var connectorNames: [String]

  init(connectors: [String] = []) { connectorNames = connectors }

  private func unused() -> Failure { Failure(.software, "a test of planning makes no instances") }

  func scalarFunctions(at place: UserCodePlace) -> any ScalarFunctionProvider { NoScalarFunctions() }
  func makeBatchFunction(
    _ function: String, input: Schema, outputs: [Schema], at place: UserCodePlace
  ) throws(Failure) -> any Operator { throw unused() }
  func makeKeyedProcess(
    _ function: String, states: [Plan.State], rows: Schema, keys: Schema, outputs: [Schema], at place: UserCodePlace
  ) throws(Failure) -> any KeyedProcessCode { throw unused() }
  func makeSource(_ function: String, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Source {
    throw unused()
  }
  func makeSink(_ function: String, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Sink {
    throw unused()
  }
  func makeSource(
    _ connector: Plan.Connector, schema: Schema, at place: UserCodePlace
  ) throws(Failure) -> any Source { throw unused() }
  func makeSink(_ connector: Plan.Connector, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Sink {
    throw unused()
  }
}

let orderFields = [
  Field("user_id", .int64, nullable: false), Field("amount", .float64), Field("note", .utf8),
]

func source(_ id: Int, uid: String? = "orders", fields: [Field] = orderFields, parallelism: Int? = nil) -> Plan.Node {
  Plan.Node(
    id: id, uid: uid, parallelism: parallelism, inputs: [],
    operator: .source(
      Plan.Source(
        implementation: .connector(
          Plan.Connector(name: "generator", options: .object([.init("rows", .int(10))]))), schema: fields)))
}

func node(
  _ id: Int, _ operation: Plan.Operator, from inputs: Int..., uid: String? = nil, parallelism: Int? = nil
) -> Plan.Node {
  Plan.Node(
    id: id, uid: uid, parallelism: parallelism, inputs: inputs.map { Plan.Input(node: $0) }, operator: operation)
}

let blackhole = Plan.Operator.sink(Plan.Sink(implementation: .connector(Plan.Connector(name: "blackhole"))))

func sink(_ id: Int, from input: Int, uid: String? = "out", parallelism: Int? = nil) -> Plan.Node {
  node(id, blackhole, from: input, uid: uid, parallelism: parallelism)
}

func filter(_ condition: Expression) -> Plan.Operator { .filter(Plan.Filter(condition: condition)) }

let positive = filter(.call("greater_than", [.column("amount"), .literal(.float64(0))]))

func keyBy(_ names: String...) -> Plan.Operator {
  .keyBy(Plan.KeyBy(keys: names.map { NamedExpression($0, .column($0)) }))
}

func sum(_ column: String, as name: String, emission: Plan.Emission = .perBatch) -> Plan.Operator {
  .aggregate(
    Plan.Aggregate(
      aggregates: [Plan.AggregateCall(function: "sum", argument: .column(column), name: name)], emission: emission))
}

func graph(
  _ nodes: [Plan.Node], parallelism: Int = 1, chaining: Bool = true, connectors: [String] = []
) throws(Failure) -> ExecutionGraph {
  try ExecutionGraph(
    Plan(name: "test", nodes: nodes), code: NamedCode(connectors: connectors),
    options: .init(parallelism: parallelism, chaining: chaining))
}
