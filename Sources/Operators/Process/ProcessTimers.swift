import Base
import CPlatform
import State

/// Which clock a timer goes by.
public enum TimerClock: Sendable, Hashable {
  case event
  case processing

  /// Of its timers: those of both clocks lie side by side.
  var tag: UInt32 { self == .event ? 0 : 1 }
}

/// The timers of a process function: those that are set, and those that the call in progress sets and removes, which count when it
/// is committed. A key has at most one for each time of a clock. One thread at a time.
public final class ProcessTimers {
  /// Timers of one clock that a call sets or removes one behind the other.
  private struct Run {
    var clock: TimerClock
    var isRemoval: Bool
    var count: Int
  }

  private var events = TimerQueue()
  private var processing = TimerQueue()
  @exclusivity(unchecked) private var wanted: ContiguousArray<State.Timer> = []
  private var runs: [Run] = []
  private var flags: UnsafeMutablePointer<Bool>
  private var flagCapacity = 1_024
  /// Whether there is event time.
  private let hasEventTime: Bool
  unowned let states: KeyedStates
  /// What has changed; nil when nobody asks.
  var changes: ProcessTimerChanges?
  /// At the end of the input: the times of the timers that fire, by key. Those for later times are dropped.
  private var lastTimes: UnsafePointer<Int64>?

  /// Timers of a call, popped and not yet taken back.
  private static let mostTimers = 8_192
  /// How many are popped for the next call: few when one key has many.
  private var limit = ProcessTimers.mostTimers
  /// Far enough for a miss to memory, near enough that the lines are still in the second cache.
  private static let ahead = 40

  init(_ states: KeyedStates, hasEventTime: Bool) {
    self.states = states
    self.hasEventTime = hasEventTime
    flags = .allocate(capacity: flagCapacity)
  }

  deinit { flags.deallocate() }

  var byteCount: Int {
    events.byteCount + processing.byteCount + wanted.capacity * 16 + (changes?.timers.byteCount ?? 0)
      + (changes?.gone.byteCount ?? 0)
  }
  var count: Int { events.count + processing.count }

  /// Forgets all timers, and the memory that they took.
  func release() {
    (events, processing) = (TimerQueue(), TimerQueue())
    changes = changes.map { ProcessTimerChanges($0.table) }
  }

  func queue(_ clock: TimerClock) -> TimerQueue { clock == .event ? events : processing }

  /// No timer of the clock comes before this; nil when there is none.
  func nextTime(_ clock: TimerClock) -> Int64? { queue(clock).nextTime }

  // MARK: Calls of the function

  /// Sets or removes timers of keys of the call.
  ///
  /// - Throws: `plugin` for a key that the call does not have; `usage` for event time where there is none.
  public func change(
    _ clock: TimerClock, isRemoval: Bool, _ keys: UnsafePointer<UInt32>, _ times: UnsafePointer<Int64>, count: Int
  ) throws(Failure) {
    if clock == .event && !hasEventTime {
      throw Failure(
        .usage,
        "an event-time timer was set, and the rows have no event time; call eventTime before keyBy and keep its column, or set a "
          + "timer of processing time")
    }
    let before = wanted.count
    let (keyCount, slots) = (states.keyCount, states.callSlots)
    // Most calls set as many as they have rows: room for these is made once.
    if before == 0 { wanted.reserveCapacity(count) }
    for index in 0..<count {
      let key = keys[index]
      guard Int(key) < keyCount, let slots else {
        wanted.removeLast(wanted.count - before)
        throw Failure(
          .plugin,
          "a timer was set for key \(key) in a call of \(keyCount) keys; name keys by their rows in 'keys'"
        )
      }
      if let lastTimes, !isRemoval, times[index] > lastTimes[Int(key)] { continue }
      wanted.append(State.Timer(time: times[index], slot: slots[Int(key)], tag: clock.tag))
    }
    let added = wanted.count - before
    guard added > 0 else { return }
    if let last = runs.last, last.clock == clock, last.isRemoval == isRemoval {
      runs[runs.count - 1].count += added
    } else {
      runs.append(Run(clock: clock, isRemoval: isRemoval, count: added))
    }
  }

  // MARK: The end of a call

  func commit() {
    guard !runs.isEmpty else { return }
    let (flags, records) = (flags(wanted.count), states.timedRecords)
    wanted.withUnsafeBufferPointer { wanted in
      guard var timers = wanted.baseAddress else { return }
      for run in runs {
        let queue = queue(run.clock)
        if run.isRemoval {
          queue.delete(timers, count: run.count, in: records.times, wasRegistered: flags)
          for index in 0..<run.count where flags[index] { records[timers[index].slot].pointee.references -= 1 }
          changes?.timers.remove(timers, count: run.count, where: flags)
        } else {
          queue.register(timers, count: run.count, in: records.times, isNew: flags)
          for index in 0..<run.count where flags[index] { records[timers[index].slot].pointee.references += 1 }
          changes?.timers.add(timers, count: run.count, where: flags)
        }
        timers += run.count
      }
    }
    forget()
  }

  /// Forgets what the call in progress wants.
  func forget() {
    wanted.removeAll(keepingCapacity: wanted.count <= 1 << 18)
    runs.removeAll(keepingCapacity: true)
    lastTimes = nil
  }

  func flags(_ count: Int) -> UnsafeMutablePointer<Bool> {
    if count > flagCapacity {
      flags.deallocate()
      flagCapacity = max(count, 2 * flagCapacity)
      flags = .allocate(capacity: flagCapacity)
    }
    return flags
  }

  // MARK: Firing

  /// Takes the next timers up to `time`, at most one of a key, so that what one sets and removes counts for the next of its key.
  ///
  /// - Parameter slots, times: room for `maximum` of them.
  /// - Returns: how many, which count no more; 0 when none is due.
  func take(
    _ clock: TimerClock, upTo time: Int64, slots: UnsafeMutablePointer<UInt32>, times: UnsafeMutablePointer<Int64>
  ) -> Int {
    let queue = queue(clock)
    guard queue.count > 0 else { return 0 }
    let records = states.timedRecords
    let due = queue.pop(upTo: time, limit: limit, in: records.times)
    guard !due.isEmpty else { return 0 }
    var count = 0
    var later: ContiguousArray<State.Timer> = []
    for index in due.indices {
      if index &+ Self.ahead < due.count { platform_prefetch(records[due[index &+ Self.ahead].slot]) }
      let timer = due[index]
      let record = records[timer.slot]
      // A place where another key is, or none, is of a former call.
      let place = Int(record.pointee.place)
      guard place >= count || slots[place] != timer.slot else {
        later.append(timer)
        continue
      }
      record.pointee.place = UInt32(truncatingIfNeeded: count)
      record.pointee.references -= 1
      slots[count] = timer.slot
      times[count] = timer.time
      changes?.timers.remove(timer)
      count += 1
    }
    let dueCount = due.count
    // Set again: those that the call removes must not fire, and those that it sets may come before them.
    later.withUnsafeBufferPointer {
      if let base = $0.baseAddress { queue.register(base, count: $0.count, in: records.times) }
    }
    limit = count * 2 < dueCount ? max(32, limit / 2) : min(Self.mostTimers, limit * 2)
    return count
  }

  static var maximum: Int { mostTimers }

  /// From here to the end of the call timers for later times than these, by key, are dropped.
  func dropTimers(after times: UnsafePointer<Int64>) { lastTimes = times }
}
