import Arrow
import Base
import Dataflow
import Expressions
import Operators
import State
import VolleyPlan

extension Plan.WindowChoice: PlannedStep, PlannedWindowing {
  var kindName: String { "window" }
  var needsUID: String? { "an operator with state" }
  func arrival(ofInput index: Int) -> Arrival { scope == .key ? .keyed : .gathered }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    let input = inputs[0]
    try input.refuseRevisions()
    try checkAssigner()
    try checkTimes()
    let type = try value.resolvedType(in: input.schema).type
    guard OrderKeys.takes(type) else {
      throw Failure(
        .usage,
        "rows are chosen by a \(type), and can be by bools, numbers of at most 64 bits and times; choose by one of those, or "
          + "use arg_max")
    }
    let results = TypedStream(try resultSchema(input), eventTime: resultTime)
    return late == .route ? [results, TypedStream(input.schema, eventTime: input.eventTime)] : [results]
  }

  private func resultSchema(_ input: TypedStream) throws(Failure) -> Schema {
    let bounds = try boundFields(input)
    if case .inherited = assigner { return input.schema }
    if let taken = bounds.first(where: { input.schema.index(of: $0.name) != nil }) {
      throw Failure(
        .usage,
        "the input has a column '\(taken.name)' already, which the result tells its window by; rename it before, or take the "
          + "windows that the rows tell themselves")
    }
    return try Schema.checked(input.schema.fields + bounds)
  }

  private func checkAssigner() throws(Failure) {
    switch assigner {
    case .session, .count:
      throw Failure(
        .usage,
        "rows are chosen of windows that lie at fixed places in time; take tumbling, sliding, cumulative or inherited ones, "
          + "or an aggregate such as arg_max")
    case .tumbling, .sliding, .cumulative, .inherited: try assigner.check()
    }
  }

  func summary(_ outputs: [TypedStream]) -> String {
    var text = "\(assigner.text)"
    if time == .processing { text += " of processing time" }
    if scope == .all { text += ", all rows" }
    text += ": the rows of the \(takes.rawValue) \(value.text)"
    if allowedLateness > 0 { text += ", lateness \(microseconds: allowedLateness)" }
    return text
  }

  /// Late rows that are handed on have to arrive, and rows get processing time where they are kept.
  var combines: Bool { late == .drop && time == .event }

  func combiner(_ place: StepPlace) throws(Failure) -> Combiner {
    let (input, keys, time) = (place.inputs[0].schema, place.inputs[0].keys, rowTime(place.inputs[0]))
    return Combiner(schema: input, keys: keys) { context throws(Failure) in
      try WindowChoiceFilter(
        self, keys: keys, time: time(context), input: input, functions: place.functions(in: context))
    }
  }

  func stateTables(_ place: StepPlace) throws(Failure) -> [StateTable] {
    try WindowChoiceOperator.stateTables(self, keys: place.inputs[0].keys, input: place.inputs[0].schema)
  }

  func maker(_ place: StepPlace) throws(Failure) -> (SubtaskContext) throws(Failure) -> any Operator {
    let (records, output) = (place.inputs[0], place.outputs[0].schema)
    let time = rowTime(records)
    return { context throws(Failure) in
      try WindowChoiceOperator(
        self, keys: records.keys, time: time(context), input: records.schema, output: output,
        functions: place.functions(in: context), context: context)
    }
  }
}
