import Base
import Glibc
import Synchronization

/// A fixed set of threads that run runnables.
///
/// Each thread has a queue. What a thread wakes goes to the front of its own queue, where its input is in the cache; what is
/// woken from elsewhere goes to a queue that all share. A thread without work looks at the shared queue and takes from the
/// others, watches for a few microseconds, then sleeps. Timers wake runnables whose rows have been held long enough.
///
/// No wake-up is lost: whoever enqueues first counts the runnable, then looks for sleepers; a sleeper first counts itself,
/// then looks for runnables.
final class Scheduler: Sendable {
  private struct Sleep {
    /// Sleepers that were told to get up and have not yet.
    var calls = 0
    var isShutDown = false
    var timers = TimerHeap<Runnable>()
  }

  private let queues: [RunQueue]
  private let shared = RunQueue()
  /// Runnables in any queue.
  private let queued = Atomic<Int>(0)
  private let sleeping = Atomic<Int>(0)
  /// Threads that look for work and have found none yet.
  private let searching = Atomic<Int>(0)
  private let sleep = Monitor(Sleep())
  /// The earliest timer, for a look without the lock.
  private let earliestTimer = Atomic<Int64>(.max)

  /// How long a thread without work watches before it sleeps: about what waking it would cost.
  private static let watchNanoseconds: Int64 = 20_000
  /// How often a thread looks at the shared queue though its own has work.
  private static let sharedInterval = 31

  init(threads: Int) {
    precondition(threads > 0, "a scheduler has a thread")
    queues = (0..<threads).map { _ in RunQueue() }
  }

  /// Something woke it. It goes before others on the calling thread, if that is one of this scheduler's.
  func enqueue(_ runnable: Runnable) {
    queued.add(1, ordering: .sequentiallyConsistent)
    if let index = WorkerPlace.index(on: self) {
      queues[index].pushNext(runnable)
    } else {
      shared.pushLast(runnable)
    }
    callSomebody()
  }

  /// It has used its budget and goes behind all others.
  func enqueueLast(_ runnable: Runnable) {
    let others = queued.add(1, ordering: .sequentiallyConsistent).oldValue
    guard let index = WorkerPlace.index(on: self) else {
      preconditionFailure("runnables run on the scheduler's threads")
    }
    queues[index].pushLast(runnable)
    // If it is the only one, this thread goes on with it: a call would only carry it to another core.
    if others > 0 { callSomebody() }
  }

  /// Wakes it at that time, unless something wakes it before and it asks again.
  func wake(_ runnable: Runnable, at time: MonotonicTime) {
    let isFirst = sleep.withLock { sleep in
      if let timer = runnable.timer, timer <= time { return false }
      runnable.timer = time
      let isFirst = sleep.timers.earliest.map { time < $0 } ?? true
      sleep.timers.insert(runnable, at: time)
      if isFirst { earliestTimer.store(time.nanoseconds, ordering: .relaxed) }
      return isFirst
    }
    // Sleepers wait for the timer that was first before.
    if isFirst && sleeping.load(ordering: .sequentiallyConsistent) > 0 { sleep.broadcast() }
  }

  /// Ends the threads, when they have nothing in hand. Nothing is enqueued afterwards.
  func shutDown() {
    sleep.withLock { $0.isShutDown = true }
    sleep.broadcast()
  }

  /// What thread `index` does from its start to its end.
  func work(index: Int) {
    WorkerPlace.enter(self, index: index)
    defer { WorkerPlace.leave() }
    var round = index
    while true {
      round &+= 1
      fireTimers()
      if let runnable = take(index: index, round: round) ?? search(index: index, round: round) {
        runnable.runOnce(on: self)
      } else if !sleepUntilCalled() {
        return
      }
    }
  }

  private func take(index: Int, round: Int) -> Runnable? {
    if queued.load(ordering: .relaxed) == 0 { return nil }
    var found = round % Scheduler.sharedInterval == 0 ? shared.steal() : nil
    if found == nil { found = queues[index].pop() }
    if found == nil { found = shared.steal() }
    if found == nil { found = stealFromOthers(index: index, round: round) }
    if found != nil { queued.subtract(1, ordering: .sequentiallyConsistent) }
    return found
  }

  private func stealFromOthers(index: Int, round: Int) -> Runnable? {
    for offset in 0..<queues.count {
      let other = (round &+ offset) % queues.count
      if other != index, let found = queues[other].steal() { return found }
    }
    return nil
  }

  /// Watches for work. One thread at a time does: more would only burn time.
  private func search(index: Int, round: Int) -> Runnable? {
    guard searching.compareExchange(expected: 0, desired: 1, ordering: .sequentiallyConsistent).exchanged else {
      return nil
    }
    let end = MonotonicTime.now + Scheduler.watchNanoseconds
    var found: Runnable?
    repeat {
      found = take(index: index, round: round)
      if found != nil { break }
      sched_yield()
    } while MonotonicTime.now < end
    searching.store(0, ordering: .sequentiallyConsistent)
    // Nobody was called while this one watched.
    if found != nil && queued.load(ordering: .sequentiallyConsistent) > 0 { callSleeper() }
    return found
  }

  /// A runnable has been put in a queue.
  private func callSomebody() {
    if searching.load(ordering: .sequentiallyConsistent) == 0 { callSleeper() }
  }

  private func callSleeper() {
    guard sleeping.load(ordering: .sequentiallyConsistent) > 0 else { return }
    let isCalled = sleep.withLock { sleep in
      guard sleep.calls < sleeping.load(ordering: .sequentiallyConsistent) else { return false }
      sleep.calls += 1
      return true
    }
    if isCalled { sleep.signal() }
  }

  /// Sleeps until there is work, or a timer's time has come. False when the scheduler has been shut down.
  private func sleepUntilCalled() -> Bool {
    sleeping.add(1, ordering: .sequentiallyConsistent)
    defer { sleeping.subtract(1, ordering: .sequentiallyConsistent) }
    if queued.load(ordering: .sequentiallyConsistent) > 0 { return true }
    while true {
      let timer = sleep.withLock { $0.timers.earliest }
      let reason: WakeReason? = sleep.wait(until: timer) { sleep in
        if sleep.isShutDown { return .shutDown }
        if sleep.calls > 0 {
          sleep.calls -= 1
          return .called
        }
        return sleep.timers.earliest == timer ? nil : .timersChanged
      }
      switch reason {
      case .shutDown: return false
      case .called, nil: return true
      case .timersChanged: continue
      }
    }
  }

  private enum WakeReason {
    case called, timersChanged, shutDown
  }

  private func fireTimers() {
    let earliest = earliestTimer.load(ordering: .relaxed)
    guard earliest != .max else { return }
    let now = MonotonicTime.now
    guard earliest <= now.nanoseconds else { return }
    var due: [Runnable] = []
    sleep.withLock { sleep in
      while let (time, runnable) = sleep.timers.popDue(now: now) {
        // An entry that was overtaken by an earlier one has nothing to say.
        if runnable.timer == time {
          runnable.timer = nil
          due.append(runnable)
        }
      }
      earliestTimer.store(sleep.timers.earliest?.nanoseconds ?? .max, ordering: .relaxed)
    }
    for runnable in due { runnable.notify() }
  }
}
