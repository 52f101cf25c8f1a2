import VolleyPlan

extension KeyedStream {
  /// Code of the author's that sees each row together with what it keeps of the row's key: see `KeyedProcessFunction`.
  ///
  /// - Parameters:
  ///   - name: what `inspect` and reports call it.
  ///   - sideOutputs: more outputs, by name, and what the rows of each are; `sideOutput` of the result gives them. Every one has
  ///     to be read.
  ///   - uid: the stable name in this pipeline, under which the state is kept.
  ///   - make: makes one instance a subtask, and one for its declarations when the plan is made.
  public func process<Function: KeyedProcessFunction>(
    _ name: String, sideOutputs: KeyValuePairs<String, any Codable.Type> = [:], uid: String,
    _ make: @escaping @Sendable () throws -> Function
  ) -> DataStream {
    let id = environment.nextID
    let place = "\(name) '\(uid)'"
    var declared: [Plan.State] = []
    var key: [Field] = []
    environment.checking(place) { () throws(VolleyError) in
      key = try environment.key(Function.Key.self, of: input.node)
      do {
        declared = try states(of: try make()).map { try $0.declaration() }
      } catch {
        throw VolleyError(any: error)
      }
    }
    let names = sideOutputs.map { $0.key }
    let columns = environment.columns(Function.In.self, place)
    let outputs = environment.schemas(Function.Out.self, sideOutputs: sideOutputs, place)
    let code = FunctionCode(id: "\(name):\(id)") {
      .keyedProcess(try ProcessInstance($0, try make(), sideOutputs: names))
    }
    environment.register([code])
    environment.nameOutputs(of: id, [nil] + names)
    let result = environment.add(
      .process(
        .init(
          function: code.id, label: name,
          columns: columns, key: key, states: declared,
          outputs: outputs.map(\.fields))), inputs: [input], uid: uid)
    return parallelism.map { result.withParallelism($0) } ?? result
  }
}

extension StreamExecutionEnvironment {
  /// The columns of what a function emits; what is wrong with them is reported.
  func schemas<Out: RowValue>(
    _: Out.Type, sideOutputs: KeyValuePairs<String, any Codable.Type>, _ place: String
  ) -> [Schema] {
    let names = sideOutputs.map { $0.key }
    for (index, side) in names.enumerated() where names[..<index].contains(side) {
      report("\(place) has two side outputs '\(side)': rename one")
    }
    let schemas = [Schema(Out.self)] + sideOutputs.map { schema($0.value) }
    for schema in schemas { if let problem = schema.problem { report("\(place): \(problem)") } }
    return schemas
  }

  private func schema(_ type: any Codable.Type) -> Schema {
    var schema = Schema([])
    do {
      schema.fields = try RowFields.of(type).map(\.field)
    } catch {
      schema.problem = error.message
    }
    return schema
  }

  /// The columns of what a function takes, and none that is not there.
  func columns<In: RowValue>(_: In.Type, _ place: String) -> [Field] {
    let columns = Schema(In.self)
    if let problem = columns.problem { report("\(place): \(problem)") }
    // A null in a field that is not optional is an error of that row, not of the plan: most columns may be null.
    return columns.fields.map { Field($0.name, $0.type) }
  }

  /// The key's columns as the type has them, a scalar's under the name of the one column that there is.
  func key<Key: RowValue>(_: Key.Type, of node: Int) throws(VolleyError) -> [Field] {
    let names = keyNames(of: node)
    let fields: [Field]
    do throws(VolleyError) {
      fields = try StateCodec<Key>.make(names.first ?? "key").fields
    } catch {
      throw VolleyError("its Key: \(error.message)")
    }
    return fields.map { Field($0.name, $0.type) }
  }
}

extension DataStream {
  /// The rows of a side output of the operation that made this stream.
  public func sideOutput(_ name: String) -> DataStream {
    let names = environment.outputNames(of: input.node)
    guard let index = names.firstIndex(of: name) else {
      let known = names.compactMap { $0.map { "'\($0)'" } }.joined(separator: ", ")
      environment.report(
        "\(environment.describe(input.node)) has no side output '\(name)' (known are \(known.isEmpty ? "none" : known)): name it in "
          + "sideOutputs")
      return self
    }
    return DataStream(environment: environment, input: Plan.Input(node: input.node, output: index))
  }
}
