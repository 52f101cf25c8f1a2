import CPlatform

/// At most one deadline a slot, which may be moved at will: the end of a session, the cleaning up of a window, a time
/// to live.
///
/// Moving a deadline to a later time, or taking it away, costs one access to the slot's 16 bytes: the timer that waits
/// for the earlier time finds out when it comes, and waits on. A slot with a deadline costs 16 bytes more in the queue.
/// The cost of a call does not depend on how many slots there are. One thread at a time.
public final class SlotDeadlines {
  private struct Deadline {
    /// `none` when there is none.
    var time = SlotDeadlines.none
    /// The time for which a timer of the slot waits; `none` when none does. Timers of the slot for other times count no
    /// more.
    var scheduled = SlotDeadlines.none
  }

  /// The time of a slot that has no deadline.
  public static let none = Int64.max

  private let deadlines = SlotColumn(initial: Deadline())
  private let buckets = TimeBuckets()

  /// Far enough for a miss to memory, near enough that the lines are still in the second cache.
  private static let ahead = 40

  public init() {}

  /// Bytes of memory that it holds.
  public var byteCount: Int { deadlines.byteCount + buckets.byteCount }

  /// Bytes beyond those that growing to so many slots and setting so many deadlines takes at worst.
  public func growth(to slotCount: Int, setting added: Int) -> Int {
    deadlines.growth(to: slotCount) + buckets.growth(pushing: added)
  }

  /// Makes room for slots below `slotCount`. New ones have no deadline.
  public func grow(to slotCount: Int) { deadlines.grow(to: slotCount) }

  /// The deadline of a slot, or `none`.
  public func time(of slot: UInt32) -> Int64 { deadlines.values[Int(slot)].time }

  /// No deadline is before this; nil when there is none. One that was moved may count with its former time.
  public var nextTime: Int64? { buckets.nextTime }

  /// Gives slot `slots[i]` the deadline `times[i]`, whatever it had; `none` takes it away. Of several for one slot the
  /// last one counts.
  public func set(_ slots: UnsafePointer<UInt32>, _ times: UnsafePointer<Int64>, count: Int) {
    let deadlines = deadlines.values
    for index in 0..<count {
      if index &+ Self.ahead < count { platform_prefetch(deadlines + Int(slots[index &+ Self.ahead])) }
      set(deadlines, slots[index], times[index])
    }
    sweep()
  }

  /// The same where each slot keeps the later of its deadline and the new one.
  public func extend(_ slots: UnsafePointer<UInt32>, _ times: UnsafePointer<Int64>, count: Int) {
    let deadlines = deadlines.values
    for index in 0..<count {
      if index &+ Self.ahead < count { platform_prefetch(deadlines + Int(slots[index &+ Self.ahead])) }
      let slot = slots[index]
      let former = deadlines[Int(slot)].time
      set(deadlines, slot, former == Self.none ? times[index] : max(former, times[index]))
    }
    sweep()
  }

  /// Takes the deadlines of these slots away: for slots whose keys are removed, for one.
  public func clear(_ slots: UnsafePointer<UInt32>, count: Int) {
    let deadlines = deadlines.values
    for index in 0..<count {
      if index &+ Self.ahead < count { platform_prefetch(deadlines + Int(slots[index &+ Self.ahead])) }
      deadlines[Int(slots[index])].time = Self.none
    }
  }

  @inline(__always)  // The body of loops over slots.
  private func set(_ deadlines: UnsafeMutablePointer<Deadline>, _ slot: UInt32, _ time: Int64) {
    let deadline = deadlines + Int(slot)
    deadline.pointee.time = time
    if time < deadline.pointee.scheduled {
      deadline.pointee.scheduled = time
      buckets.push(Timer(time: time, slot: slot))
    }
  }

  /// The next deadlines up to `time`, itself included, by their times, and at most `limit`; empty when none is due.
  /// Their slots have none any more.
  ///
  /// Call it until it gives none; between two calls deadlines may be set, and times that are due come in their order. A
  /// time before the last one counts as that one. The buffer is valid until the next call.
  public func pop(upTo time: Int64, limit: Int = 8_192) -> UnsafeBufferPointer<Timer> {
    let deadlines = deadlines.values
    while true {
      let timers = buckets.pop(upTo: time, limit: limit)
      guard let base = timers.baseAddress, timers.count > 0 else {
        return UnsafeBufferPointer(start: nil, count: 0)
      }
      let last = base[timers.count - 1].time
      var kept = 0
      var isSorted = true
      for index in 0..<min(Self.ahead, timers.count) { platform_prefetch(deadlines + Int(base[index].slot)) }
      for index in 0..<timers.count {
        if index &+ Self.ahead < timers.count {
          platform_prefetch(deadlines + Int(base[index &+ Self.ahead].slot))
        }
        let timer = base[index]
        let deadline = deadlines + Int(timer.slot)
        guard deadline.pointee.scheduled == timer.time else { continue }
        let now = deadline.pointee.time
        if now > last {
          // It was moved, or taken away.
          deadline.pointee.scheduled = now
          if now != Self.none { buckets.push(Timer(time: now, slot: timer.slot)) }
          continue
        }
        if now != timer.time { isSorted = false }
        base[kept] = Timer(time: now, slot: timer.slot)
        kept &+= 1
        deadline.pointee = Deadline()
      }
      if kept == 0 { continue }
      if !isSorted { buckets.sortPopped(kept) }
      return UnsafeBufferPointer(start: base, count: kept)
    }
  }

  /// Forgets all slots.
  public func removeAll() {
    deadlines.removeAll()
    buckets.removeAll()
  }

  /// Drops timers that count no more once they are more than half of all: then each of them has paid for it.
  private func sweep() {
    guard buckets.count > 2 * deadlines.count + 4_096 else { return }
    let deadlines = deadlines.values
    buckets.filter { timers, count in
      var kept = 0
      for index in 0..<count { platform_prefetch(deadlines + Int(timers[index].slot)) }
      for index in 0..<count where deadlines[Int(timers[index].slot)].scheduled == timers[index].time {
        // A slot may have had timers for one time more than once: the next one finds this instead.
        deadlines[Int(timers[index].slot)].scheduled = .min
        timers[kept] = timers[index]
        kept &+= 1
      }
      return kept
    }
    buckets.filter { timers, count in
      for index in 0..<count { platform_prefetch(deadlines + Int(timers[index].slot)) }
      for index in 0..<count { deadlines[Int(timers[index].slot)].scheduled = timers[index].time }
      return count
    }
  }
}
