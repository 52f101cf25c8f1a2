import Base
import Synchronization
import TestSupport
import Testing

@testable import Dataflow

/// Runs what a closure does.
private final class Work: Runnable, @unchecked Sendable {
  private let body: (inout RunBudget) -> RunOutcome
  init(_ body: @escaping (inout RunBudget) -> RunOutcome) { self.body = body }
  override func run(_ budget: inout RunBudget) -> RunOutcome { body(&budget) }
}

/// A scheduler with its threads.
private final class Threads {
  let scheduler: Scheduler
  private let threads: [OSThread]

  init(_ count: Int) throws {
    let scheduler = Scheduler(threads: count)
    self.scheduler = scheduler
    var threads: [OSThread] = []
    for index in 0..<count { threads.append(try OSThread(name: "test \(index)") { scheduler.work(index: index) }) }
    self.threads = threads
  }

  func end() {
    scheduler.shutDown()
    for thread in threads { thread.join() }
  }
}

struct SchedulerTests {
  private static let aWhile: Int64 = 10_000_000_000

  @Test(
    "a runnable runs after a wake-up, once for several before it ran, and never on two threads at once",
    arguments: 1...3)
  func noLostWakeUp(threadCount: Int) throws {
    let threads = try Threads(threadCount)
    let done = Monitor(0)
    let given = Atomic<Int>(0)
    let inside = Atomic<Int>(0)
    let total = 20_000
    let work = Work { _ in
      precondition(inside.add(1, ordering: .sequentiallyConsistent).newValue == 1, "it runs on one thread")
      let seen = given.load(ordering: .sequentiallyConsistent)
      inside.subtract(1, ordering: .sequentiallyConsistent)
      done.withLock { $0 = seen }
      done.broadcast()
      return .waiting(until: nil)
    }
    work.attach(to: threads.scheduler)
    for number in 1...total {
      given.store(number, ordering: .sequentiallyConsistent)
      work.notify()
      // Now and then the runnable, and the threads, come to rest: the next wake-up finds them asleep.
      if number % 100 == 0 || number == total {
        let came: Bool? = done.wait(until: .now + Self.aWhile) { $0 >= number ? true : nil }
        try #require(came == true, "a wake-up was lost at \(number)")
      }
    }
    threads.end()
  }

  @Test("runnables that wake each other go on without help from outside", arguments: 1...3)
  func pingPong(threadCount: Int) throws {
    let threads = try Threads(threadCount)
    let done = Monitor(false)
    let turn = Atomic<Int>(0)
    let rounds = 30_000
    let players = Mutex<[Work]>([])
    for index in 0..<2 {
      let work = Work { _ in
        let now = turn.load(ordering: .sequentiallyConsistent)
        if now == rounds {
          done.withLock { $0 = true }
          done.broadcast()
        } else if now % 2 == index {
          turn.store(now + 1, ordering: .sequentiallyConsistent)
          players.withLock { $0[1 - index] }.notify()
        }
        return .waiting(until: nil)
      }
      work.attach(to: threads.scheduler)
      players.withLock { $0.append(work) }
    }
    let first = players.withLock { $0[0] }
    let second = players.withLock { $0[1] }
    first.notify()
    let finished: Bool? = done.wait(until: .now + Self.aWhile) { $0 ? true : nil }
    #expect(finished == true, "stuck in round \(turn.load(ordering: .relaxed))")
    // Whoever sees the last round wakes nobody.
    _ = second
    threads.end()
  }

  @Test("of runnables that always have more to do each gets its turn", arguments: 1...2)
  func fairness(threadCount: Int) throws {
    let threads = try Threads(threadCount)
    let runs = Monitor([Int](repeating: 0, count: 10))
    let stop = Atomic<Bool>(false)
    let works = (0..<10).map { index in
      Work { _ in
        if stop.load(ordering: .relaxed) { return .done }
        runs.withLock { $0[index] += 1 }
        runs.broadcast()
        return .yielded
      }
    }
    for work in works { work.attach(to: threads.scheduler) }
    // Two that wake each other all the time are favoured, but not for ever.
    let pair = Mutex<[Work]>([])
    for index in 0..<2 {
      let work = Work { _ in
        if stop.load(ordering: .relaxed) { return .done }
        pair.withLock { $0[1 - index] }.notify()
        return .waiting(until: nil)
      }
      work.attach(to: threads.scheduler)
      pair.withLock { $0.append(work) }
    }
    pair.withLock { $0[0] }.notify()
    for work in works { work.notify() }
    let all: Bool? = runs.wait(until: .now + Self.aWhile) { runs in runs.allSatisfy { $0 >= 100 } ? true : nil }
    #expect(all == true)
    stop.store(true, ordering: .relaxed)
    threads.end()
  }

  @Test("a runnable is woken at its time, not before, though nothing else happens")
  func timers() throws {
    let threads = try Threads(2)
    let runs = Monitor([MonotonicTime]())
    let work = Work { _ in
      let now = MonotonicTime.now
      let count = runs.withLock { runs in
        runs.append(now)
        return runs.count
      }
      runs.broadcast()
      return .waiting(until: count < 5 ? now + 2_000_000 : nil)
    }
    work.attach(to: threads.scheduler)
    work.notify()
    let times: [MonotonicTime]? = runs.wait(until: .now + Self.aWhile) { $0.count == 5 ? $0 : nil }
    let sequence = try #require(times)
    for (earlier, later) in zip(sequence, sequence.dropFirst()) { #expect(later - earlier >= 2_000_000) }
    threads.end()
  }

  @Test("a timer set by a busy thread wakes a thread that sleeps")
  func timerWhileBusy() throws {
    let threads = try Threads(2)
    let woken = Monitor(false)
    let isFirstRun = Atomic<Bool>(true)
    let sleeper = Work { _ in
      if isFirstRun.exchange(false, ordering: .relaxed) { return .waiting(until: .now + 1_000_000) }
      woken.withLock { $0 = true }
      woken.broadcast()
      return .waiting(until: nil)
    }
    sleeper.attach(to: threads.scheduler)
    // Holds its thread until the other has been woken.
    let holder = Work { _ in
      sleeper.notify()
      let came: Bool? = woken.wait(until: .now + Self.aWhile) { $0 ? true : nil }
      #expect(came == true)
      return .waiting(until: nil)
    }
    holder.attach(to: threads.scheduler)
    holder.notify()
    let came: Bool? = woken.wait(until: .now + Self.aWhile) { $0 ? true : nil }
    #expect(came == true)
    threads.end()
  }

  @Test("a budget is used by batches, by bytes or by time")
  func budget() {
    let start = MonotonicTime(nanoseconds: 0)
    var batches = RunBudget(from: start, nanoseconds: 100, batches: 2, bytes: 1000)
    batches.use(bytes: 1)
    #expect(!batches.isUsed(now: start + 99) && batches.isUsed(now: start + 100))
    batches.use(bytes: 1)
    #expect(batches.isUsed(now: start))
    var bytes = RunBudget(from: start, nanoseconds: 100, batches: 10, bytes: 1000)
    bytes.use(bytes: 1000)
    #expect(bytes.isUsed(now: start))
  }

  @Test("a wake-up that comes before the thread parks is not lost, and a deadline ends the wait")
  func parker() throws {
    let parker = ThreadParker()
    parker.wake()
    parker.wake()
    parker.park()
    let start = MonotonicTime.now
    parker.park(until: start + 1_000_000)
    #expect(MonotonicTime.now - start >= 1_000_000)
    let turn = Atomic<Int>(0)
    let other = ThreadParker()
    let thread = try OSThread(name: "parker") {
      for round in 0..<5000 {
        while turn.load(ordering: .acquiring) != 2 * round + 1 { other.park() }
        turn.store(2 * round + 2, ordering: .releasing)
        parker.wake()
      }
    }
    for round in 0..<5000 {
      turn.store(2 * round + 1, ordering: .releasing)
      other.wake()
      while turn.load(ordering: .acquiring) != 2 * round + 2 { parker.park() }
    }
    thread.join()
  }
}
