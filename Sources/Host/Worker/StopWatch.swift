import Base
import CPlatform
import Dataflow
import Glibc

/// Sees to it that a worker that is asked to stop does so: at once while it has no job, and in the given time when it
/// has one.
///
/// Plugin code may never return: from the making of a plan, from `open`, `read`, `write` or `stop`. A thread cannot be
/// ended from outside, but the process can.
final class StopWatch: Sendable {
  private enum State {
    /// No job yet: nothing has been read or written. What to do when asked to stop.
    case preparing(whenStopped: @Sendable () -> Never)
    case running(Job, timeout: Duration, format: LogFormat, stop: @Sendable () -> Void)
    /// The time runs.
    case stopping
  }

  private let state = Monitor(State.preparing { StopWatch.leave(128 + SIGTERM) })

  /// What the worker does when it is to stop before it has a job, in place of ending with 143.
  func whileItPrepares(_ whenStopped: @escaping @Sendable () -> Never) {
    state.withLock { $0 = .preparing(whenStopped: whenStopped) }
  }

  /// From now on a stop drains the job.
  ///
  /// - Parameters:
  ///   - timeout: how long the job may take to end once it was asked to or has failed.
  ///   - stop: what makes the job end.
  func watch(_ job: Job, timeout: Duration, format: LogFormat, stop: @escaping @Sendable () -> Void) {
    state.withLock { $0 = .running(job, timeout: timeout, format: format, stop: stop) }
  }

  /// The supervisor asks to stop. From any thread, any number of times.
  func stop() {
    let stop: (@Sendable () -> Void)? = state.withLock { state in
      switch state {
      case .preparing(let whenStopped): whenStopped()
      case .running(_, _, _, let stop): return stop
      case .stopping: return nil
      }
    }
    guard let stop else { return }
    expire()
    // A plugin's `stop` may not return either.
    startThread(named: "stop", stop)
  }

  /// Starts the time, unless it runs: the job was asked to stop, or has failed.
  func expire() {
    let running: (Job, Duration, LogFormat)? = state.withLock { state in
      guard case .running(let job, let timeout, let format, _) = state else { return nil }
      state = .stopping
      return (job, timeout, format)
    }
    guard let (job, timeout, format) = running else { return }
    startThread(named: "stop-timeout") {
      // Nobody signals: a worker that ends takes this thread along.
      _ = Monitor(()).wait(until: MonotonicTime.now + timeout.wholeNanoseconds) { _ in nil as Void? }
      Self.giveUp(on: job, after: timeout, format)
    }
  }

  private static func giveUp(on job: Job, after timeout: Duration, _ format: LogFormat) -> Never {
    if format == .auto { Console.clearTerminalLine() }
    let overdue = overdue(job.name, job.runningCalls(), job.pendingRows(), after: timeout)
    if let failure = job.failure {
      Complaint(failure).tell(format)
      Complaint(overdue).tell(format)
      platform_note_failure(failure.message)
      leave(failure.kind.exitCode)
    }
    Complaint(overdue).tell(format)
    leave(overdue.kind.exitCode)
  }

  /// What is told of a job that did not stop in time.
  static func overdue(
    _ name: String, _ calls: [RunningCall], _ pending: [PendingRows], after timeout: Duration
  ) -> Failure {
    let seconds = { (duration: Duration) in "\(fixed(duration / .seconds(1), digits: 1)) s" }
    let place = { (label: String, uid: String?) in "'\(label)'\(uid.map { " (uid \($0))" } ?? "")" }
    let found: String
    // Those that began since are of a job that goes on.
    let stuck = calls.filter { $0.duration >= timeout / 2 }
    if !stuck.isEmpty {
      found =
        stuck.prefix(3).map { "\(place($0.label, $0.uid)) has not returned from a call for \(seconds($0.duration))" }
        .joined(separator: ", ") + "; make it return when the job stops, or raise --stop-timeout"
    } else if !pending.isEmpty {
      found =
        pending.prefix(3).map {
          "\(place($0.label, $0.uid)) waits for answers to \($0.rows) \($0.rows == 1 ? "row" : "rows")"
        }
        .joined(separator: ", ") + "; see to what answers, give it a timeout, or raise --stop-timeout"
    } else {
      found = "its rows are still on their way; raise --stop-timeout"
    }
    return Failure(
      .software, domain: .user,
      "job '\(name)' did not stop within \(seconds(timeout)) and was ended, so what it wrote may not be whole: \(found)"
    )
  }

  /// Ends the worker, which has told why.
  static func leave(_ code: Int32) -> Never {
    platform_say_goodbye()
    _exit(code)
  }
}
