import Base
import Synchronization

/// A source and its life: opened, stopped from any thread, closed.
final class SourceControl: @unchecked Sendable {  // `read` and `close` by one thread; the rest is guarded by `state`.
  let stage: Stage
  let body: any Source
  private let isStopRequested = Atomic<Bool>(false)
  private let state = Monitor(State.made)

  private enum State {
    case made, open, stopped, closed
  }

  init(stage: Stage, body: any Source) {
    self.stage = stage
    self.body = body
  }

  var shouldStop: Bool { isStopRequested.load(ordering: .relaxed) }

  func open() throws(Failure) {
    do throws(Failure) { try stage.call { () throws(Failure) in try body.open() } } catch {
      throw error.within(stage.place)
    }
    state.withLock { $0 = .open }
  }

  /// From any thread, any number of times. The source itself hears of it once, while it is open.
  func requestStop() {
    isStopRequested.store(true, ordering: .relaxed)
    state.withLock { state in
      // Under the lock, so that the source is not closed meanwhile.
      if state == .open {
        state = .stopped
        body.stop()
      }
    }
  }

  /// Does nothing unless it is open.
  func close() throws(Failure) {
    let wasOpen = state.withLock { state in
      defer { state = .closed }
      return state == .open || state == .stopped
    }
    guard wasOpen else { return }
    do throws(Failure) { try stage.call { () throws(Failure) in try body.close() } } catch {
      throw error.within(stage.place)
    }
  }
}
