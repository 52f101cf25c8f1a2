import Arrow
import Base
import Connectors
import Observability
import Operators
import VolleyPlan

/// Where the records of a job go on which a plugin's functions throw.
public struct QuarantineOptions: Sendable {
  /// A folder of its own for each operator is made there.
  public var directory: String
  /// How many records a subtask of an operator sets aside in an epoch, or in a run without checkpoints.
  public var limit: Int
  /// The plugin whose pipeline runs.
  public var plugin: QuarantinePlace.Plugin
  /// Whether the run takes epochs.
  public var hasEpochs: Bool
  /// Looks for records on which functions trap; nil where none is known to.
  public var search: TrapSearch?
  /// By the name of an operator, files of JSON lines with records that it set aside and is given again.
  public var feeds: [String: [String]]

  public init(
    directory: String, limit: Int, plugin: QuarantinePlace.Plugin, hasEpochs: Bool, search: TrapSearch? = nil,
    feeds: [String: [String]] = [:]
  ) {
    self.directory = directory
    self.limit = limit
    self.plugin = plugin
    self.hasEpochs = hasEpochs
    self.search = search
    self.feeds = feeds
  }
}

/// Whether the records on which an operator's functions throw can be set aside.
enum QuarantineVerdict {
  /// It calls no function of a plugin.
  case needless
  case possible(functions: [String])
  /// A call of it is about more than its records: the reason, as the end of a sentence.
  case impossible(functions: [String], String)
}

extension Plan.Operator {
  var quarantine: QuarantineVerdict {
    switch self {
    case .source, .sink, .union, .topN, .deduplicate, .latest: .needless
    case .filter(let filter): verdict(of: [filter.condition])
    case .select(let select): verdict(of: select.columns.map(\.expression))
    case .extend(let extend): verdict(of: extend.columns.map(\.expression))
    case .keyBy(let keyBy): verdict(of: keyBy.keys.map(\.expression))
    case .batchFunction(let function): .possible(functions: [function.function])
    case .process(let process): .possible(functions: [process.function])
    case .aggregate(let aggregate):
      refused(aggregate.aggregates.flatMap(\.functions), "its aggregates hold what came of the rows before")
    case .window(let window):
      if let function = window.function {
        .impossible(functions: [function.function], "it is called with whole windows")
      } else {
        refused(window.aggregates.flatMap(\.functions), "its windows hold what came of the rows before")
      }
    case .windowChoice(let choice): refused(choice.value.functions, "its windows hold what came of the rows before")
    case .eventTime(let time):
      refused(time.assigner.map { [$0.function] } ?? [], "its watermarks follow from the rows before")
    case .join(let join): refused(join.condition?.functions ?? [], "it is called with pairs of rows")
    case .pattern(let pattern):
      refused(pattern.steps.flatMap(\.condition.functions), "its matches hold the rows before")
    }
  }

  private func verdict(of expressions: [Expression]) -> QuarantineVerdict {
    let functions = expressions.flatMap(\.functions)
    return functions.isEmpty ? .needless : .possible(functions: functions)
  }

  private func refused(_ functions: [String], _ reason: String) -> QuarantineVerdict {
    functions.isEmpty ? .needless : .impossible(functions: functions, reason)
  }
}

extension Plan.AggregateCall {
  /// The functions of the plugin that it calls.
  fileprivate var functions: [String] {
    let own = user.map { [$0.function] + $0.arguments.flatMap(\.expression.functions) } ?? []
    return own + [argument, by, filter].compactMap { $0 }.flatMap(\.functions)
  }
}

extension Expression {
  /// The functions of the plugin that it calls.
  fileprivate var functions: [String] {
    switch self {
    case .column, .literal: []
    case .call(_, let arguments): arguments.flatMap(\.functions)
    case .cast(let value, _), .tryCast(let value, _): value.functions
    case .caseWhen(let branches, let otherwise):
      branches.flatMap { $0.condition.functions + $0.value.functions } + (otherwise?.functions ?? [])
    case .userFunction(let function): [function.function] + function.arguments.flatMap(\.functions)
    }
  }
}

extension ExecutionGraph {
  /// What an operator says of the records that it sets aside; nil when it sets none aside.
  func quarantine(of typed: TypedNode) -> QuarantinePlace? {
    guard let options = options.quarantine, case .possible(let functions) = typed.node.operator.quarantine else {
      return nil
    }
    var names: [String] = []
    for function in functions where !names.contains(function) { names.append(function) }
    return QuarantinePlace(
      uid: typed.node.stableName, function: names.joined(separator: ", "), plugin: options.plugin,
      limit: options.limit, hasEpochs: options.hasEpochs,
      search: isAsynchronous(typed) ? nil : options.search.flatMap { $0.suspects(functions) ? $0 : nil })
  }

  /// Its functions run on threads of the plugin's, which a copy of the process does not have.
  private func isAsynchronous(_ typed: TypedNode) -> Bool {
    if case .batchFunction(let function) = typed.node.operator { function.async != nil } else { false }
  }

  /// Whether there is an operator whose calls `QuarantineOptions.search` tries.
  public var searchesTraps: Bool { nodes.contains { quarantine(of: $0)?.search != nil } }

  /// The files with records that an operator is given again; nil when there are none.
  func feed(of typed: TypedNode) -> [String]? { Self.feed(of: typed, options, inPlace) }

  static func feed(of typed: TypedNode, _ options: Options, _ inPlace: Set<KeyedInput>) -> [String]? {
    guard let paths = options.quarantine?.feeds[typed.node.stableName],
      case .possible = typed.node.operator.quarantine, !typed.inputs[0].isChangelog
    else { return nil }
    // Its rows get their keys in the task that they come from.
    if case .keyBy = typed.node.operator { return nil }
    // Where rows stay in the subtask that other keys have brought them to, nothing tells which one is a record's.
    let isPlaced =
      typed.planned.isKeyed ? inPlace.contains(KeyedInput(node: typed.node.id, index: 0)) : !inPlace.isEmpty
    return isPlaced ? nil : paths
  }

  /// The names of operators that are to be given records again, and are not there or cannot take them.
  public var unfedOperators: [String] {
    let fed = Set(nodes.compactMap { feed(of: $0) == nil ? nil : $0.node.stableName })
    return (options.quarantine?.feeds.keys.filter { !fed.contains($0) } ?? []).sorted()
  }

  /// What a source of records that are given again is called in an epoch: what has a blank in it is of no plan.
  public static func feedName(of uid: String) -> String { "feed \(uid)" }

  /// The source of the records that an operator is given again.
  ///
  /// - Parameter input: the columns of the operator's input.
  func feedSource(
    _ paths: [String], _ place: QuarantinePlace, input: Schema, code: any UserCode
  ) throws(Failure) -> SourceFactory {
    let connector = Plan.Connector(
      name: "jsonlines", options: .object([.init("path", .array(paths.map { .string($0) }))]))
    let factory = try BuiltinConnectors.source(
      connector, schema: input.fields, badRecords: .stop, uid: Self.feedName(of: place.uid), codecs: code.codecs,
      log: log)
    guard let factory else { preconditionFailure("the host brings a source of JSON lines") }
    return factory
  }

  /// The sink of the records that an operator sets aside: files of JSON lines that each appear when they are complete, and
  /// never replace one of an earlier run.
  ///
  /// - Parameter input: the columns of the operator's input.
  func quarantineSink(_ place: QuarantinePlace, input: Schema) throws(Failure) -> SinkFactory {
    guard let directory = options.quarantine?.directory else {
      preconditionFailure("records are set aside where a directory is given")
    }
    guard place.uid != ".", place.uid != ".." else {
      throw Failure(
        .usage, "the uid '\(place.uid)' cannot be the name of a folder in the quarantine; give the operator another")
    }
    let connector = Plan.Connector(
      name: "jsonlines",
      options: .object([
        .init("path", .string("\(directory)/\(place.uid)/")), .init("rollInterval", .int(Self.quarantineSeconds)),
      ]))
    let factory = try BuiltinConnectors.sink(
      connector, schema: QuarantinePlace.schema(of: input), uid: "quarantine of \(place.uid)", log: log)
    guard let factory else { preconditionFailure("the host brings a sink of JSON lines") }
    return factory
  }

  /// How long a file of records waits for more where no epoch completes it.
  private static let quarantineSeconds: Int64 = 10

  /// The operators whose functions end the job when they throw, though a quarantine is asked for, and why: a sentence each.
  public var quarantineObjections: [String] {
    nodes.compactMap { typed in
      guard case .impossible(let functions, let reason) = typed.node.operator.quarantine else { return nil }
      let names = Set(functions).sorted().map { "'\($0)'" }.joined(separator: ", ")
      return
        "\(typed.node.placeName) ends the job when \(names) throws, also with --quarantine: \(reason)"
    }
  }
}
