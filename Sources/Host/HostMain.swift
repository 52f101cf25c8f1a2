import Base
import Glibc

/// All of `volley-host`: does what the command line asks and returns the exit code.
public func hostMain() -> Int32 {
  holdStandardDescriptors()
  let arguments = CommandLine.arguments
  let environment = environmentVariables()
  if let (identity, rest) = WorkerIdentity.split(arguments.dropFirst()) {
    Worker(identity).main(rest, environment: environment)
  }
  do {
    let (verb, rest) = try Verb.split(arguments.dropFirst())
    return try perform(verb, Array(rest), program: arguments.first ?? "volley-host", environment: environment)
  } catch {
    Complaint(error).tell(.auto)
    return error.kind.exitCode
  }
}

/// Opens /dev/null in the place of a standard descriptor that is closed, so that no file or pipe of our own gets its number and is
/// taken for standard input or output. Standard output is opened for reading: what is written there, which nobody would get, fails.
private func holdStandardDescriptors() {
  for descriptor in 0...2 where fcntl(Int32(descriptor), F_GETFD) < 0 {
    _ = open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY)
  }
}

private func perform(
  _ verb: Verb, _ arguments: [String], program: String, environment: [String: String]
) throws(Failure) -> Int32 {
  switch verb {
  case .run:
    // Wrong flags are told before any process is started.
    let options = try RunOptions(arguments, environment: environment)
    let worker = WorkerArguments([verb.rawValue] + arguments, environment: environment)
    let log = Console(options.logFormat).log
    let health = try HealthPort.open(options.health, log: log)
    defer { health?.close() }
    guard let checkpoints = options.checkpoints else {
      return try supervise(
        worker, program, logFormat: options.logFormat, stopTimeout: options.stopTimeout, health: health?.descriptor)
    }
    var supervision = JobSupervision(
      options, checkpoints, program: program, arguments: worker, health: health, log: log)
    return try supervision.run()
  case .inspect, .check:
    if verb == .inspect {
      _ = try InspectOptions(arguments, environment: environment)
    } else {
      _ = try CheckOptions(arguments, environment: environment)
    }
    return try supervise(
      WorkerArguments([verb.rawValue] + arguments, environment: environment), program, logFormat: .auto,
      stopTimeout: .seconds(1))
  case .checkpoints: return try CheckpointsCommand(arguments, environment: environment).run()
  case .state: try StateCommand(arguments, environment: environment).run()
  case .replay:
    ReplayCommand.fixHashing(environment, arguments: CommandLine.arguments)
    return try ReplayCommand(try ReplayOptions(arguments, environment: environment)).run()
  case .savepoint: try SavepointCommand(arguments, environment: environment).run()
  case .quarantine: try QuarantineCommand(arguments, environment: environment).run()
  case .new: try NewCommand.run(try NewOptions(arguments, environment: environment), archive: .embedded)
  case .sdk: try SDKUpdateCommand.run(arguments, archive: .embedded)
  case .version:
    if let word = try ParsedFlags(arguments, flags: [], verb: "version", environment: [:]).words.first {
      throw Failure(.usage, "unexpected '\(word)' after 'version': it takes nothing")
    }
    try printText(VersionCommand.text)
  case .bench: return try BenchCommand.run(arguments, environment: environment)
  case .help: try help(arguments)
  }
  return 0
}

/// Runs one worker and tells how it ended, if it could not do so itself.
private func supervise(
  _ arguments: WorkerArguments, _ program: String, logFormat: LogFormat, stopTimeout: Duration, health: Int32? = nil
) throws(Failure) -> Int32 {
  var signals = SupervisorSignals()
  let supervisor = try Supervisor(
    name: program, arguments: arguments.words, environment: arguments.environment, health: health)
  let end = supervisor.wait(&signals, stopTimeout: stopTimeout)
  if let failure = end.failure {
    // A worker that died has left its status line behind.
    if logFormat == .auto { Console.clearTerminalLine() }
    Complaint(failure).tell(logFormat)
  }
  return end.exitCode
}

private func help(_ arguments: [String]) throws(Failure) {
  guard let word = arguments.first(where: { !$0.hasPrefix("-") }) else {
    try printText(HelpText.overview())
    return
  }
  let (verb, _) = try Verb.split([word])
  try printText(HelpText.text(for: verb))
}

/// The environment, by name.
private func environmentVariables() -> [String: String] {
  var variables: [String: String] = [:]
  var pointer = environ
  while let entry = pointer.pointee {
    let text = String(cString: entry)
    if let sign = text.firstIndex(of: "=") {
      variables[String(text[..<sign])] = String(text[text.index(after: sign)...])
    }
    pointer += 1
  }
  return variables
}
