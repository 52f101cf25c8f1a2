import Base

/// How long a sink waits for its peers: as its options say, and once its job stops only a moment more each time, so that peers that go on
/// taking rows get them and others hold nobody up. From any thread.
final class FlightPatience: Sendable {
  /// In nanoseconds.
  static let moment: Int64 = 5_000_000_000

  private struct State {
    var stopped: MonotonicTime?
    /// Wakes each that waits.
    var waiting: [Int: @Sendable () -> Void] = [:]
    var next = 0
  }

  private let state = Monitor(State())

  /// When the job began to stop.
  var stopped: MonotonicTime? { state.withLock { $0.stopped } }

  func stop() {
    let waiting = state.withLock { state in
      state.stopped = state.stopped ?? .now
      return Array(state.waiting.values)
    }
    for wake in waiting { wake() }
  }

  /// As `Monitor.wait`, and nil when the job has stopped and the moment is over.
  func wait<Value, Result>(
    on monitor: Monitor<Value>, until deadline: MonotonicTime? = nil, for condition: (inout Value) -> Result?
  ) -> Result? {
    let begin = MonotonicTime.now
    let key = state.withLock { state in
      state.next += 1
      state.waiting[state.next] = {
        // Whoever has asked for the condition and does not wait yet holds the lock: nobody misses it.
        monitor.withLock { _ in }
        monitor.broadcast()
      }
      return state.next
    }
    defer { state.withLock { $0.waiting[key] = nil } }
    while true {
      let end = stopped.map { max($0, begin) + Self.moment }
      let waited: Waited<Result>? = monitor.wait(until: [deadline, end].compactMap { $0 }.min()) { value in
        if let result = condition(&value) { return .result(result) }
        return end == nil && stopped != nil ? .stopped : nil
      }
      switch waited {
      case .result(let result): return result
      case .stopped: continue
      case nil: return nil
      }
    }
  }
}

private enum Waited<Result> {
  case result(Result)
  /// The job has stopped in the meantime: there is less time.
  case stopped
}
