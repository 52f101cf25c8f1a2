/// Timers that are registered, deleted, and handed out when their time has come: each (time, slot, tag) at most once.
///
/// For timers that users set, of which a key may have any number. Where a key has one that moves (the end of a session, a time to live),
/// `SlotDeadlines` is cheaper. A timer costs about 16 bytes in the queue and 32 to 64 in the set of those that count; a deleted one
/// stays in the queue until its time has come or half of the queue is deleted ones. The cost of a call does not depend on how many
/// timers there are. Times may be any; one that has passed comes with the next `pop`. One thread at a time.
public final class TimerQueue {
  private let buckets = TimeBuckets()
  private var live = TimerSet()

  /// Far enough for a miss to memory, near enough that the lines are still in the second cache.
  private static let ahead = 40
  private static let blockCount = 1_024

  public init() {}

  /// Timers that are registered.
  public var count: Int { live.count }

  /// Bytes of memory that it holds.
  public var byteCount: Int { buckets.byteCount + live.byteCount }

  /// Bytes beyond those that registering so many takes at worst.
  public func growth(registering added: Int) -> Int {
    live.growth(by: added) + buckets.growth(pushing: added)
  }

  /// No timer comes before this; nil when there is none. A timer that was deleted may still count.
  public var nextTime: Int64? { live.count == 0 ? nil : buckets.nextTime }

  /// Registers timers; those that are registered already stay as they are.
  ///
  /// - Parameter isNew: room for `count` flags, which tell whether each was not there; or nil.
  public func register(
    _ timers: UnsafePointer<Timer>, count: Int, isNew: UnsafeMutablePointer<Bool>? = nil
  ) {
    for first in stride(from: 0, to: count, by: Self.blockCount) {
      let end = min(count, first + Self.blockCount)
      live.reserve(end - first)
      for index in first..<min(end, first + Self.ahead) { live.prefetch(timers[index]) }
      for index in first..<end {
        if index &+ Self.ahead < end { live.prefetch(timers[index &+ Self.ahead]) }
        let timer = timers[index]
        precondition(timer.slot != .max, "a timer has a slot")
        let inserted = live.insert(timer)
        if inserted { buckets.push(timer) }
        if let isNew { isNew[index] = inserted }
      }
    }
    sweep()
  }

  /// Deletes timers; those that are not registered do no harm.
  ///
  /// - Parameter wasRegistered: room for `count` flags, which tell whether each was there; or nil.
  public func delete(
    _ timers: UnsafePointer<Timer>, count: Int, wasRegistered: UnsafeMutablePointer<Bool>? = nil
  ) {
    for index in 0..<min(Self.ahead, count) { live.prefetch(timers[index]) }
    for index in 0..<count {
      if index &+ Self.ahead < count { live.prefetch(timers[index &+ Self.ahead]) }
      let removed = live.remove(timers[index])
      if let wasRegistered { wasRegistered[index] = removed }
    }
    sweep()
  }

  /// Whether a timer is registered.
  public func contains(_ timer: Timer) -> Bool { live.contains(timer) }

  /// The next timers up to `time`, itself included, by their times, and at most `limit`; empty when none is due. They are registered no more.
  /// Those of one time come in the order in which they were registered (one that was deleted and registered again may come at either
  /// place).
  ///
  /// Call it until it gives none. Registering between two calls is right: a timer that is then before others that are still to come
  /// comes before them. A time before the last one counts as that one. The buffer is valid until the next call.
  public func pop(upTo time: Int64, limit: Int = 8_192) -> UnsafeBufferPointer<Timer> {
    while true {
      let timers = buckets.pop(upTo: time, limit: limit)
      guard let base = timers.baseAddress, timers.count > 0 else {
        live.shrink()
        return UnsafeBufferPointer(start: nil, count: 0)
      }
      var kept = 0
      for index in 0..<min(Self.ahead, timers.count) { live.prefetch(base[index]) }
      for index in 0..<timers.count {
        if index &+ Self.ahead < timers.count { live.prefetch(base[index &+ Self.ahead]) }
        let timer = base[index]
        base[kept] = timer
        kept &+= live.remove(timer) ? 1 : 0
      }
      if kept > 0 { return UnsafeBufferPointer(start: base, count: kept) }
    }
  }

  /// Gives each registered timer, in no order.
  public func visit(_ body: (Timer) -> Void) { live.visit(body) }

  /// Forgets all timers.
  public func removeAll() {
    buckets.removeAll()
    live = TimerSet()
  }

  /// Drops deleted timers from the queue once they are more than those that count: then each of them has paid for it.
  private func sweep() {
    guard buckets.count > 2 * live.count + 4_096 else { return }
    let swept = TimerSet()
    swept.reserve(live.count)
    buckets.filter { [live] timers, count in
      var kept = 0
      for index in 0..<count { live.prefetch(timers[index]) }
      for index in 0..<count where live.remove(timers[index]) {
        // One that was deleted and registered again is there twice, and stays once.
        _ = swept.insert(timers[index])
        timers[kept] = timers[index]
        kept &+= 1
      }
      return kept
    }
    live = swept
  }
}
