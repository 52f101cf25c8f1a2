import Checkpointing

/// The flags of `run` that say what it keeps for the next one, and how it goes on.
enum CheckpointFlags {
  static let directory = Flag(
    "checkpoint-dir", "PATH", variable: "VOLLEY_CHECKPOINT_DIR", fallbackWords: "none: the run keeps no checkpoints",
    expected: "the path of a folder",
    help: "the folder of the job's checkpoints: it goes on from the newest one, and nothing is lost or counted twice",
    read: { $0.isEmpty ? nil : $0 })
  static let interval = Flag(
    "checkpoint-interval", "DURATION", variable: "VOLLEY_CHECKPOINT_INTERVAL", fallback: "10s",
    expected: "a duration with its unit, from 10ms to 1d, such as '10s' or '1m'",
    help: "how long after the start of an epoch the next one begins",
    read: { text in duration(from: text).flatMap { (.milliseconds(10) ... .seconds(86_400)).contains($0) ? $0 : nil } })
  static let timeout = Flag(
    "checkpoint-timeout", "DURATION", variable: "VOLLEY_CHECKPOINT_TIMEOUT", fallback: "10m",
    expected: "a duration with its unit, from 10ms to 1d, such as '5m'",
    help: "how long an epoch may take before it is given up; the job goes on without it",
    read: { text in duration(from: text).flatMap { (.milliseconds(10) ... .seconds(86_400)).contains($0) ? $0 : nil } })
  static let retain = Flag(
    "retain", "N", variable: "VOLLEY_RETAIN", fallback: "3", expected: "a whole number from 1 to 1000",
    help: "complete epochs that are kept, beside savepoints, which are kept for ever", read: RunFlags.count(upTo: 1000))
  static let stateDirectory = Flag(
    "state-dir", "PATH", variable: "VOLLEY_STATE_DIR", fallbackWords: "'state' in the checkpoint folder",
    expected: "the path of a folder",
    help:
      "the folder of the state that is worked on; on the file system of --checkpoint-dir files are linked, not copied",
    read: { $0.isEmpty ? nil : $0 })
  static let from = Flag(
    "from", "epoch-N|savepoint|none", fallbackWords: "the newest good epoch",
    expected: "'epoch-' and a number, 'savepoint' for the newest one, or 'none' to begin with nothing",
    help: "where the run goes on from; restarts after its first complete epoch go on from its newest",
    read: { RestorePoint($0) })
  static let dropState = Flag(
    "drop-state", "UID", repeatable: true, expected: "the uid of an operator",
    help: "leave behind the state of an operator that the pipeline no longer has, or has with state of another form; "
      + "again for more",
    read: { $0.isEmpty ? nil : $0 })
  static let resetSource = Flag(
    "reset-source", "UID", repeatable: true, expected: "the uid of a source",
    help: "read a source from its start when it changed so that its positions mean nothing; again for more",
    read: { $0.isEmpty ? nil : $0 })
  static let renameUID = Flag(
    "rename-uid", "OLD=NEW", repeatable: true, expected: "two uids, as 'old=new'",
    help: "what the checkpoint calls OLD is the pipeline's NEW; again for more",
    read: { text in Assignment(text).flatMap { $0.value.isEmpty ? nil : $0 } })
  static let restartLimit = Flag(
    "restart-limit", "N", variable: "VOLLEY_RESTART_LIMIT", fallback: "10",
    expected: "a whole number from 0 to 1000000",
    help: "how often in a row a job that died is started again; then volley-host ends with 70",
    read: number(upTo: 1_000_000))
  static let restartDelay = Flag(
    "restart-delay", "DURATION", variable: "VOLLEY_RESTART_DELAY", fallback: "1s",
    expected: "a duration with its unit, at most 1h, such as '1s'",
    help: "how long a job that died waits for its first restart; each further one in a row waits twice as long",
    read: { text in duration(from: text).flatMap { $0 <= .seconds(3600) ? $0 : nil } })
  static let restartDelayLimit = Flag(
    "restart-delay-limit", "DURATION", variable: "VOLLEY_RESTART_DELAY_LIMIT", fallback: "1m",
    expected: "a duration with its unit, at most 1d, such as '1m'",
    help: "the longest wait before a restart",
    read: { text in duration(from: text).flatMap { $0 <= .seconds(86_400) ? $0 : nil } })
  static let restartReset = Flag(
    "restart-reset", "DURATION", variable: "VOLLEY_RESTART_RESET", fallback: "10m",
    expected: "a duration with its unit, at most 1d, such as '10m'",
    help: "a job that ran this long and completed an epoch has its restarts counted from the beginning",
    read: { text in duration(from: text).flatMap { $0 <= .seconds(86_400) ? $0 : nil } })
  static let probationDeaths = Flag(
    "probation-deaths", "N", variable: "VOLLEY_PROBATION_DEATHS", fallback: "3",
    expected: "a whole number from 1 to 1000",
    help:
      "how often a plugin that replaced another may die before its first complete epoch; then the former one runs again",
    read: RunFlags.count(upTo: 1000))

  /// Without `--checkpoint-dir` those behind it mean nothing.
  static let all: [FlagEntry] = [
    directory.entry, interval.entry, timeout.entry, retain.entry, stateDirectory.entry, from.entry, dropState.entry,
    resetSource.entry, renameUID.entry, restartLimit.entry, restartDelay.entry, restartDelayLimit.entry,
    restartReset.entry, probationDeaths.entry,
  ]

  private static func number(upTo bound: Int) -> @Sendable (String) -> Int? {
    { text in
      guard text.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(text), number <= bound else { return nil }
      return number
    }
  }
}
