import VolleyPlan

extension ExecutionGraph {
  /// The operators for which an epoch that is run again may give other rows than it gave, and why: a sentence each.
  public var replayObjections: [String] {
    nodes.flatMap { typed in replayObjections(of: typed).map { "\(typed.node.placeName) \($0)" } }
  }

  /// The same for programs.
  public var replayObjectionsJSON: JSONValue {
    .array(
      nodes.flatMap { typed in
        replayObjections(of: typed).map { reason in
          JSONValue.object([
            .init("uid", typed.node.uid.map { .string($0) } ?? .null),
            .init("operator", .string(typed.planned.kindName)), .init("reason", .string(reason)),
          ])
        }
      })
  }

  /// Why a run of the same rows from the same state may give others: each a fragment behind the operator's name.
  private func replayObjections(of typed: TypedNode) -> [String] {
    let isOfChanges = typed.inputs.contains(where: \.isChangelog)
    return switch typed.node.operator {
    case .source, .filter, .select, .extend, .keyBy, .latest, .union, .pattern, .sink: []
    case .batchFunction(let function): function.async.map(objections) ?? []
    case .aggregate(let aggregate):
      aggregate.emission == .perRecord ? [] : ["tells the results of a batch, and how rows are put in batches differs"]
    case .process(let process):
      process.states.contains { $0.timeToLive != nil } ? [Self.forgets] : []
    case .deduplicate(let deduplicate):
      (deduplicate.by.isEmpty && !isOfWholeRows(typed) ? ["takes rows as they arrive"] : [])
        + (deduplicate.timeToLive == nil ? [] : [Self.forgets])
    case .topN(let topN):
      (topN.emission == .final ? [] : ["tells what changes, in the order in which rows arrive"])
        + (topN.timeToLive == nil ? [] : [Self.forgets])
    case .eventTime(let eventTime): objections(eventTime)
    case .window(let window): objections(window)
    case .windowChoice(let choice): choice.time == .processing ? [Self.byProcessingTime] : []
    case .join(let join): objections(join, isOfChanges: isOfChanges)
    }
  }

  /// Rows of equal keys are equal.
  private func isOfWholeRows(_ typed: TypedNode) -> Bool {
    guard let producer = byID[typed.node.inputs[0].node], case .keyBy(let keyBy) = producer.node.operator else {
      return false
    }
    return keyBy.everyColumn == true
  }

  private static let byProcessingTime = "goes by processing time"
  private static let forgets = "forgets by processing time"

  private func objections(_ settings: Plan.AsyncSettings) -> [String] {
    ["is asynchronous: whom it asks may answer otherwise"]
      + (settings.order == .unordered ? ["gives answers in the order in which they come"] : [])
  }

  private func objections(_ eventTime: Plan.EventTime) -> [String] {
    (eventTime.idleTimeout == nil ? [] : ["takes a stream for idle by processing time"])
      + (eventTime.assigner?.period == nil ? [] : ["asks for watermarks by processing time"])
  }

  private func objections(_ window: Plan.Window) -> [String] {
    var found: [String] = []
    if case .count = window.assigner { found.append("counts rows as they arrive") }
    if window.time == .processing { found.append(Self.byProcessingTime) }
    if window.trigger?.everyRows != nil { found.append("tells results by the count of rows, looked at once a batch") }
    if window.trigger?.every != nil { found.append("tells results by processing time") }
    if window.emission == .updating && window.trigger == nil {
      found.append("corrects results, once for all late rows of a batch")
    }
    return found
  }

  private func objections(_ join: Plan.Join, isOfChanges: Bool) -> [String] {
    switch join.bounds {
    case .unbounded(let bounds):
      // A pair is told when its second row has come, whichever that is; what is taken back depends on the order.
      ([.inner, .semi].contains(join.kind) && !isOfChanges ? [] : ["tells rows as partners arrive"])
        + (bounds.timeToLive == nil ? [] : [Self.forgets])
    case .side(let side): side.awaited ? [] : ["joins rows with what has come so far of the other input"]
    case .interval, .window, .version: []
    }
  }
}
