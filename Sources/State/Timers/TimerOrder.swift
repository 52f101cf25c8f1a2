/// Timers in the order of their times, and nothing else: who has them knows which of them count, and drops the others
/// when they come.
///
/// For who keeps what a timer is for in one place with what it is looked at for. `SlotDeadlines` and `TimerQueue` keep
/// it, at a cache miss more. A timer costs about 16 bytes. The cost of a call does not depend on how many there are.
/// One thread at a time.
public final class TimerOrder {
  private let buckets = TimeBuckets()

  public init() {}

  /// Timers pushed and not yet handed out.
  public var count: Int { buckets.count }

  /// Bytes of memory that it holds.
  public var byteCount: Int { buckets.byteCount }

  /// Bytes beyond those that pushing so many takes at worst.
  public func growth(pushing added: Int) -> Int { buckets.growth(pushing: added) }

  /// No timer comes before this; nil when there is none.
  public var nextTime: Int64? { buckets.nextTime }

  public func push(_ timer: Timer) { buckets.push(timer) }

  /// The next timers up to `time`, itself included, by their times, and at most `limit`; empty when none is due. Those
  /// of one time come in the order in which they were pushed.
  ///
  /// Call it until it gives none; between two calls timers may be pushed, and times that are due come in their order. A
  /// time before the last one counts as that one. The buffer is valid until the next call.
  public func pop(upTo time: Int64, limit: Int = 8_192) -> UnsafeBufferPointer<Timer> {
    UnsafeBufferPointer(buckets.pop(upTo: time, limit: limit))
  }

  /// Keeps only the timers that `counts` says so of.
  public func filter(_ counts: (Timer) -> Bool) {
    buckets.filter { timers, count in
      var kept = 0
      for index in 0..<count where counts(timers[index]) {
        timers[kept] = timers[index]
        kept &+= 1
      }
      return kept
    }
  }

  /// Forgets all timers.
  public func removeAll() { buckets.removeAll() }
}
