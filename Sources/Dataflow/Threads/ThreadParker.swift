import Base
import Synchronization

/// Where one thread waits for news. A wake-up that comes while the thread works is kept until it parks; several count as one.
final class ThreadParker: Sendable {
  private static let working = 0
  private static let woken = 1
  private static let parked = 2

  private let state = Atomic<Int>(working)
  private let monitor = Monitor(())

  /// Called from any thread: the parked thread goes on, or does not park the next time.
  func wake() {
    guard state.exchange(ThreadParker.woken, ordering: .sequentiallyConsistent) == ThreadParker.parked else { return }
    // Through the lock, so that the signal does not fall between the parker's last look and its sleep.
    monitor.withLock { _ in }
    monitor.signal()
  }

  /// Waits until a wake-up, or the deadline. Only ever called by the one thread.
  func park(until deadline: MonotonicTime? = nil) {
    let (parks, _) = state.compareExchange(
      expected: ThreadParker.working, desired: ThreadParker.parked, ordering: .sequentiallyConsistent)
    if parks {
      _ = monitor.wait(until: deadline) { _ in
        state.load(ordering: .sequentiallyConsistent) == ThreadParker.woken ? true : nil
      }
    }
    state.store(ThreadParker.working, ordering: .sequentiallyConsistent)
  }
}

extension ThreadParker: ChannelListener {
  func channelChanged() { wake() }
}
