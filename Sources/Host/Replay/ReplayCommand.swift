import Base
import Checkpointing
import Connectors
import Glibc
import Observability
import PluginLoading
import VolleyPlan

/// `volley-host replay`: runs a past epoch again, in this process, so that a debugger sees it. Nothing of the checkpoint
/// directory is touched, and the pipeline's own sinks are left alone.
struct ReplayCommand {
  private let options: ReplayOptions

  init(_ options: ReplayOptions) { self.options = options }

  /// Returns the exit code: 0, or that of bad data when two runs differ.
  func run() throws(Failure) -> Int32 {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    OpenFileLimit.raise()
    StandardOutput.keepFromPlugins()
    let log = Console(options.logFormat).log
    let range = try ReplayRange(options.directory, from: options.epoch, to: options.to)
    let pipeline = try PipelineOptions(options, of: range.end, in: range.directory)
    let plugins = (
      own: try LoadedPipeline.load(pipeline.plugin, log: log), others: try LoadedPipeline.loadOthers(pipeline, log: log)
    )
    let run = ReplayRun(range: range, options: options, pipeline: pipeline, log: log)
    let written = try run.run(0, plugins: plugins)
    let output = try ReplayOutput(options.output, range, sinks: written.map(\.sink))
    try printLine("ran \(range.name) again")
    for sink in written {
      try printLine("sink '\(sink.sink)': \(sink.rows) rows in \(output.path(ofSink: sink.sink, run: 0))")
    }
    guard options.isTwice else { return 0 }
    _ = try run.run(1, plugins: plugins)
    for sink in output.sinks {
      let paths = [0, 1].map { output.path(ofSink: sink, run: $0) }
      if let difference = ReplayDifference(sink: sink, try Self.lines(paths[0]), try Self.lines(paths[1])) {
        try printText(difference.text)
        return Failure.Kind.data.exitCode
      }
    }
    output.removeSecond(badRecordsOf: range.end.stages.filter { $0.role == .source }.map(\.id))
    try printLine("ran it twice: the rows are the same")
    return 0
  }

  private static func lines(_ path: String) throws(Failure) -> [String] {
    let bytes: [UInt8]
    do throws(StorageProblem) { bytes = try DiskStorage().read(path) } catch {
      throw error.failure("the rows of a run")
    }
    return bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Runs this program again, in this process, when hashes in it do not have the seed that they have in workers: a runtime reads that
  /// once, before anything else.
  static func fixHashing(_ environment: [String: String], arguments: [String]) {
    let name = "SWIFT_DETERMINISTIC_HASHING"
    guard environment[name] != "1" else { return }
    setenv(name, "1", 1)
    var words = arguments.map { strdup($0) }
    words.append(nil)
    // When it cannot be, all goes on with hashes that differ from run to run.
    execv("/proc/self/exe", &words)
    for word in words { free(word) }
  }
}
