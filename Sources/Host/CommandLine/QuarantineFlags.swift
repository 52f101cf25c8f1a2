import Base

/// The flags of `run` that say where records go on which a plugin's functions throw.
enum QuarantineFlags {
  static let directory = Flag(
    "quarantine", "PATH", variable: "VOLLEY_QUARANTINE", fallbackWords: "none: such a record ends the job",
    expected: "the path of a folder",
    help:
      "set records on which a function of the plugin throws aside, in JSON lines in a folder of this one for each operator; with "
      + "--checkpoint-dir also those on which it traps; 'inspect' names the functions for which that cannot be done, 'quarantine' shows "
      + "the records and feeds them again",
    read: { $0.isEmpty ? nil : $0 })
  static let limit = Flag(
    "quarantine-limit", "N", variable: "VOLLEY_QUARANTINE_LIMIT", fallback: "100",
    expected: "a whole number from 1 to 1000000",
    help:
      "how many records a subtask of an operator sets aside in an epoch, or in a run without checkpoints; one more ends the job",
    read: RunFlags.count(upTo: 1_000_000))

  /// For the verb.
  static let folder = Flag(
    "quarantine", "PATH", variable: "VOLLEY_QUARANTINE", expected: "the path of a folder",
    help: "the folder that the job's --quarantine names", read: { $0.isEmpty ? nil : $0 })

  static let all: [FlagEntry] = [directory.entry, limit.entry]
}

/// Where a run sets records aside.
struct QuarantineChoice: Sendable {
  var directory: String
  var limit: Int

  /// Nil without `--quarantine`.
  ///
  /// - Throws: `usage` for a limit of what is not done.
  init?(_ flags: ParsedFlags) throws(Failure) {
    guard let directory = try flags.value(QuarantineFlags.directory) else {
      if flags.isGiven(QuarantineFlags.limit.entry) {
        throw Failure(
          .usage,
          "--quarantine-limit (or VOLLEY_QUARANTINE_LIMIT) means nothing to a run that sets no records aside: add --quarantine, or "
            + "leave it out")
      }
      return nil
    }
    self.directory = directory.count > 1 && directory.hasSuffix("/") ? String(directory.dropLast()) : directory
    limit = try flags.required(QuarantineFlags.limit)
  }
}
