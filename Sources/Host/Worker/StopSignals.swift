import CPlatform
import Glibc

/// The supervisor's wish that the job ends: SIGTERM, and anybody's that it takes a savepoint: SIGUSR1. SIGINT and SIGHUP, which a terminal sends to the whole process group,
/// are taken and left to the supervisor, so that Ctrl-C stops the job once.
enum StopSignals {
  static let watched = [SIGTERM, SIGINT, SIGHUP, SIGUSR1]

  /// Answers each signal from now on, in a thread of its own. The signals are blocked in every thread.
  static func watch(_ stop: StopWatch, _ savepoints: SavepointBell) {
    startThread(named: "signals") {
      var signals = signalSet(watched)
      while true {
        var number: Int32 = 0
        guard sigwait(&signals, &number) == 0 else { continue }
        if number == SIGTERM { stop.stop() }
        if number == SIGUSR1 { savepoints.ring() }
      }
    }
  }
}

/// Starts a thread that nobody waits for.
func startThread(named name: String, _ body: @escaping @Sendable () -> Void) {
  var thread = pthread_t()
  let box = Unmanaged.passRetained(ThreadBody(name, body))
  let status = pthread_create(
    &thread, nil,
    { argument in
      if let argument {
        let body = Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue()
        platform_name_thread(body.name)
        body.run()
      }
      return nil
    }, box.toOpaque())
  precondition(status == 0, "the kernel refuses a thread: \(systemError(status))")
  pthread_detach(thread)
}

private final class ThreadBody: Sendable {
  let name: String
  let run: @Sendable () -> Void

  init(_ name: String, _ run: @escaping @Sendable () -> Void) {
    self.name = name
    self.run = run
  }
}
