import Arrow
import Base
import Dataflow
import Expressions
import Operators
import State
import VolleyPlan

extension Plan.Aggregate: PlannedStep {
  var kindName: String { "aggregate" }
  var needsUID: String? { "an operator with state" }
  func arrival(ofInput index: Int) -> Arrival { .keyed }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    let input = inputs[0]
    try checkRevisions(input)
    let fields = input.keys.map { input.schema.fields[$0] }
    let schema = try Schema.checked(fields + aggregates.fields(in: input.schema))
    if emission == .changelog { return [TypedStream(try schema.revised(), isChangelog: true)] }
    return [TypedStream(schema)]
  }

  private func checkRevisions(_ input: TypedStream) throws(Failure) {
    guard input.isChangelog else { return }
    guard emission == .changelog else {
      throw Failure(
        .usage,
        "its input revises rows that it gave before (column '\(Plan.rowKindColumn)'), so that its results are revised as well; take the emission "
          + "'changelog'")
    }
    for call in aggregates {
      if let objection = try call.retractionObjection(in: input.schema) {
        throw Failure(.usage, objection).within("aggregate '\(call.name)'")
      }
    }
  }

  /// The key's columns are told as they are; a result may have the name of any other.
  func carried(_ column: String, ofInput index: Int, _ inputs: [TypedStream]) throws(Failure) -> String? {
    inputs[index].keyNames.contains(column) ? column : nil
  }

  func summary(_ outputs: [TypedStream]) -> String {
    aggregates.map(\.text).joined(separator: ", ") + emissionText
  }

  private var emissionText: String {
    switch emission {
    case .perBatch: ""
    case .perRecord: ", once per record"
    case .changelog: ", as changes"
    }
  }

  var combines: Bool { emission != .perRecord }

  func columnsRead(of inputs: [TypedStream], for needed: [Set<String>]) throws(Failure) -> [Set<String>?] {
    [aggregates.columnNames]
  }

  func combiner(_ place: StepPlace) throws(Failure) -> Combiner {
    let (calls, input, keys) = (aggregates, place.inputs[0].schema, place.inputs[0].keys)
    return Combiner(
      schema: try CombineOperator.outputSchema(calls, keys: keys, input: input), keys: Array(keys.indices)
    ) { context throws(Failure) in
      try CombineOperator(calls, keys: keys, input: input, functions: place.functions(in: context))
    }
  }

  func stateTables(_ place: StepPlace) throws(Failure) -> [StateTable] {
    let (records, output) = (place.inputs[0], place.outputs[0].schema)
    if emission == .changelog {
      return try ChangelogAggregateOperator.stateTables(
        aggregates, isOfRevisions: !place.isCombined && records.isChangelog,
        keys: Array(output.fields.dropFirst().prefix(records.keys.count)), records: records.schema)
    }
    return try AggregateOperator.stateTables(
      aggregates, keyCount: records.keys.count, records: records.schema, output: output)
  }

  func maker(_ place: StepPlace) throws(Failure) -> (SubtaskContext) throws(Failure) -> any Operator {
    let (records, output) = (place.inputs[0], place.outputs[0].schema)
    if emission == .changelog {
      let kind: ChangelogAggregateOperator.Input =
        place.isCombined
        ? .partials(keyCount: records.keys.count)
        : records.isChangelog ? .revisions(keys: records.keys) : .records(keys: records.keys)
      return { context throws(Failure) in
        try ChangelogAggregateOperator(
          aggregates, input: kind, records: records.schema, output: output, functions: place.functions(in: context),
          memory: context.stateMemory)
      }
    }
    let kind: AggregateOperator.Input =
      place.isCombined ? .partials(keyCount: records.keys.count) : .records(keys: records.keys)
    return { context throws(Failure) in
      try AggregateOperator(
        aggregates, input: kind, records: records.schema, output: output, emission: emission,
        functions: place.functions(in: context), memory: context.stateMemory)
    }
  }
}

extension [Plan.AggregateCall] {
  /// The columns that the aggregates of rows with these columns make.
  func fields(in input: Schema) throws(Failure) -> [Field] {
    guard !isEmpty else { throw Failure(.usage, "there is no aggregate; name at least one") }
    var fields: [Field] = []
    for call in self {
      do {
        if let user = call.user {
          try call.checkUser(user, in: input)
          fields.append(Field(call.name, user.result.type, nullable: user.result.nullable))
          continue
        }
        let signature = try call.signature(in: input)
        fields.append(Field(call.name, signature.result, nullable: signature.function.isNullOfNothing))
      } catch {
        throw error.within("aggregate '\(call.name)'")
      }
    }
    return fields
  }
}

extension TypedStream {
  /// For operators that take each row as a new one.
  func refuseRevisions() throws(Failure) {
    guard isChangelog else { return }
    throw Failure(
      .usage,
      "its input revises rows that it gave before (column '\(Plan.rowKindColumn)'), and this operator takes new rows only; end "
        + "the stream with toSink, or use an operator that gives final rows")
  }
}

extension Plan.AggregateCall {
  fileprivate func checkUser(_ user: Plan.UserAggregate, in input: Schema) throws(Failure) {
    if argument != nil || by != nil || fraction != nil {
      throw Failure(
        .usage, "'\(function)' is the plugin's, and has 'argument', 'by' or 'fraction'; give it arguments of its own")
    }
    try user.check(in: input)
    guard let filter else { return }
    let type = try filter.resolvedType(in: input).type
    guard type == .bool else {
      throw Failure(.usage, "the filter of \(function) is \(type) and must be bool; compare it with something")
    }
  }
}
