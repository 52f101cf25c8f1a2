import Base
import Checkpointing
import VolleyPlan

/// The flags of the verbs that look into a checkpoint folder.
enum LookFlags {
  static let directory = Flag(
    "checkpoint-dir", "PATH", variable: "VOLLEY_CHECKPOINT_DIR", expected: "the path of a folder",
    help: "the folder of the job's checkpoints", read: { $0.isEmpty ? nil : $0 })
  static let epoch = Flag(
    "epoch", "epoch-N", fallbackWords: "the newest complete one", expected: "'epoch-' and a number",
    help: "which epoch", read: { epoch($0) })
  static let before = Flag(
    "before", "epoch-N", fallbackWords: "the one before --epoch", expected: "'epoch-' and a number",
    help: "for 'diff': which epoch to compare with", read: { epoch($0) })
  static let uid = Flag(
    "uid", "UID", expected: "the uid of an operator with state", help: "which operator's state",
    read: { $0.isEmpty ? nil : $0 })
  static let key = Flag(
    "key", "JSON", expected: "a key as JSON",
    help:
      "only entries of this key: a value, such as 7 or '\"anna\"' (or just anna), or an object with every key column",
    read: { $0.isEmpty ? nil : $0 })
  static let table = Flag(
    "table", "NAME", fallbackWords: "all", expected: "the name of a part of the operator's state",
    help: "only this part of the operator's state", read: { $0.isEmpty ? nil : $0 })
  static let json = Flag<Bool>("json", nil, expected: "nothing", help: "JSON in the place of text", read: { _ in true })
  static let drop = Flag(
    "drop", "epoch-N", repeatable: true, expected: "'epoch-' and a number",
    help: "for 'prune': remove this epoch too, also when it is a savepoint; again for more", read: { epoch($0) })
  static let timeout = Flag(
    "timeout", "DURATION", fallback: "10m", expected: "a duration with its unit, at most 1d, such as '30s'",
    help: "how long to wait for the savepoint",
    read: { text in duration(from: text).flatMap { $0 <= .seconds(86_400) ? $0 : nil } })

  static let checkpoints: [FlagEntry] = [
    directory.entry, epoch.entry, CheckpointFlags.retain.entry, drop.entry, json.entry,
  ]
  static let state: [FlagEntry] = [
    directory.entry, uid.entry, key.entry, table.entry, epoch.entry, before.entry,
  ]
  static let savepoint: [FlagEntry] = [directory.entry, timeout.entry]
  static let check: [FlagEntry] = [
    RunFlags.plugin.entry, RunFlags.pipeline.entry, RunFlags.connector.entry, RunFlags.codec.entry, RunFlags.set.entry,
    RunFlags.parallelism.entry, directory.entry, CheckpointFlags.from.entry, CheckpointFlags.dropState.entry,
    CheckpointFlags.resetSource.entry, CheckpointFlags.renameUID.entry, json.entry,
  ]

  static func epoch(_ text: String) -> Epoch? {
    // Just the number will do.
    let digits = text.hasPrefix("epoch-") ? text.dropFirst(6) : Substring(text)
    return digits.allSatisfy { $0.isASCII && $0.isNumber } ? UInt64(digits).map { Epoch($0) } : nil
  }
}

extension ParsedFlags {
  /// The checkpoint folder, which has to be there.
  func checkpointDirectory(_ verb: String) throws(Failure) -> CheckpointDirectory {
    guard let path = try value(LookFlags.directory) else {
      throw Failure(
        .usage,
        "--checkpoint-dir is missing: name the folder of the job's checkpoints, as in 'volley-host \(verb) --checkpoint-dir DIR', or "
          + "set VOLLEY_CHECKPOINT_DIR")
    }
    let directory = CheckpointDirectory(path)
    do throws(StorageProblem) { _ = try directory.storage.entries(path) } catch {
      throw error.failure(directory.place)
    }
    return directory
  }

  /// The first word behind a verb, one of those known.
  func word(of verb: String, among known: [String]) throws(Failure) -> String {
    guard let word = words.first else {
      throw Failure(.usage, "'\(verb)' needs a word: \(known.joined(separator: ", "))")
    }
    guard known.contains(word) else {
      let hint =
        nearestName(to: word, among: known).map { "did you mean '\($0)'?" }
        ?? "known are \(known.joined(separator: ", "))"
      throw Failure(.usage, "'\(verb)' has no '\(word)'; \(hint)")
    }
    guard words.count == 1 else {
      throw Failure(.usage, "'\(verb) \(word)' takes no further word, found '\(words[1])'")
    }
    return word
  }

  /// Refuses flags of the verb that mean nothing to one of its words.
  func refuse(_ flags: [FlagEntry], in place: String) throws(Failure) {
    for flag in flags where isGiven(flag) {
      throw Failure(.usage, "--\(flag.name) means nothing to '\(place)'; leave it out")
    }
  }
}

extension CheckpointDirectory {
  /// A complete epoch.
  ///
  /// - Parameter epoch: nil for the newest.
  func chosen(_ epoch: Epoch?) throws(Failure) -> Manifest {
    if let epoch { return try manifest(epoch) }
    guard let newest = Recovery.line(try epochs()).first else {
      throw Failure(.noInput, "\(place): has no complete epoch")
    }
    return newest
  }
}
