import Base

/// The runnables that wait for one worker thread: the others may take from it when they have nothing to do.
final class RunQueue: Sendable {
  private struct State {
    /// The one that was woken last by what this thread did: its input is still in the cache.
    var next: Runnable?
    var others = Ring<Runnable>()
    /// How often in a row `next` went before the others.
    var favours = 0
  }

  /// So often may `next` go before the others.
  private static let favourLimit = 8

  private let state = Monitor(State())

  /// Puts one at the front, before others that wait longer.
  func pushNext(_ runnable: Runnable) {
    state.withLock { state in
      if let former = state.next { state.others.append(former) }
      state.next = runnable
    }
  }

  func pushLast(_ runnable: Runnable) {
    state.withLock { $0.others.append(runnable) }
  }

  /// For the queue's own thread: what is in its cache first, but others are not left waiting.
  func pop() -> Runnable? {
    state.withLock { state in
      if state.next != nil, state.favours < RunQueue.favourLimit || state.others.isEmpty {
        state.favours += 1
        return state.next.take()
      }
      state.favours = 0
      return state.others.popFirst()
    }
  }

  /// For other threads: the one that has waited longest.
  func steal() -> Runnable? {
    state.withLock { $0.others.popFirst() ?? $0.next.take() }
  }
}
