import Arrow
import Base
import Expressions
import Keys
import Operators
import VolleyPlan

/// A plan with every name resolved and every type known.
struct TypedPlan {
  /// In topological order.
  let nodes: [TypedNode]

  init(_ plan: Plan) throws(Failure) {
    let structure = try PlanStructure(plan)
    var typed: [TypedNode] = []
    var byID: [Int: TypedNode] = [:]
    for node in structure.nodes {
      var inputs: [Schema] = []
      for input in node.inputs {
        guard let producer = byID[input.node] else { preconditionFailure("nodes are typed after their inputs") }
        inputs.append(producer.outputs[input.output])
      }
      let keys = node.inputs.first.flatMap { byID[$0.node]?.keys } ?? []
      let result: TypedNode
      do {
        result = try Self.type(node, inputs, inputKeys: keys)
      } catch {
        throw error.within(node.placeName)
      }
      typed.append(result)
      byID[node.id] = result
    }
    nodes = typed
  }

  private static func type(
    _ node: Plan.Node, _ inputs: [Schema], inputKeys: [Int]
  ) throws(Failure) -> TypedNode {
    var keys: [Int] = []
    var outputs: [Schema] = []
    switch node.operator {
    case .source(let source): outputs = [try checked(source.schema)]
    case .filter(let filter):
      let (type, _) = try filter.condition.resolvedType(in: inputs[0])
      guard type == .bool else {
        throw Failure(.usage, "the condition is \(type), and must be bool; compare it with something")
      }
      outputs = inputs
    case .select(let select): outputs = [try checked(try fields(of: select.columns, in: inputs[0]))]
    case .extend(let extend): outputs = [try extended(inputs[0], by: extend.columns)]
    case .batchFunction(let function):
      if let columns = function.columns { try checkColumns(columns, in: inputs[0]) }
      for fields in function.outputs { outputs.append(try checked(fields)) }
    case .keyBy(let keyBy):
      guard !keyBy.keys.isEmpty else { throw Failure(.usage, "there is no key; name at least one column") }
      let computed = keyBy.keys.filter { !$0.isPlain }
      // A key is read by the aggregates behind it as well: one that took a column's place would change what they compute.
      if let key = computed.first(where: { inputs[0].index(of: $0.name) != nil }) {
        throw Failure(
          .usage,
          "the key '\(key.name)' is computed, and the input has a column '\(key.name)' already, which it would replace; give "
            + "the key another name with .as(\"…\")")
      }
      let output = try extended(inputs[0], by: computed)
      for key in keyBy.keys {
        guard let index = output.index(of: key.name) else { throw unknownColumn(key.name, in: inputs[0]) }
        if keys.contains(index) { throw Failure(.usage, "the key '\(key.name)' is named twice") }
        if let objection = KeyColumn.objection(to: output.fields[index].type) {
          throw Failure(.usage, "the key '\(key.name)' cannot be one: \(objection)")
        }
        keys.append(index)
      }
      outputs = [output]
    case .aggregate(let aggregate):
      keys = inputKeys
      outputs = [try aggregated(aggregate, input: inputs[0], keys: keys)]
    case .union:
      for (index, input) in inputs.enumerated().dropFirst() where input.columnTypes != inputs[0].columnTypes {
        throw Failure(
          .usage, "input \(index) has the columns (\(input)), and input 0 has (\(inputs[0])); they must be the same")
      }
      outputs = [unionSchema(inputs)]
    case .sink: break
    }
    return TypedNode(node: node, inputs: inputs, outputs: outputs, keys: keys)
  }

  /// A schema whose names can be told apart.
  private static func checked(_ fields: [Field]) throws(Failure) -> Schema {
    guard !fields.isEmpty else { throw Failure(.usage, "there are no columns; name at least one") }
    var names: Set<String> = []
    for field in fields {
      if field.name.isEmpty { throw Failure(.usage, "a column has an empty name; name it with .as(\"…\")") }
      if !names.insert(field.name).inserted {
        throw Failure(.usage, "two columns are named '\(field.name)'; rename one with .as(\"…\")")
      }
    }
    return Schema(fields)
  }

  private static func fields(of columns: [NamedExpression], in input: Schema) throws(Failure) -> [Field] {
    var fields: [Field] = []
    for column in columns {
      do {
        let (type, nullable) = try column.expression.resolvedType(in: input)
        fields.append(Field(column.name, type, nullable: nullable))
      } catch {
        throw error.within("column '\(column.name)'")
      }
    }
    return fields
  }

  /// The input's columns, then the new ones; a name that exists is replaced in its place.
  private static func extended(_ input: Schema, by columns: [NamedExpression]) throws(Failure) -> Schema {
    var fields = input.fields
    let new = try Self.fields(of: columns, in: input)
    if !new.isEmpty { _ = try checked(new) }
    for field in new {
      if let index = fields.firstIndex(where: { $0.name == field.name }) {
        fields[index] = field
      } else {
        fields.append(field)
      }
    }
    return try checked(fields)
  }

  private static func checkColumns(_ columns: [Field], in input: Schema) throws(Failure) {
    for column in columns {
      guard let index = input.index(of: column.name) else { throw unknownColumn(column.name, in: input) }
      let found = input.fields[index]
      guard found.type == column.type else {
        throw Failure(
          .usage,
          "the column '\(column.name)' is \(found.type), and the function takes \(column.type); cast it before, or change "
            + "the function's type")
      }
    }
  }

  private static func aggregated(
    _ aggregate: Plan.Aggregate, input: Schema, keys: [Int]
  ) throws(Failure) -> Schema {
    guard !aggregate.aggregates.isEmpty else { throw Failure(.usage, "there is no aggregate; name at least one") }
    var fields = keys.map { input.fields[$0] }
    for call in aggregate.aggregates {
      do {
        let signature = try call.signature(in: input)
        fields.append(Field(call.name, signature.result, nullable: signature.function.isNullOfNothing))
      } catch {
        throw error.within("aggregate '\(call.name)'")
      }
    }
    return try checked(fields)
  }

  /// Columns are nullable where they are in any input.
  private static func unionSchema(_ inputs: [Schema]) -> Schema {
    if inputs.allSatisfy({ $0 == inputs[0] }) { return inputs[0] }
    return Schema(
      inputs[0].fields.enumerated().map { index, field in
        Field(field.name, field.type, nullable: inputs.contains { $0.fields[index].nullable })
      })
  }

  private static func unknownColumn(_ name: String, in schema: Schema) -> Failure {
    Failure(
      .usage,
      "there is no column '\(name)'; the columns are \(schema.fields.map { "'\($0.name)'" }.joined(separator: ", "))")
  }
}

extension Schema {
  fileprivate var columnTypes: [Field] { fields.map { Field($0.name, $0.type) } }
}

extension NamedExpression {
  /// Whether it is a column under its own name: a key that needs no computing.
  var isPlain: Bool { expression == .column(name) }
}
