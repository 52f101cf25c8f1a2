import Base
import Checkpointing
import Observability
import Planning
import PluginLoading

/// What `check` was asked to compare.
struct CheckOptions: Sendable {
  var pipeline: PipelineOptions
  var parallelism: Int?
  var directory: String
  var from: RestorePoint
  var choices: PipelineComparison.Choices
  var asJSON: Bool

  init(_ arguments: some Collection<String>, environment: [String: String]) throws(Failure) {
    // The folder's other name.
    let spelled = arguments.map { argument in
      argument == "--checkpoints" || argument.hasPrefix("--checkpoints=")
        ? "--checkpoint-dir" + argument.dropFirst("--checkpoints".count) : argument
    }
    let flags = try ParsedFlags(spelled, flags: LookFlags.check, verb: "check", environment: environment)
    pipeline = try PipelineOptions(flags, verb: "check", environment: environment)
    parallelism = try flags.value(RunFlags.parallelism)
    directory = try flags.checkpointDirectory("check").path
    from = try flags.value(CheckpointFlags.from) ?? .latest
    if from == .none { throw Failure(.usage, "--from none goes on from nothing: there is nothing to check") }
    choices = try PipelineComparison.Choices(flags)
    asJSON = flags.isOn(LookFlags.json)
  }
}

/// `volley-host check`, in the worker: what would become of an epoch's state in another version of the pipeline. Runs nothing and
/// writes nothing.
struct CheckCommand {
  private let options: CheckOptions

  init(_ options: CheckOptions) { self.options = options }

  /// Returns the exit code: 0 when the pipeline can go on, 69 when it is refused.
  func run() throws(Failure) -> Int32 {
    let directory = CheckpointDirectory(options.directory)
    let loaded = try LoadedPipeline(options.pipeline, log: EventLog(minimum: .warning))
    let graph = try ExecutionGraph(
      loaded.plan, code: loaded.code,
      options: ExecutionGraph.Options(parallelism: options.parallelism ?? MachineResources().cores))
    let decision = try Recovery.decide(
      options.from, try directory.epochs(), job: graph.name, place: directory.place
    ) { directory.damage(of: $0, depth: .sizes) }
    guard let manifest = decision.manifest else {
      throw Failure(.noInput, "\(directory.place): has no complete epoch to go on from")
    }
    for damaged in decision.damaged { complain("volley-host: \(oneLine(damaged.message))") }
    let comparison = try CheckpointSession.compare(
      manifest, loaded.plan, try graph.assembled(code: loaded.code).states, options.choices)
    if options.asJSON {
      try printLine(comparison.json.text)
    } else {
      try printText("from \(manifest.epoch.name):\n\(comparison.text)")
    }
    return comparison.isRefused ? Failure.Kind.plugin.exitCode : 0
  }
}
