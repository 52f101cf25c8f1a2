import Base
import Synchronization

/// What the parts of a running job tell the whole: that one has failed, that one is done.
final class JobControl: Sendable {
  private struct State {
    var failure: Failure?
    /// Subtasks and threads that are not done.
    var remaining = 0
    /// Stops the sources and wakes every part, so that it sees the failure.
    var stopAll: (@Sendable () -> Void)?
  }

  private let failed = Atomic<Bool>(false)
  private let tornDown = Atomic<Bool>(false)
  private let whenFailed: @Sendable () -> Void
  private let state = Monitor(State())

  init(whenFailed: @escaping @Sendable () -> Void = {}) { self.whenFailed = whenFailed }

  /// Looked at by every part before each batch.
  var hasFailed: Bool { failed.load(ordering: .relaxed) }

  /// The last epoch is complete and nothing is to follow it: every part closes without giving what it holds.
  var isTornDown: Bool { tornDown.load(ordering: .acquiring) }

  /// Whoever calls it wakes every part then.
  func tearDown() { tornDown.store(true, ordering: .sequentiallyConsistent) }

  var failure: Failure? { state.withLock { $0.failure } }

  /// Before the first part runs.
  func begin(parts: Int, stopAll: @escaping @Sendable () -> Void) {
    state.withLock { state in
      state.remaining = parts
      state.stopAll = stopAll
    }
  }

  /// A part has failed: the first failure is kept, and everything stops.
  func fail(_ failure: Failure) {
    let (isFirst, stopAll): (Bool, (@Sendable () -> Void)?) = state.withLock { state in
      guard state.failure == nil else { return (false, nil) }
      state.failure = failure
      failed.store(true, ordering: .sequentiallyConsistent)
      return (true, state.stopAll)
    }
    if isFirst { whenFailed() }
    stopAll?()
  }

  /// A part has closed all that it opened, and does nothing more.
  func partIsDone() {
    let isLast = state.withLock { state in
      state.remaining -= 1
      return state.remaining == 0
    }
    if isLast { state.broadcast() }
  }

  /// Waits until no part is left. False once the deadline has passed.
  func waitForParts(until deadline: MonotonicTime?) -> Bool {
    state.wait(until: deadline) { $0.remaining == 0 ? true : nil } ?? false
  }

  /// Drops what would keep the parts alive.
  func end() { state.withLock { $0.stopAll = nil } }
}
