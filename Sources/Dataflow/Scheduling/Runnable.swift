import Base
import Synchronization

/// How much a runnable may do before it lets others have the thread. What it has in hand it always finishes.
struct RunBudget {
  private let deadline: MonotonicTime
  private var batches: Int
  private var bytes: Int

  init(from now: MonotonicTime, nanoseconds: Int64 = 1_000_000, batches: Int = 64, bytes: Int = 1 << 20) {
    deadline = now + nanoseconds
    self.batches = batches
    self.bytes = bytes
  }

  /// A batch was taken on.
  mutating func use(bytes: Int) {
    batches -= 1
    self.bytes -= bytes
  }

  func isUsed(now: MonotonicTime) -> Bool { batches <= 0 || bytes <= 0 || now >= deadline }
}

/// How a run ended.
enum RunOutcome {
  /// There is more to do at once.
  case yielded
  /// Nothing to do until a wake-up, or until that time.
  case waiting(until: MonotonicTime?)
  /// Never again.
  case done
}

/// A state machine that the scheduler's threads run, one at a time: a subtask.
class Runnable: ChannelListener, @unchecked Sendable {  // Run by whoever moved `state` to `running`, and nobody else.
  private static let idle = 0
  /// In a queue.
  private static let queued = 1
  private static let running = 2
  /// Running, and to be run once more: something has come that it may have missed.
  private static let runningNotified = 3
  private static let done = 4

  private let state = Atomic<Int>(idle)
  // Not retained: the job keeps the scheduler alive until its threads are gone.
  private unowned(unsafe) var scheduler: Scheduler?

  /// When the scheduler's timer wakes it; guarded by the scheduler's lock.
  var timer: MonotonicTime?

  /// Called by the scheduler only.
  func run(_ budget: inout RunBudget) -> RunOutcome { preconditionFailure("a runnable says what it does") }

  /// Before the first wake-up.
  final func attach(to scheduler: Scheduler) { self.scheduler = scheduler }

  /// There may be something to do. From any thread, at once, as often as one likes.
  ///
  /// The change that this tells of is made before, and the runnable looks for changes after it has moved to `running`. All
  /// these accesses are sequentially consistent, so that either it sees the change or this sees it running.
  final func notify() {
    var seen = state.load(ordering: .sequentiallyConsistent)
    while true {
      let next: Int
      switch seen {
      case Runnable.idle: next = Runnable.queued
      case Runnable.running: next = Runnable.runningNotified
      default: return
      }
      let (exchanged, original) = state.compareExchange(
        expected: seen, desired: next, ordering: .sequentiallyConsistent)
      if exchanged {
        if next == Runnable.queued { scheduler?.enqueue(self) }
        return
      }
      seen = original
    }
  }

  final func channelChanged() { notify() }

  /// Runs it once. Called by a thread that took it from a queue.
  final func runOnce(on scheduler: Scheduler) {
    let former = state.exchange(Runnable.running, ordering: .sequentiallyConsistent)
    precondition(former == Runnable.queued, "a runnable is run by one thread at a time")
    var budget = RunBudget(from: .now)
    switch run(&budget) {
    case .done:
      state.store(Runnable.done, ordering: .sequentiallyConsistent)
    case .yielded:
      state.store(Runnable.queued, ordering: .sequentiallyConsistent)
      scheduler.enqueueLast(self)
    case .waiting(let time):
      if let time { scheduler.wake(self, at: time) }
      let (waits, _) = state.compareExchange(
        expected: Runnable.running, desired: Runnable.idle, ordering: .sequentiallyConsistent)
      if !waits {
        state.store(Runnable.queued, ordering: .sequentiallyConsistent)
        scheduler.enqueueLast(self)
      }
    }
  }
}
