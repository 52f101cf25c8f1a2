import Arrow
import Base
import Dataflow
import Expressions
import Operators
import State
import VolleyPlan

/// What planning knows of one kind of operator: its shape, how its columns follow from its inputs', and where its rows
/// have to be. One file a kind; `Plan.Operator.planned` has the list.
protocol PlannedOperator: Sendable {
  /// As the plan spells it.
  var kindName: String { get }
  var inputCounts: ClosedRange<Int> { get }
  /// Why it cannot go without a uid, as the subject of a sentence; nil when it can.
  var needsUID: String? { get }
  /// How the rows of an input come to its subtasks.
  func arrival(ofInput index: Int) -> Arrival
  /// What an input is that does not drive the operator; nil when it does.
  func side(ofInput index: Int) -> JobGraph.SideInput?
  /// The column of an input's event time, when a row that an update takes back is to come with the time of the row that
  /// takes its place.
  func updateTime(ofInput index: Int, _ stream: TypedStream) -> Int?
  /// The streams that it makes of those that it reads.
  ///
  /// - Throws: `.usage`, with what is wrong and what would be right; the place is added by the caller.
  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream]
  /// The columns that it reads of each input for those of each output that are read in turn, beside its key's; nil for
  /// all. It may name columns that the input does not have.
  func columnsRead(of inputs: [TypedStream], for needed: [Set<String>]) throws(Failure) -> [Set<String>?]
  /// The streams that it makes of inputs that lack columns which nobody reads.
  ///
  /// - Parameters:
  ///   - whole: what it makes of all columns.
  ///   - needed: by output, the columns that are read.
  func narrowed(
    _ whole: [TypedStream], _ inputs: [TypedStream], for needed: [Set<String>]
  ) throws(Failure) -> [TypedStream]
  /// What a column of an input is called in output 0, where each row of the output has the value there of a row of that
  /// input that came to the same subtask; nil when it is not there, or a row may have another value.
  ///
  /// - Parameter inputs: of all columns.
  func carried(_ column: String, ofInput index: Int, _ inputs: [TypedStream]) throws(Failure) -> String?
  /// What it does, in one line, for `inspect`.
  func summary(_ outputs: [TypedStream]) -> String
}

/// How the rows of an input come to the subtasks of an operator.
enum Arrival {
  /// As they are: the operator runs in the chain that makes them, where that has as many subtasks.
  case forward
  /// By the key of the `keyBy` that is read; equal keys meet in one subtask.
  case keyed
  /// All to one subtask.
  case gathered
  /// As they are; the key of the `keyBy` that is read is looked for among the rows of another input.
  case keyedInPlace
  /// All to every subtask, with the key of the `keyBy` that is read.
  case keyedEverywhere

  /// Whether a `keyBy` is read.
  var isOfKeys: Bool {
    switch self {
    case .keyed, .keyedInPlace, .keyedEverywhere: true
    case .forward, .gathered: false
    }
  }
}

extension PlannedOperator {
  var inputCounts: ClosedRange<Int> { 1...1 }
  var needsUID: String? { nil }
  func arrival(ofInput index: Int) -> Arrival { .forward }
  func side(ofInput index: Int) -> JobGraph.SideInput? { nil }
  func updateTime(ofInput index: Int, _ stream: TypedStream) -> Int? { nil }
  func summary(_ outputs: [TypedStream]) -> String { "" }
  func columnsRead(of inputs: [TypedStream], for needed: [Set<String>]) throws(Failure) -> [Set<String>?] {
    inputs.map { _ in nil }
  }
  func narrowed(
    _ whole: [TypedStream], _ inputs: [TypedStream], for needed: [Set<String>]
  ) throws(Failure) -> [TypedStream] { try typed(inputs) }
  func carried(_ column: String, ofInput index: Int, _ inputs: [TypedStream]) throws(Failure) -> String? { nil }

  /// Whether all of it runs in one subtask.
  var isGathered: Bool { (0..<inputCounts.lowerBound).contains { arrival(ofInput: $0) == .gathered } }
  var isKeyed: Bool { (0..<inputCounts.lowerBound).contains { arrival(ofInput: $0) == .keyed } }
}

/// A kind that is one operator behind its inputs, and for some one in front of the exchange that its rows come over.
/// The others are put together by `JobAssembly`.
protocol PlannedStep: PlannedOperator {
  /// Whether rows that travel to it are combined before; then there is a `combiner`.
  var combines: Bool { get }
  /// What combines rows where they come from, so that fewer travel.
  func combiner(_ place: StepPlace) throws(Failure) -> Combiner
  /// Whether it keeps rows as it is given them, or hands them on: then it is given the columns that it reads alone also
  /// where rows do not travel.
  var keepsRows: Bool { get }
  /// What its operator keeps from one epoch to the next, the same as `StatefulOperator.stateTables` of the operator that
  /// `maker` makes; empty when it keeps nothing. A checkpoint of another version of the pipeline is compared with it
  /// before anything runs.
  func stateTables(_ place: StepPlace) throws(Failure) -> [StateTable]
  /// What makes the operator of a subtask.
  func maker(_ place: StepPlace) throws(Failure) -> (SubtaskContext) throws(Failure) -> any Operator
}

extension PlannedStep {
  var combines: Bool { false }
  var keepsRows: Bool { false }
  func stateTables(_ place: StepPlace) throws(Failure) -> [StateTable] { [] }
  func combiner(_ place: StepPlace) throws(Failure) -> Combiner {
    preconditionFailure("only a step that says so combines rows")
  }
}

/// An operator in front of an exchange.
struct Combiner {
  /// What travels.
  var schema: Schema
  /// The key's columns in it.
  var keys: [Int]
  var make: (SubtaskContext) throws(Failure) -> any Operator
}

/// What a planned step is made with.
struct StepPlace {
  /// Of the columns that it reads.
  var inputs: [TypedStream]
  /// Of all columns.
  var wholeInputs: [TypedStream]
  var outputs: [TypedStream]
  /// The node's uid, or a name made from its place in the plan.
  var name: String
  var code: any UserCode
  var options: ExecutionGraph.Options
  /// Whether what arrives has been combined.
  var isCombined = false
  /// What is said of the records that the operator sets aside; nil when it sets none aside.
  var quarantine: QuarantinePlace?

  /// The user functions of an instance's expressions.
  func functions(in context: SubtaskContext) -> any ScalarFunctionProvider {
    code.scalarFunctions(at: UserCodePlace(uid: name, subtask: context))
  }

  /// Where an instance gives the records that it sets aside: to the output behind its own.
  func quarantine(in context: SubtaskContext) -> Quarantine? {
    quarantine.map {
      Quarantine(
        $0, input: inputs[0].schema, output: outputs.count, metrics: context.metrics,
        behind: context.epoch.last)
    }
  }

  /// An operator each of whose calls stands alone, with the records set aside that its functions refuse.
  func guarded(_ operator: any Operator, in context: SubtaskContext) -> any Operator {
    guard let quarantine = quarantine(in: context) else { return `operator` }
    return QuarantineOperator(`operator`, quarantine, memory: context.stateMemory)
  }
}

extension Plan.Operator {
  /// What planning knows of it.
  var planned: any PlannedOperator {
    switch self {
    case .source(let source): source
    case .filter(let filter): filter
    case .select(let select): PlannedSelect(columns: select.columns)
    case .extend(let extend): PlannedExtend(columns: extend.columns)
    case .batchFunction(let function): function
    case .keyBy(let keyBy): keyBy
    case .aggregate(let aggregate): aggregate
    case .process(let process): process
    case .deduplicate(let deduplicate): deduplicate
    case .topN(let topN): topN
    case .latest(let latest): latest
    case .pattern(let pattern): pattern
    case .union(let union): union
    case .eventTime(let eventTime): eventTime
    case .window(let window): window
    case .join(let join): join
    case .windowChoice(let choice): choice
    case .sink(let sink): sink
    }
  }
}

extension Plan.Node {
  /// What a message calls it: "aggregate 'revenue'", "filter (node 3)".
  var placeName: String {
    let kind = `operator`.planned.kindName
    return if let uid { "\(kind) '\(uid)'" } else { "\(kind) (node \(id))" }
  }

  /// Its uid, or a name made from its place in the plan.
  var stableName: String { uid ?? "\(`operator`.planned.kindName)-\(id)" }
}
