import Base
import VolleyPlan

/// What `volley-host` can be told to do.
enum Verb: String, CaseIterable, Sendable {
  case run, inspect, check, checkpoints, state, savepoint, quarantine, replay, new, sdk, version, bench, help

  /// For the list of verbs.
  var summary: String {
    switch self {
    case .run: "run a plugin's pipeline (the verb when none is given)"
    case .inspect: "show a plugin's metadata and parameters, and a pipeline's plan"
    case .check: "show what would become of a checkpoint in another version of the pipeline"
    case .checkpoints: "list, show, verify or prune the epochs of a checkpoint folder"
    case .state: "print keys and values of an epoch's state, or the difference of two epochs"
    case .savepoint: "have the running job take a savepoint"
    case .quarantine: "list, show or feed again the records that functions of a plugin refused"
    case .replay: "run a past epoch again into a local file, in this process"
    case .new: "write a new pipeline package"
    case .sdk: "'sdk update' refreshes the SDK in a pipeline package"
    case .version: "show the versions of host, ABI, plan and SDK"
    case .bench: "measure this build on this machine"
    case .help: "explain a verb and its flags"
    }
  }

  /// How it is called.
  var usage: String {
    switch self {
    case .run: "volley-host [run] --plugin libmypipe.so [flags]"
    case .inspect: "volley-host inspect --plugin libmypipe.so [flags]"
    case .check: "volley-host check --plugin libmypipe.so --checkpoints DIR [flags]"
    case .checkpoints:
      "volley-host checkpoints \(CheckpointsCommand.words.joined(separator: "|")) --checkpoint-dir DIR [flags]"
    case .state: "volley-host state \(StateCommand.words.joined(separator: "|")) --uid UID --checkpoint-dir DIR [flags]"
    case .savepoint: "volley-host savepoint --checkpoint-dir DIR"
    case .quarantine:
      "volley-host quarantine \(QuarantineCommand.words.joined(separator: "|")) --quarantine DIR [flags]"
    case .replay: "volley-host replay --checkpoint-dir DIR --epoch epoch-N|none [--to epoch-M] [flags]"
    case .new: "volley-host new NAME [--sdk PATH]"
    case .sdk: "volley-host sdk update [FOLDER]"
    case .version: "volley-host version"
    case .bench: "volley-host bench [\(BenchCommand.Subject.words.joined(separator: "|"))] [flags]"
    case .help: "volley-host help [VERB]"
    }
  }

  var flags: [FlagEntry] {
    switch self {
    case .run: RunFlags.run
    case .inspect: RunFlags.inspect
    case .check: LookFlags.check
    case .checkpoints: LookFlags.checkpoints
    case .state: LookFlags.state
    case .savepoint: LookFlags.savepoint
    case .quarantine: QuarantineCommand.flags
    case .replay: ReplayFlags.all
    case .new: NewOptions.flags
    case .bench: BenchCommand.flags
    case .sdk, .version, .help: []
    }
  }

  /// Splits a command line into the verb and what follows it: flags without a verb mean `run`.
  ///
  /// - Throws: `usage`, with the nearest verb, when the first word is none.
  static func split(_ arguments: ArraySlice<String>) throws(Failure) -> (Verb, ArraySlice<String>) {
    guard let first = arguments.first else { return (.run, []) }
    if first == "--version" { return (.version, arguments.dropFirst()) }
    if first == "--help" || first == "-h" { return (.help, arguments.dropFirst()) }
    let asksForHelp = arguments.contains("--help") || arguments.contains("-h")
    if first.hasPrefix("-") { return asksForHelp ? (.help, [Verb.run.rawValue]) : (.run, arguments) }
    guard let verb = Verb(rawValue: first) else { throw unknown(first) }
    return asksForHelp ? (.help, [first]) : (verb, arguments.dropFirst())
  }

  private static func unknown(_ word: String) -> Failure {
    if word.hasSuffix(".so") {
      return Failure(.usage, "'\(word)' is no verb: to run a plugin write 'volley-host --plugin \(word)'")
    }
    let names = allCases.map(\.rawValue)
    if let nearest = nearestName(to: word, among: names) {
      return Failure(.usage, "'\(word)' is no verb; did you mean '\(nearest)'?")
    }
    return Failure(.usage, "'\(word)' is no verb: the verbs are \(names.joined(separator: ", "))")
  }
}
