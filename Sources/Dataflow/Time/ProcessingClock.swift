import Base

/// What a job takes for processing time.
public enum ProcessingClock: Sendable {
  /// The machine's wall clock. In a subtask it never goes back: when the machine's does, the subtask's stands still.
  case system
  /// A clock that is moved by hand, the same for all subtasks.
  case manual(ManualClock)
  /// A clock that data moves, so that a run can be repeated: in a subtask with a source, the batch with number n, counted from 0,
  /// is read at `start + n * microseconds`, and the next point in time begins when it has gone its way.
  ///
  /// Time travels with the data: a subtask behind channels stands at the lowest point of those that have not ended, and a batch
  /// that comes over one has the point at which that one stands. Small batches are not put together.
  case ticks(start: ProcessingTime, microseconds: Int64)
}

/// A clock that stands until it is moved. From any thread.
public final class ManualClock: Sendable {
  private struct State {
    var time: ProcessingTime
    var listeners: [Int: @Sendable () -> Void] = [:]
    var nextListener = 0
  }

  private let state: Monitor<State>

  public init(_ time: ProcessingTime = ProcessingTime(microseconds: 0)) { state = Monitor(State(time: time)) }

  public var now: ProcessingTime { state.withLock { $0.time } }

  /// Moves it on; one that goes back changes nothing. When this returns every job that runs by it has been told.
  public func advance(to time: ProcessingTime) {
    // The listeners under the lock: one that has been removed is not called any more.
    state.withLock { state in
      guard time > state.time else { return }
      state.time = time
      for listener in state.listeners.values { listener() }
    }
  }

  /// - Parameter listener: returns at once, and does not come back to the clock.
  /// - Returns: what `remove` is called with.
  func add(_ listener: @escaping @Sendable () -> Void) -> Int {
    state.withLock { state in
      state.nextListener += 1
      state.listeners[state.nextListener] = listener
      return state.nextListener
    }
  }

  func remove(_ listener: Int) { state.withLock { _ = $0.listeners.removeValue(forKey: listener) } }
}
