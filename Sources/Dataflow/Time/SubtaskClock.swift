import Base
import Synchronization

/// Processing time as a subtask sees it: it never goes back. Used by the thread that runs the subtask.
// One thread at a time: that which runs the subtask; `current` reads an atomic.
public final class SubtaskClock: @unchecked Sendable {
  private let clock: ProcessingClock
  private var last: ProcessingTime
  /// Of ticks: the time of what is in hand.
  private var ticked: ProcessingTime {
    didSet { shown.store(ticked.microseconds, ordering: .relaxed) }
  }
  /// The same, for other threads.
  private let shown: Atomic<Int64>
  /// Of ticks: how many batches a source has given.
  private var batches: Int64 = 0

  public init(_ clock: ProcessingClock = .system) {
    self.clock = clock
    switch clock {
    case .ticks(let start, _): ticked = start
    case .system, .manual: ticked = ProcessingTime(microseconds: .min)
    }
    shown = Atomic(ticked.microseconds)
    last = ticked
  }

  /// The same from any thread: it may go back when the machine's clock is set back.
  public var current: ProcessingTime {
    switch clock {
    case .system: .wallClock
    case .manual(let clock): clock.now
    case .ticks: ProcessingTime(microseconds: shown.load(ordering: .relaxed))
    }
  }

  /// The time of the call in hand. An operator that gives all rows of a batch one time reads it once.
  public var now: ProcessingTime {
    switch clock {
    case .system: last = max(last, .wallClock)
    case .manual(let clock): last = max(last, clock.now)
    case .ticks: return ticked
    }
    return last
  }

  /// The point that the subtask has reached: no batch follows that comes before it.
  var reached: ProcessingTime {
    if case .ticks = clock { return last }
    return now
  }

  /// How long it is until then, for a timer; nil when time does not come by waiting. A wall clock may be set: so a long wait
  /// is cut into short ones.
  func wait(until time: ProcessingTime) -> Int64? {
    guard case .system = clock else { return nil }
    return min(max(0, time - now), SubtaskClock.longestWait) * 1000
  }

  /// Microseconds.
  private static let longestWait: Int64 = 1_000_000

  var isTicking: Bool {
    if case .ticks = clock { return true }
    return false
  }

  /// Of ticks: what is in hand now came at that time, or, nil, belongs to the point that the subtask has reached.
  func enter(_ time: ProcessingTime?) { ticked = time ?? last }

  /// Of ticks: the subtask has reached that point.
  func reach(_ time: ProcessingTime) {
    last = max(last, time)
    ticked = last
  }

  /// Of ticks: a source's batch has gone its way. The point that begins.
  func tick() -> ProcessingTime {
    guard case .ticks(let start, let length) = clock else { preconditionFailure("a clock of ticks is ticked") }
    batches += 1
    let (offset, overflow) = batches.multipliedReportingOverflow(by: length)
    return start + (overflow ? .max : offset)
  }
}
