import Base
import CPlatform
import Glibc
import Synchronization

extension EventLoop {
  /// The thread's body.
  func run() {
    thread.store(UInt(pthread_self()), ordering: .relaxed)
    let ready = UnsafeMutablePointer<platform_ready>.allocate(capacity: Int(PLATFORM_READY_LIMIT))
    defer { ready.deallocate() }
    var isStopping = false
    while !isStopping {
      let count = wait(ready)
      turnNumber &+= 1
      now = .now
      isStopping = takePosted()
      for index in 0..<count {
        // Who was removed by another one's call in this turn is not found any more.
        members[ready[index].tag]?.ready(ready[index].events)
      }
      runSoonTasks()
      runPosted()
      runDueTimers()
    }
    end()
    thread.store(0, ordering: .relaxed)
  }

  /// Waits for events, and does not sleep when there is something to do without.
  private func wait(_ ready: UnsafeMutablePointer<platform_ready>) -> Int {
    let timeout = soon.isEmpty ? timers.timeout(from: .now) : 0
    var sleeps = timeout != 0
    if sleeps {
      sleeps = posted.withLock { posted in
        posted.isAsleep = posted.tasks.isEmpty && !posted.isStopping
        return posted.isAsleep
      }
    }
    let count = platform_epoll_wait(epoll, ready, PLATFORM_READY_LIMIT, sleeps ? timeout : 0)
    precondition(count >= 0, "waiting with epoll fails only when it was called wrongly")
    return Int(count)
  }

  /// Takes what other threads posted. Returns whether the loop is to stop.
  private func takePosted() -> Bool {
    posted.withLock { posted in
      posted.isAsleep = false
      swap(&posted.tasks, &takenPosted)
      return posted.isStopping
    }
  }

  private func runPosted() {
    guard !takenPosted.isEmpty else { return }
    for task in takenPosted {
      switch task {
      case .closure(let body): body()
      case .signal(let signal): signal.run()
      }
    }
    takenPosted.removeAll(keepingCapacity: takenPosted.count <= Self.keptTasks)
  }

  private func runSoonTasks() {
    guard !soon.isEmpty else { return }
    swap(&soon, &takenSoon)
    for task in takenSoon {
      switch task {
      case .closure(let body): body()
      case .member(let member):
        member.isQueued = false
        member.turn()
      }
    }
    takenSoon.removeAll(keepingCapacity: takenSoon.count <= Self.keptTasks)
  }

  /// Emptied arrays keep their memory up to this many tasks.
  private static let keptTasks = 4_096

  /// Sends all members away and runs what that leads to, until there is nothing more.
  private func end() {
    isEnding = true
    for _ in 0..<Self.endingRounds {
      runPosted()
      for member in members.all { member.loopEnds() }
      runSoonTasks()
      let isOver = posted.withLock { posted in
        swap(&posted.tasks, &takenPosted)
        posted.hasEnded = takenPosted.isEmpty && soon.isEmpty && members.count == 0
        return posted.hasEnded
      }
      if isOver { return timers.removeAll() }
    }
    preconditionFailure("handlers that are closed with their event loop must not start new work again and again")
  }

  private static let endingRounds = 100_000
}
