import CPlatform

/// Timers that are registered, deleted, and handed out when their time has come: each (time, slot, tag) at most once.
///
/// For timers that users set, of which a key may have any number. Where a key has one that moves (the end of a session, a time to live),
/// `SlotDeadlines` is cheaper. Which timers count is known in the records of their slots (`SlotTimes`), which the owner keeps and hands
/// to each call, and of slots that have many in a set. A timer costs about 16 bytes in the queue; a deleted one stays there until its
/// time has come or half of the queue is deleted ones. Two queues may share the records: all timers of one have the tag 0, those of
/// the other 1. The cost of a call does not depend on how many timers there are. Times may be any; one that has passed comes with the
/// next `pop`. One thread at a time.
public final class TimerQueue {
  private let buckets = TimeBuckets()
  /// Timers of which there is no room in the records of their slots.
  private var others = TimerSet()

  /// Far enough for a miss to memory, near enough that the lines are still in the second cache.
  private static let ahead = 40
  private static let blockCount = 1_024

  public init() {}

  /// Timers that are registered.
  public private(set) var count = 0

  /// Bytes of memory that it holds.
  public var byteCount: Int { buckets.byteCount + others.byteCount }

  /// Bytes beyond those that registering so many takes at worst.
  public func growth(registering added: Int) -> Int {
    others.growth(by: added) + buckets.growth(pushing: added)
  }

  /// No timer comes before this; nil when there is none. A timer that was deleted may still count.
  public var nextTime: Int64? { count == 0 ? nil : buckets.nextTime }

  /// Registers timers; those that are registered already stay as they are.
  ///
  /// - Parameters:
  ///   - times: of all slots of timers.
  ///   - isNew: room for `count` flags, which tell whether each was not there; or nil.
  public func register(
    _ timers: UnsafePointer<Timer>, count: Int, in times: SlotTimesMemory, isNew: UnsafeMutablePointer<Bool>? = nil
  ) {
    for first in stride(from: 0, to: count, by: Self.blockCount) {
      let end = min(count, first + Self.blockCount)
      others.reserve(end - first)
      prefetchFirst(timers, first..<end, times)
      for index in first..<end {
        prefetch(timers, index, end, times)
        let inserted = insert(timers[index], times[timers[index].slot])
        if inserted { buckets.push(timers[index]) }
        if let isNew { isNew[index] = inserted }
      }
    }
    sweep(times)
  }

  /// Deletes timers; those that are not registered do no harm.
  ///
  /// - Parameter wasRegistered: room for `count` flags, which tell whether each was there; or nil.
  public func delete(
    _ timers: UnsafePointer<Timer>, count: Int, in times: SlotTimesMemory,
    wasRegistered: UnsafeMutablePointer<Bool>? = nil
  ) {
    prefetchFirst(timers, 0..<count, times)
    for index in 0..<count {
      prefetch(timers, index, count, times)
      let removed = remove(timers[index], times[timers[index].slot])
      if let wasRegistered { wasRegistered[index] = removed }
    }
    sweep(times)
  }

  /// Registered timers that are not in the records of their slots, in no order.
  public var timersBesideRecords: [Timer] { others.all }

  /// Whether a timer is registered.
  public func contains(_ timer: Timer, in times: SlotTimesMemory) -> Bool {
    let own = times[timer.slot]
    return own.pointee.bit(of: timer) != 0 || own.pointee.others > 0 && others.contains(timer)
  }

  /// The next timers up to `time`, itself included, by their times, and at most `limit`; empty when none is due. They are registered no more.
  /// Those of one time come in the order in which they were registered (one that was deleted and registered again may come at either
  /// place).
  ///
  /// Call it until it gives none. Registering between two calls is right: a timer that is then before others that are still to come
  /// comes before them. A time before the last one counts as that one. The buffer is valid until the next call.
  public func pop(
    upTo time: Int64, limit: Int = 8_192, in times: SlotTimesMemory
  ) -> UnsafeBufferPointer<Timer> {
    while true {
      let timers = buckets.pop(upTo: time, limit: limit)
      guard let base = timers.baseAddress, timers.count > 0 else {
        others.shrink()
        return UnsafeBufferPointer(start: nil, count: 0)
      }
      var kept = 0
      prefetchFirst(base, timers.indices, times)
      for index in 0..<timers.count {
        prefetch(base, index, timers.count, times)
        let timer = base[index]
        base[kept] = timer
        kept &+= remove(timer, times[timer.slot]) ? 1 : 0
      }
      if kept > 0 { return UnsafeBufferPointer(start: base, count: kept) }
    }
  }

  private func prefetchFirst(_ timers: UnsafePointer<Timer>, _ range: Range<Int>, _ times: SlotTimesMemory) {
    for index in range.prefix(Self.ahead) { platform_prefetch(times[timers[index].slot]) }
  }

  /// Asks for what is needed of timers that come next, those before `end`.
  @inline(__always)  // As below.
  private func prefetch(_ timers: UnsafePointer<Timer>, _ index: Int, _ end: Int, _ times: SlotTimesMemory) {
    if index &+ Self.ahead < end { platform_prefetch(times[timers[index &+ Self.ahead].slot]) }
    if index &+ Self.ahead / 2 < end {
      let timer = timers[index &+ Self.ahead / 2]
      if times[timer.slot].pointee.others > 0 { others.prefetch(timer) }
    }
  }

  /// Whether it was not there.
  @inline(__always)  // Most of a loop over timers.
  private func insert(_ timer: Timer, _ own: UnsafeMutablePointer<SlotTimes>) -> Bool {
    precondition(timer.tag <= 1, "the tag of a timer tells of two queues that share records")
    if own.pointee.bit(of: timer) != 0 { return false }
    if own.pointee.others > 0, others.contains(timer) { return false }
    if !own.pointee.insert(timer) {
      _ = others.insert(timer)
      own.pointee.others &+= 1
    }
    count &+= 1
    return true
  }

  /// Whether it was there.
  @inline(__always)  // As above.
  private func remove(_ timer: Timer, _ own: UnsafeMutablePointer<SlotTimes>) -> Bool {
    let bit = own.pointee.bit(of: timer)
    if bit != 0 {
      own.pointee.remove(bit)
    } else {
      guard own.pointee.others > 0, others.remove(timer) else { return false }
      own.pointee.others &-= 1
    }
    count &-= 1
    return true
  }

  /// Drops deleted timers from the queue once they are more than those that count: then each of them has paid for it.
  private func sweep(_ times: SlotTimesMemory) {
    guard buckets.count > 2 * count + 4_096 else { return }
    let swept = TimerSet()
    swept.reserve(others.count)
    buckets.filter { [others] timers, count in
      var kept = 0
      for index in 0..<count { platform_prefetch(times[timers[index].slot]) }
      for index in 0..<count {
        let (timer, own) = (timers[index], times[timers[index].slot])
        // One that was deleted and registered again is there twice, and stays once.
        let bit = own.pointee.bit(of: timer)
        if bit == 0 {
          guard own.pointee.others > 0, others.remove(timer) else { continue }
          _ = swept.insert(timer)
        } else if !own.pointee.see(bit) {
          continue
        }
        timers[kept] = timer
        kept &+= 1
      }
      return kept
    }
    others = swept
    buckets.filter { timers, count in
      for index in 0..<count { times[timers[index].slot].pointee.endWalk() }
      return count
    }
  }
}
