import Base
import CPlatform

extension EventLoop {
  /// What other threads hand to the loop. Guarded by `EventLoop.posted`.
  struct Posted {
    var tasks: [PostedTask] = []
    /// The loop waits in epoll, or is about to, and nobody has woken it yet.
    var isAsleep = false
    var isStopping = false
    /// Nothing that is posted from now on would run.
    var hasEnded = false
    /// Nil once somebody joins it.
    var thread: OSThread?
    var isJoined = false
    /// Calls of the kernel to wake the loop, for tests.
    var wakeups = 0

    /// Whether the caller has to wake the loop.
    mutating func takeSleep() -> Bool {
      guard isAsleep else { return false }
      isAsleep = false
      wakeups += 1
      return true
    }
  }

  enum PostedTask {
    case closure(@Sendable () -> Void)
    case signal(LoopSignal)
  }

  /// Runs `task` on the loop's thread, soon, after all that was posted before it by the same thread. From any thread; wakes
  /// the loop only when it sleeps and nobody else has woken it.
  ///
  /// - Returns: false when the loop has ended: then `task` never runs.
  @discardableResult
  public func execute(_ task: @escaping @Sendable () -> Void) -> Bool { post(.closure(task)) }

  func post(_ task: PostedTask) -> Bool {
    let (accepted, wakes) = posted.withLock { posted in
      guard !posted.hasEnded else { return (false, false) }
      posted.tasks.append(task)
      return (true, posted.takeSleep())
    }
    if wakes { platform_wakeup_raise(wakeup) }
    return accepted
  }

  /// Calls of the kernel that woke the loop so far.
  var wakeupCount: Int { posted.withLock { $0.wakeups } }
}
