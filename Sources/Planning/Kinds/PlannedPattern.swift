import Arrow
import Base
import Dataflow
import Expressions
import Operators
import State
import VolleyPlan

extension Plan.Pattern: PlannedStep {
  var kindName: String { "pattern" }
  var needsUID: String? { "an operator with state" }
  var keepsRows: Bool { true }
  func arrival(ofInput index: Int) -> Arrival { .keyed }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    let input = inputs[0]
    try input.refuseRevisions()
    let time = try input.requireEventTime()
    try check(input.schema)
    let keys = input.keys.map { input.schema.fields[$0] }
    let others = input.schema.fields.indices.filter { !input.keys.contains($0) }.map { input.schema.fields[$0] }
    func schema(_ required: Int) throws(Failure) -> Schema {
      var fields = keys
      for (index, step) in steps.enumerated() {
        fields += others.map {
          Field("\(step.name)_\($0.name)", $0.type, nullable: $0.nullable || index >= required)
        }
      }
      return try Schema.checked(fields)
    }
    // A match belongs to the time of its last row.
    let name = input.schema.fields[time].name
    let own = input.keys.contains(time) ? name : "\(steps[steps.count - 1].name)_\(name)"
    var streams = [
      TypedStream(
        try schema(steps.count), eventTime: EventTimeColumn(own, shift: input.eventTime?.shift ?? 0))
    ]
    if timedOut == .route { streams.append(TypedStream(try schema(1))) }
    if late == .route { streams.append(TypedStream(input.schema, eventTime: input.eventTime)) }
    return streams
  }

  private func check(_ input: Schema) throws(Failure) {
    guard steps.count >= 2, steps.count <= PatternOperator.mostSteps else {
      throw Failure(.usage, "it has \(steps.count) steps; give it 2 to \(PatternOperator.mostSteps)")
    }
    guard within >= 1, within <= WindowColumns.longest else {
      throw Failure(.usage, "it is within \(within) µs; give at least 1, and at most 9,000 years")
    }
    for (index, step) in steps.enumerated() {
      if step.name.isEmpty { throw Failure(.usage, "step \(index) has an empty name; name it") }
      if steps[..<index].contains(where: { $0.name == step.name }) {
        throw Failure(.usage, "two steps are named '\(step.name)'; rename one")
      }
      do throws(Failure) {
        let (type, _) = try step.condition.resolvedType(in: input)
        guard type == .bool else {
          throw Failure(.usage, "the condition is \(type), and must be bool; compare it with something")
        }
      } catch {
        throw error.within("step '\(step.name)'")
      }
    }
  }

  func columnsRead(of inputs: [TypedStream], for needed: [Set<String>]) throws(Failure) -> [Set<String>?] {
    var names = Set(steps.flatMap(\.condition.columnNames))
    if let time = inputs[0].eventTime { names.insert(time.name) }
    let ofMatches = needed.prefix(timedOut == .route ? 2 : 1).reduce(into: Set<String>()) { $0.formUnion($1) }
    for name in inputs[0].schema.fields.map(\.name)
    where steps.contains(where: { ofMatches.contains("\($0.name)_\(name)") }) {
      names.insert(name)
    }
    if late == .route { names.formUnion(needed[needed.count - 1]) }
    return [names]
  }

  func summary(_ outputs: [TypedStream]) -> String {
    var text = ""
    for (index, step) in steps.enumerated() {
      if index > 0 { text += step.contiguity == .next ? ", next " : ", then " }
      text += "\(step.name): \(step.condition.text)"
    }
    return "\(text), within \(microseconds: within)"
  }

  func stateTables(_ place: StepPlace) throws(Failure) -> [StateTable] {
    PatternOperator.stateTables(self, keys: place.inputs[0].keys, input: place.inputs[0].schema)
  }

  func maker(_ place: StepPlace) throws(Failure) -> (SubtaskContext) throws(Failure) -> any Operator {
    let input = place.inputs[0]
    let time = RowTime.event(column: try input.requireEventTime(), shift: input.eventTime?.shift ?? 0)
    let outputs = place.outputs.map(\.schema)
    return { context throws(Failure) in
      try PatternOperator(
        self, keys: input.keys, time: time, input: input.schema, outputs: outputs,
        functions: place.functions(in: context), context: context)
    }
  }
}
