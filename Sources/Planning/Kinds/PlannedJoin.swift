import Arrow
import Base
import Dataflow
import Expressions
import Operators
import State
import VolleyPlan

extension Plan.Join: PlannedStep {
  var kindName: String { "join" }
  var needsUID: String? { "an operator with state" }
  var keepsRows: Bool { true }

  func arrival(ofInput index: Int) -> Arrival {
    guard case .side(let bounds) = bounds, bounds.spread == .broadcast else { return .keyed }
    return index == 0 ? .keyedInPlace : .keyedEverywhere
  }

  func side(ofInput index: Int) -> JobGraph.SideInput? {
    guard index == 1, case .side(let bounds) = bounds else { return nil }
    return bounds.awaited ? .awaited : .live
  }

  /// What is taken back tells versions from when on it does not hold.
  func updateTime(ofInput index: Int, _ stream: TypedStream) -> Int? {
    guard index == 1, case .version = bounds, stream.isChangelog else { return nil }
    return stream.eventTime.flatMap { stream.schema.index(of: $0.name) }
  }

  var inputCounts: ClosedRange<Int> {
    if case .window = bounds { return 2...Int.max }
    return 2...2
  }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    for (index, input) in inputs.enumerated() where !takesRevisions(ofInput: index) {
      do { try input.refuseRevisions() } catch { throw error.within("input \(index)") }
    }
    try checkKeys(inputs)
    try check(inputCount: inputs.count)
    let layout = try layout(inputs)
    try checkCondition(Schema(layout.joined.map(\.field)))
    return [TypedStream(layout.schema, eventTime: eventTime(layout, inputs), isChangelog: layout.isChangelog)]
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

  /// What others revise is found among the rows that are kept by all of its columns.
  func columnsRead(of inputs: [TypedStream], for needed: [Set<String>]) throws(Failure) -> [Set<String>?] {
    let layout = try layout(inputs)
    let read = layout.columnsRead(for: needed[0], condition: condition?.columnNames ?? [])
    return zip(read, inputs).map { $1.isChangelog ? nil : $0 }
  }

  func narrowed(
    _ whole: [TypedStream], _ inputs: [TypedStream], for needed: [Set<String>]
  ) throws(Failure) -> [TypedStream] {
    guard case .window = bounds else { return [whole[0].keeping(needed[0]).stream] }
    return [whole[0].keeping(needed[0].union([WindowColumns.start, WindowColumns.end])).stream]
  }

  /// A row without a partner has nulls in the place of the other's columns.
  func carried(_ column: String, ofInput index: Int, _ inputs: [TypedStream]) throws(Failure) -> String? {
    switch kind {
    case .inner: break
    case .left, .semi, .anti: if index != 0 { return nil }
    case .right: if index != 1 { return nil }
    case .full: return nil
    }
    guard let place = inputs[index].schema.index(of: column) else { return nil }
    return try layout(inputs).outputName(of: place, input: index)
  }

  func summary(_ outputs: [TypedStream]) -> String {
    var text = kind.rawValue
    switch bounds {
    case .unbounded(let bounds):
      if let timeToLive = bounds.timeToLive { text += ", rows live \(microseconds: timeToLive)" }
    case .interval(let bounds): text += ", from \(microseconds: bounds.lower) to \(microseconds: bounds.upper) later"
    case .version: text += ", the version at the event time"
    case .side(let bounds):
      text += bounds.awaited ? ", looked up in all" : ", looked up in what has come"
      if bounds.keep == .latest { text += ", the last row of a key" }
      if bounds.spread == .broadcast { text += ", in each subtask" }
    case .window(let bounds): text += ", \(bounds.assigner.text)"
    }
    if let condition { text += ", where \(condition.text)" }
    return text
  }

  /// Of the columns that it reads.
  private func layout(_ place: StepPlace) throws(Failure) -> JoinLayout {
    try layout(place.wholeInputs).keeping(inputs: place.inputs.map(\.schema), output: place.outputs[0].schema)
  }

  func stateTables(_ place: StepPlace) throws(Failure) -> [StateTable] {
    joinStateTables(self, layout: try layout(place))
  }

  func maker(_ place: StepPlace) throws(Failure) -> (SubtaskContext) throws(Failure) -> any Operator {
    let layout = try layout(place)
    return { context throws(Failure) in
      try makeJoinOperator(self, layout: layout, functions: place.functions(in: context), context: context)
    }
  }
}
