import Base
import CPlatform
import Glibc
import Synchronization

/// One thread that waits for descriptors, timers and work from other threads, and calls those that they belong to.
///
/// A turn is: what became ready (epoll, edge-triggered), what asked to go on soon, what other threads posted, timers. Nobody
/// is called twice in a part of a turn, so that nobody starves the others; who has more to do asks for the next turn.
///
/// The thread keeps the loop alive until ``stop()``.
///
/// `posted` has a lock, `thread` is atomic, `epoll`, `wakeup` and `name` never change, and all the rest belongs to the loop's thread: that is what makes it
/// `Sendable`.
public final class EventLoop: @unchecked Sendable {
  /// What tools show as the thread's name, and failures mention.
  public let name: String
  let epoll: Int32
  let wakeup: Int32
  let posted = Monitor(Posted())
  /// The loop's thread; 0 before it runs and after it ended.
  let thread = Atomic<UInt>(0)

  /// When the turn began: good enough for deadlines, and cheaper than the clock.
  public internal(set) var now = MonotonicTime.now
  /// Counts turns.
  public internal(set) var turnNumber = 0
  var members = LoopMembers()
  var soon: [SoonTask] = []
  var timers = TimerHeap()
  let blocks = LoopBlocks()
  /// Whether ``stop()`` was called and members are sent away.
  var isEnding = false
  /// Emptied arrays that are used again: what was posted, what was to run soon.
  var takenPosted: [PostedTask] = []
  var takenSoon: [SoonTask] = []

  /// Starts the loop's thread.
  ///
  /// - Parameter name: of the thread; Linux shows 15 bytes of it.
  public init(name: String) throws(Failure) {
    self.name = name
    let epoll = platform_epoll_make()
    guard epoll >= 0 else { throw Self.cannotStart(name, "epoll_create1", errno) }
    let wakeup = platform_wakeup_make()
    guard wakeup >= 0 else {
      let code = errno
      close(epoll)
      throw Self.cannotStart(name, "eventfd", code)
    }
    self.epoll = epoll
    self.wakeup = wakeup
    guard platform_epoll_add(epoll, wakeup, LoopMembers.wakeupTag) == 0 else {
      throw Self.cannotStart(name, "epoll_ctl", errno)
    }
    let thread = try OSThread(name: name) { [self] in run() }
    posted.withLock { $0.thread = thread }
  }

  deinit {
    // The thread is gone, or never was: nobody posts and nobody waits.
    close(wakeup)
    close(epoll)
  }

  private static func cannotStart(_ name: String, _ call: String, _ code: Int32) -> Failure {
    Failure(
      .io, retryable: true,
      "the event loop '\(name)' could not be started: \(call) failed (\(systemText(code))); raise the limit of open files (ulimit -n)"
    )
  }

  /// Whether the caller runs on the loop's thread.
  public var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

  /// Ends the process when called on another thread than the loop's: what belongs to a loop has no lock.
  public func assertCurrent() {
    precondition(isCurrent, "what belongs to an event loop is used on its thread only: get there with execute")
  }

  /// Runs what was posted, closes all connections and listeners with a failure that says so, and returns when the thread has
  /// ended. Timers that are not due do not run. May be called again, but not on the loop's own thread.
  public func stop() {
    precondition(!isCurrent, "an event loop does not wait for its own end")
    let (thread, wakes) = posted.withLock { posted in
      let thread = posted.thread
      posted.thread = nil
      posted.isStopping = true
      return (thread, posted.takeSleep())
    }
    if wakes { platform_wakeup_raise(wakeup) }
    if let thread {
      thread.join()
      posted.withLock { $0.isJoined = true }
      posted.broadcast()
    } else {
      _ = posted.wait { $0.isJoined ? true : nil }
    }
  }
}

/// The text of an errno.
func systemText(_ code: Int32) -> String { "\(String(cString: strerror(code))), errno \(code)" }
