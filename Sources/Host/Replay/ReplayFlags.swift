import Base
import VolleyPlan

/// The flags of `replay`.
enum ReplayFlags {
  static let plugin = Flag(
    "plugin", "PATH", fallbackWords: "the one that took the epoch, which the checkpoint folder has",
    expected: "the path of a plugin, lib….so",
    help:
      "the plugin whose pipeline runs, such as a debug build of it; then its connectors and codecs are those of the flags",
    read: { $0.isEmpty ? nil : $0 })
  static let pipeline = Flag(
    "pipeline", "NAME", fallbackWords: "as the epoch has it", expected: "the name of one of the plugin's pipelines",
    help: "which of the plugin's pipelines", read: { $0.isEmpty ? nil : $0 })
  static let set = Flag(
    "set", "NAME=VALUE", repeatable: true, expected: "a parameter and its value, as 'name=value'",
    help: "another value for one of the pipeline's parameters than the epoch has; again for more",
    read: { Assignment($0) })
  static let epoch = Flag(
    "epoch", "epoch-N|none", expected: "'epoch-' and a number, or 'none' for the beginning",
    help: "the epoch whose state and positions are gone on from",
    read: { $0 == "none" ? Epoch(0) : LookFlags.epoch($0) })
  static let to = Flag(
    "to", "epoch-N", fallbackWords: "the complete one that follows --epoch", expected: "'epoch-' and a number",
    help: "the epoch whose positions are read up to", read: { LookFlags.epoch($0) })
  static let output = Flag(
    "output", "PATH", fallbackWords: "the folder replay-N-M, by the epochs' numbers", expected: "a file, or a folder",
    help:
      "the JSON-lines file that is written in the place of the pipeline's only sink; or, with '/' at its end or when it is there, a "
      + "folder for a file UID.jsonl of each sink",
    read: { $0.isEmpty ? nil : $0 })
  static let stateDirectory = Flag(
    "state-dir", "PATH", fallbackWords: "TMPDIR, else /tmp", expected: "the path of a folder",
    help:
      "where a folder for the state is made, which is removed at the end; on the checkpoints' file system files are linked, not "
      + "copied",
    read: { $0.isEmpty ? nil : $0 })
  static let twice = Flag<Bool>(
    "twice", nil, expected: "nothing",
    help: "run it two times, and show the first row that is in one run and not in the other", read: { _ in true })

  static let all: [FlagEntry] = [
    LookFlags.directory.entry, epoch.entry, to.entry, output.entry, twice.entry, plugin.entry, pipeline.entry,
    RunFlags.connector.entry, RunFlags.codec.entry, set.entry, RunFlags.threads.entry, RunFlags.memoryLimit.entry,
    stateDirectory.entry, RunFlags.logFormat.entry,
  ]
}

/// What `replay` was asked to run again.
struct ReplayOptions: Sendable {
  var directory: String
  /// 0: from the beginning.
  var epoch: Epoch
  /// Nil: the complete one that follows.
  var to: Epoch?
  /// Nil: a folder by the epochs.
  var output: String?
  var isTwice: Bool
  /// Nil: that of the epoch, with its connectors and codecs.
  var plugin: String?
  var pipeline: String?
  var connectors: [String]
  var codecs: [String]
  var parameters: [Assignment]
  var threads: Int?
  var memoryLimit: MemoryLimit
  var stateDirectory: String?
  var logFormat: LogFormat

  init(_ arguments: some Collection<String>, environment: [String: String]) throws(Failure) {
    let flags = try ParsedFlags(arguments, flags: ReplayFlags.all, verb: "replay", environment: environment)
    if let word = flags.words.first {
      throw Failure(.usage, "unexpected '\(word)' after 'replay': it takes flags only")
    }
    directory = try flags.checkpointDirectory("replay").path
    guard let epoch = try flags.value(ReplayFlags.epoch) else {
      throw Failure(
        .usage,
        "--epoch is missing: name the epoch whose state is gone on from, as in 'volley-host replay --checkpoint-dir DIR --epoch 7', or "
          + "'none' for the beginning; 'volley-host checkpoints list' shows them")
    }
    self.epoch = epoch
    to = try flags.value(ReplayFlags.to)
    if let to, to <= epoch {
      throw Failure(.usage, "--to \(to.name) does not lie behind --epoch \(epoch.name); name a later one")
    }
    output = try flags.value(ReplayFlags.output)
    isTwice = flags.isOn(ReplayFlags.twice)
    plugin = try flags.value(ReplayFlags.plugin)
    pipeline = try flags.value(ReplayFlags.pipeline)
    connectors = try flags.values(RunFlags.connector)
    codecs = try flags.values(RunFlags.codec)
    if plugin == nil {
      for flag in [RunFlags.connector.entry, RunFlags.codec.entry] where flags.isGiven(flag) {
        throw Failure(
          .usage,
          "--\(flag.name) goes with --plugin: without it the plugins are those that took the epoch; leave it out")
      }
    }
    parameters = try flags.values(ReplayFlags.set)
    try refuseDoubles(parameters, flag: "set")
    threads = try flags.value(RunFlags.threads)
    memoryLimit = try flags.required(RunFlags.memoryLimit)
    stateDirectory = try flags.value(ReplayFlags.stateDirectory)
    logFormat = try flags.required(RunFlags.logFormat)
  }
}
