import Arrow
import Base
import Dataflow
import Operators
import State
import VolleyPlan

extension Plan.Process: PlannedStep {
  var kindName: String { "process" }
  var needsUID: String? { "an operator with state" }
  func arrival(ofInput index: Int) -> Arrival { .keyed }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    let input = inputs[0]
    try input.refuseRevisions()
    if let columns { try input.schema.check(columns) }
    try input.check(key: key)
    try checkStates()
    guard !outputs.isEmpty else { throw Failure(.usage, "it has no output; declare at least one") }
    var streams: [TypedStream] = []
    for fields in outputs {
      let schema = try Schema.checked(fields)
      streams.append(TypedStream(schema, eventTime: input.eventTime(keptIn: schema)))
    }
    return streams
  }

  private func checkStates() throws(Failure) {
    var names: Set<String> = []
    for state in states {
      do throws(Failure) {
        if let first = state.name.first, first == "$" || first == "(" {
          throw Failure(.usage, "its name begins with '\(first)', as those of Volley's own tables do; rename it")
        }
        if state.name.isEmpty { throw Failure(.usage, "it has an empty name; name it") }
        if !names.insert(state.name).inserted { throw Failure(.usage, "there are two of this name; rename one") }
        try state.check()
      } catch {
        throw error.within("state '\(state.name)'")
      }
    }
  }

  func columnsRead(of inputs: [TypedStream], for needed: [Set<String>]) throws(Failure) -> [Set<String>?] {
    guard let columns else { return [nil] }
    return [Set(columns.map(\.name) + [inputs[0].eventTime?.name].compactMap { $0 })]
  }

  func summary(_ outputs: [TypedStream]) -> String {
    if states.isEmpty { return label }
    return "\(label), keeps " + states.map { "\($0.name) (\($0.kind.rawValue))" }.joined(separator: ", ")
  }

  func stateTables(_ place: StepPlace) throws(Failure) -> [StateTable] {
    KeyedProcessOperator.stateTables(states, keys: place.inputs[0].keys, input: place.inputs[0].schema)
  }

  func maker(_ place: StepPlace) throws(Failure) -> (SubtaskContext) throws(Failure) -> any Operator {
    let input = place.inputs[0]
    var rows = Array(input.schema.fields.indices)
    if let columns {
      rows = []
      for column in columns { rows.append(try input.schema.required(column.name)) }
    }
    let time = input.eventTime.flatMap { input.schema.index(of: $0.name) }
    let columns = KeyedProcessOperator.Columns(
      keys: input.keys, rows: rows, time: time, timeShift: input.eventTime?.shift ?? 0)
    let (function, states) = (function, states)
    return { context throws(Failure) in
      let code = try place.code.makeKeyedProcess(
        function, states: states, rows: Schema(columns.rows.map { input.schema.fields[$0] }),
        keys: Schema(columns.keys.map { input.schema.fields[$0] }), outputs: place.outputs.map(\.schema),
        at: UserCodePlace(uid: place.name, subtask: context))
      return KeyedProcessOperator(
        code, states: states, columns: columns, input: input.schema, clock: context.clock, memory: context.stateMemory,
        quarantine: place.quarantine(in: context))
    }
  }
}

extension TypedStream {
  /// The key is what the function takes for it.
  func check(key: [Field]?) throws(Failure) {
    guard let key else { return }
    let found = keys.map { schema.fields[$0] }
    let names = found.map { "'\($0.name)'" }.joined(separator: ", ")
    guard found.count == key.count else {
      throw Failure(
        .usage, "the rows have the key \(names), and the function takes one of \(key.count) columns; let them agree")
    }
    for (field, wanted) in zip(found, key) {
      guard field.name == wanted.name else {
        throw Failure(
          .usage,
          "the rows have the key \(names), and the function takes '\(wanted.name)' in the place of '\(field.name)'; let "
            + "them agree")
      }
      guard field.type == wanted.type else {
        throw Failure(
          .usage,
          "the key '\(field.name)' is \(field.type), and the function takes \(wanted.type); cast it before, or change the function's "
            + "type")
      }
    }
  }
}

extension Plan.State {
  fileprivate func check() throws(Failure) {
    guard !schema.isEmpty else { throw Failure(.usage, "it has no columns; declare at least one") }
    for field in try Schema.checked(schema).fields where !KeyedProcessOperator.keeps(field.type) {
      throw Failure(
        .usage,
        "the column '\(field.name)' is \(field.type), and a state keeps booleans, numbers, dates, times, texts and bytes; take one of "
          + "these")
    }
    if let timeToLive, timeToLive <= 0 {
      throw Failure(.usage, "its time to live is \(timeToLive) µs; it is more than 0")
    }
    switch (kind, mapKey) {
    case (.map, nil): throw Failure(.usage, "it is a map without a key; declare the key's column")
    case (.map, let key?):
      guard KeyedProcessOperator.keepsByKey(key.type) else {
        throw Failure(
          .usage,
          "its entries have keys of \(key.type), and a map's key is a boolean, an integer, a date, a time, a text or bytes; take one of "
            + "these")
      }
    case (_, _?): throw Failure(.usage, "it is a \(kind.rawValue) with a key, which only a map has; leave it out")
    case (_, nil): break
    }
  }
}
