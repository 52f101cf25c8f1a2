import Base
import Checkpointing
import Planning

extension Epoch {
  /// What the checkpoint folder calls it.
  var name: String { "epoch-\(number)" }
}

/// What a run keeps for the next one, and how it goes on from the last.
struct CheckpointOptions: Sendable {
  var directory: String
  var stateDirectory: String
  var interval: Duration
  var timeout: Duration
  /// Complete epochs that are kept.
  var retain: Int
  var from: RestorePoint
  /// What the user says of the difference between the pipeline that made a checkpoint and this one.
  var choices: PipelineComparison.Choices
  var restarts: RestartLimits

  /// Nil without `--checkpoint-dir`.
  ///
  /// - Throws: `usage` for a flag that means nothing without it, and for those that contradict each other.
  init?(_ flags: ParsedFlags) throws(Failure) {
    guard let directory = try flags.value(CheckpointFlags.directory) else {
      for flag in CheckpointFlags.all where flags.isGiven(flag) {
        throw Failure(
          .usage,
          "--\(flag.name)\(flag.variable.map { " (or \($0))" } ?? "") means nothing to a run that keeps no checkpoints: add "
            + "--checkpoint-dir, or leave it out")
      }
      return nil
    }
    self.directory = directory
    stateDirectory =
      try flags.value(CheckpointFlags.stateDirectory)
      ?? (directory.hasSuffix("/") ? "\(directory)state" : "\(directory)/state")
    interval = try flags.required(CheckpointFlags.interval)
    timeout = try flags.required(CheckpointFlags.timeout)
    retain = try flags.required(CheckpointFlags.retain)
    from = try flags.value(CheckpointFlags.from) ?? .latest
    choices = try PipelineComparison.Choices(flags)
    restarts = try RestartLimits(flags)
  }
}

extension PipelineComparison.Choices {
  init(_ flags: ParsedFlags) throws(Failure) {
    let renames = try flags.values(CheckpointFlags.renameUID)
    try refuseDoubles(renames, flag: CheckpointFlags.renameUID.entry.name)
    let dropped = Set(try flags.values(CheckpointFlags.dropState))
    var owners: [String: String] = [:]
    for rename in renames {
      if rename.name == rename.value {
        throw Failure(.usage, "--rename-uid \(rename.name)=\(rename.value) changes nothing; leave it out")
      }
      if let other = owners.updateValue(rename.name, forKey: rename.value) {
        throw Failure(
          .usage, "--rename-uid makes '\(rename.value)' of both '\(other)' and '\(rename.name)'; leave one out")
      }
      if dropped.contains(rename.name) {
        throw Failure(.usage, "'\(rename.name)' is both renamed and dropped; leave out --rename-uid or --drop-state")
      }
    }
    self.init(
      dropped: dropped, reset: Set(try flags.values(CheckpointFlags.resetSource)),
      renamed: Dictionary(uniqueKeysWithValues: renames.map { ($0.name, $0.value) }))
  }
}

extension RestartLimits {
  init(_ flags: ParsedFlags) throws(Failure) {
    self.init(
      restarts: try flags.required(CheckpointFlags.restartLimit),
      delay: try flags.required(CheckpointFlags.restartDelay),
      longestDelay: try flags.required(CheckpointFlags.restartDelayLimit),
      resetAfter: try flags.required(CheckpointFlags.restartReset),
      probationDeaths: try flags.required(CheckpointFlags.probationDeaths))
  }
}
