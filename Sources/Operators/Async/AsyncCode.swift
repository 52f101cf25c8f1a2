import Arrow
import Base
import Dataflow
import Synchronization

/// The user's half of an `AsyncOperator`. Legal order: open, (start | cancel)…, close; after a failure only close.
public protocol AsyncCode: AnyObject {
  /// When it throws it has freed what it took: `close` does not follow.
  func open() throws(Failure)
  /// Begins with some rows and returns soon. What they come to goes to `results` under the token, from any thread, also before this
  /// returns.
  func start(_ rows: RecordBatch, token: UInt64, results: AsyncResults) throws(Failure)
  /// Nobody waits for the token any more.
  func cancel(token: UInt64)
  /// What still runs is left alone: its results are dropped.
  func close() throws(Failure)
}

/// Where results come to, from any thread, until they are taken.
public final class AsyncResults: Sendable {
  struct Completion: Sendable {
    var token: UInt64
    /// Nil: no row.
    var result: Result<RecordBatch?, Failure>
  }

  private struct State {
    var completions: [Completion] = []
    var isClosed = false
  }

  private let state = Mutex(State())
  private let notifier: SubtaskNotifier

  init(_ notifier: SubtaskNotifier) { self.notifier = notifier }

  /// The rows of a token have come to this; one call a token.
  public func complete(_ token: UInt64, _ result: Result<RecordBatch?, Failure>) {
    state.withLock { state in
      if state.isClosed { return }
      state.completions.append(Completion(token: token, result: result))
      // Under the lock: behind `close` there is nobody to be told.
      notifier.notify()
    }
  }

  var isEmpty: Bool { state.withLock { $0.completions.isEmpty } }

  func take() -> [Completion] {
    state.withLock { state in
      defer { state.completions = [] }
      return state.completions
    }
  }

  func close() {
    state.withLock { state in
      state.isClosed = true
      state.completions = []
    }
  }
}
