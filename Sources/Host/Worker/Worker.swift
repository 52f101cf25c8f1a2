import Base
import CPlatform
import Connectors
import Glibc

/// The child of a supervisor: loads plugins and does the verb's work. A trap ends this process only.
struct Worker {
  let identity: WorkerIdentity

  init(_ identity: WorkerIdentity) { self.identity = identity }

  /// Does what follows the identity on the command line; returns the exit code after telling the supervisor that it is the
  /// worker's own.
  func main(_ arguments: ArraySlice<String>, environment: [String: String]) -> Never {
    // Without its supervisor a worker has no one to tell, and would outlive its job.
    guard platform_parent_is(identity.supervisor) != 0 else { exit(Failure.Kind.software.exitCode) }
    guard platform_install_crash_handlers(identity.report) == 0 else {
      complain(
        "volley-host: the worker cannot use the memory that it shares with its supervisor: \(systemError(errno))")
      exit(Failure.Kind.software.exitCode)
    }
    prepareSignals()
    OpenFileLimit.raise()
    StandardOutput.keepFromPlugins()
    let stop = StopWatch()
    let savepoints = SavepointBell()
    StopSignals.watch(stop, savepoints)
    let code = perform(arguments, environment: environment, stop, savepoints)
    // Plugins' exit handlers do not run: threads of theirs may still be in their code.
    fflush(nil)
    platform_say_goodbye()
    _exit(code)
  }

  private func perform(
    _ arguments: ArraySlice<String>, environment: [String: String], _ stop: StopWatch, _ savepoints: SavepointBell
  ) -> Int32 {
    var format = LogFormat.auto
    do {
      let (verb, rest) = try Verb.split(arguments)
      switch verb {
      case .run:
        let options = try RunOptions(rest, environment: environment)
        format = options.logFormat
        let health = WorkerHealth(restarts: identity.restarts)
        let server = identity.health.flatMap { serveHealth(health, at: $0, options.logFormat) }
        defer { server?.stop() }
        try RunCommand(options, stop, savepoints, health).run()
      case .inspect: try InspectCommand(try InspectOptions(rest, environment: environment)).run()
      case .check: return try CheckCommand(try CheckOptions(rest, environment: environment)).run()
      case .checkpoints, .state, .savepoint, .quarantine, .replay, .new, .sdk, .version, .bench, .help:
        preconditionFailure("a worker is started for what needs a plugin")
      }
      return 0
    } catch {
      Complaint(error).tell(format)
      platform_note_failure(error.message)
      return error.kind.exitCode
    }
  }

  /// A job is not worth less because nobody can ask how it is.
  private func serveHealth(_ health: WorkerHealth, at descriptor: Int32, _ format: LogFormat) -> HealthServer? {
    do throws(Failure) { return try HealthServer(descriptor, health.service) } catch {
      Console(format).log.warning(
        "health.unavailable", "runs without /healthz, /readyz and /metrics: \(error.message)",
        ["reason": .string(error.message)])
      return nil
    }
  }

  /// The supervisor's signals wait until somebody asks for them; a reader that goes away and a file at its size limit are
  /// errors of `write`, no signals; plugins may have children of their own.
  private func prepareSignals() {
    blockSignals(StopSignals.watched)
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    var children = signalSet([SIGCHLD])
    pthread_sigmask(SIG_UNBLOCK, &children, nil)
  }
}
