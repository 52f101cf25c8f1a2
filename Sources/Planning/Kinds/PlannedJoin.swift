import Arrow
import Base
import Dataflow
import Expressions
import Operators
import VolleyPlan

extension Plan.Join: PlannedStep {
  var kindName: String { "join" }
  var needsUID: String? { "an operator with state" }
  var inputCounts: ClosedRange<Int> { 2...2 }
  func arrival(ofInput index: Int) -> Arrival { .keyed }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    for (index, input) in inputs.enumerated() {
      do { try input.refuseRevisions() } catch { throw error.within("input \(index)") }
    }
    try checkKeys(inputs)
    try checkBounds()
    let layout = try layout(inputs)
    try checkCondition(Schema(layout.joined.map(\.field)))
    return [TypedStream(layout.schema, isChangelog: isChangelog)]
  }

  private func layout(_ inputs: [TypedStream]) throws(Failure) -> JoinLayout {
    try JoinLayout(self, inputs: inputs.map(\.schema), keys: inputs.map(\.keys))
  }

  /// Keys are equal only if they have one type.
  private func checkKeys(_ inputs: [TypedStream]) throws(Failure) {
    func key(_ input: TypedStream) -> [Field] { input.keys.map { input.schema.fields[$0] } }
    func text(_ key: [Field]) -> String { key.map { "'\($0.name)' \($0.type)" }.joined(separator: ", ") }
    let first = key(inputs[0])
    for (index, input) in inputs.enumerated().dropFirst() {
      let other = key(input)
      guard first.map(\.type) == other.map(\.type) else {
        throw Failure(
          .usage,
          "input 0 is keyed by \(text(first)), and input \(index) by \(text(other)); take as many keys of the same types, and cast "
            + "them where they differ")
      }
    }
  }

  private func checkCondition(_ joined: Schema) throws(Failure) {
    guard let condition else { return }
    do throws(Failure) {
      let (type, _) = try condition.resolvedType(in: joined)
      guard type == .bool else {
        throw Failure(.usage, "it is \(type), and must be bool; compare it with something")
      }
    } catch {
      throw error.within("the condition")
    }
  }

  private func checkBounds() throws(Failure) {
    switch bounds {
    case .unbounded(let bounds):
      if let timeToLive = bounds.timeToLive, timeToLive < 1 {
        throw Failure(.usage, "the time to live is \(timeToLive) µs; it is at least 1")
      }
    }
  }

  func summary(_ outputs: [TypedStream]) -> String {
    var text = kind.rawValue
    switch bounds {
    case .unbounded(let bounds):
      if let timeToLive = bounds.timeToLive { text += ", rows live \(microseconds: timeToLive)" }
    }
    if let condition { text += ", where \(condition.text)" }
    return text
  }

  func maker(_ place: StepPlace) throws(Failure) -> (SubtaskContext) throws(Failure) -> any Operator {
    let layout = try layout(place.inputs)
    return { context throws(Failure) in
      try makeJoinOperator(self, layout: layout, functions: place.functions(in: context), context: context)
    }
  }
}
