import VolleyPlan

extension ExecutionGraph {
  /// The graph as JSON, for tools: tasks, and nodes with schemas, parallelism and inputs.
  public var json: JSONValue {
    .object([
      .init("name", .string(name)),
      .init(
        "tasks",
        .array(
          tasks.map { task in
            .object([
              .init("name", .string(taskName(task))), .init("parallelism", .int(Int64(task.parallelism))),
              .init("nodes", .array(task.nodes.map { .int(Int64($0)) })),
            ])
          })),
      .init("nodes", .array(nodes.map { node($0) })),
    ])
  }

  private func node(_ typed: TypedNode) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("id", .int(Int64(typed.node.id))),
      .init("uid", typed.node.uid.map { .string($0) } ?? .null),
      .init("operator", .string(typed.planned.kindName)),
      .init("task", .int(Int64(taskOf[typed.node.id] ?? 0))),
      .init("parallelism", .int(Int64(parallelism(of: typed.node.id)))),
      .init("summary", .string(typed.summary)),
      .init(
        "inputs",
        .array(
          typed.node.inputs.map {
            .object([.init("node", .int(Int64($0.node))), .init("output", .int(Int64($0.output)))])
          })),
      .init("outputs", .array(typed.outputs.map { stream in .array(stream.schema.fields.map { field($0) }) })),
    ]
    if let endpoint = endpoints[typed.node.id] { members.append(.init("connector", .string(endpoint.label))) }
    return .object(members)
  }

  private func field(_ field: Field) -> JSONValue {
    .object([
      .init("name", .string(field.name)), .init("type", .string(field.type.description)),
      .init("nullable", .bool(field.nullable)),
    ])
  }
}
