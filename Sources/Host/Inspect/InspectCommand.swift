import Base
import Observability
import Planning
import PluginLoading
import VolleyPlan

/// `volley-host inspect`, in the worker: what a plugin offers, and what a pipeline of it would run as.
///
/// The plugin is described first, so that whoever looks for a missing parameter sees it; then a plan that cannot be made is
/// told as a failure.
struct InspectCommand {
  private let options: InspectOptions

  init(_ options: InspectOptions) { self.options = options }

  func run() throws(Failure) {
    let log = EventLog(minimum: .warning)
    let plugin = try LoadedPipeline.load(options.pipeline.plugin, log: log)
    let others = try LoadedPipeline.loadOthers(options.pipeline, log: log)
    // Without a choice among several pipelines there is no plan to show.
    let hasChoice = plugin.pipelines.count == 1 || options.pipeline.pipeline != nil
    let description = PluginDescription(plugin: plugin, chosen: hasChoice ? options.pipeline.pipeline : nil)
    if options.format == .tree { try printText(description.text) }
    guard hasChoice || options.format == .dot else {
      if options.format == .json { try printLine(description.json(plan: nil, graph: nil).text) }
      return
    }
    do throws(Failure) {
      let loaded = try LoadedPipeline(plugin, others, options.pipeline, log: log)
      let threads = options.threads ?? MachineResources().cores
      let graph = try ExecutionGraph(
        loaded.plan, code: loaded.code, options: ExecutionGraph.Options(parallelism: options.parallelism ?? threads))
      switch options.format {
      case .tree:
        let schemas = graph.inferred.map { "\nschema of source '\($0.uid)', found in its files: \($0.schema)\n" }
        let objections = graph.quarantineObjections.map { "\nquarantine: \($0)\n" }
        try printText("\nplan of \(graph.name)\n\(graph.tree)\(schemas.joined())\(objections.joined())")
        try printText("\n\(try graph.delivery().text)\n\(Self.replay(graph.replayObjections))")
      case .json:
        try printLine(
          description.json(
            plan: try loaded.plan.jsonValue, graph: graph.json, delivery: try graph.delivery().json,
            replay: graph.replayObjectionsJSON
          ).text)
      case .dot: try printText(graph.dot)
      }
    } catch {
      if options.format == .json { try printLine(description.json(plan: nil, graph: nil).text) }
      throw error
    }
  }

  /// Whether an epoch that is run again gives the rows that it gave.
  private static func replay(_ objections: [String]) -> String {
    if objections.isEmpty { return "replay of an epoch: gives the same rows\n" }
    return "replay of an epoch: may give other rows\n" + objections.map { "  \($0)\n" }.joined()
  }
}

extension Plan {
  fileprivate var jsonValue: JSONValue {
    get throws(Failure) {
      do {
        return try JSONValue.parse(PlanJSON.encode(self))
      } catch {
        throw Failure(.software, "the plan of '\(name)' cannot be written as JSON: \(error)")
      }
    }
  }
}
