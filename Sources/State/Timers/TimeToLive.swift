/// Which slots nobody has touched for a while: state that expires.
///
/// A slot lives until `duration` after its last touch: at that very time it is expired. Before a batch an operator asks for the slots
/// that are expired by then, clears what they hold and removes their keys; so what it finds for the batch is alive. Which touches count,
/// writes only or reads too, and which clock the times are of, the operator decides. A slot costs 32 bytes; a touch is one access
/// to them. One thread at a time.
public final class TimeToLive {
  /// Microseconds.
  public let duration: Int64
  private let deadlines = SlotDeadlines()

  /// - Parameter duration: microseconds, above 0.
  public init(duration: Int64) {
    precondition(duration > 0, "a time to live is above 0")
    self.duration = duration
  }

  /// Bytes of memory that it holds.
  public var byteCount: Int { deadlines.byteCount }

  /// Bytes beyond those that growing to so many slots and touching so many takes at worst.
  public func growth(to slotCount: Int, touching touched: Int) -> Int {
    deadlines.growth(to: slotCount, setting: touched)
  }

  /// Makes room for slots below `slotCount`. One that was never touched lives for ever.
  public func grow(to slotCount: Int) { deadlines.grow(to: slotCount) }

  /// These slots were touched at `time`, in microseconds. A touch that is earlier than another does not shorten a life.
  public func touch(_ slots: UnsafePointer<UInt32>, count: Int, at time: Int64) {
    let expiry = expiry(time)
    var done = 0
    withUnsafeTemporaryAllocation(of: Int64.self, capacity: 1_024) { times in
      times.initialize(repeating: expiry)
      guard let base = times.baseAddress else { return }
      while done < count {
        let block = min(times.count, count - done)
        deadlines.extend(slots + done, base, count: block)
        done += block
      }
    }
  }

  /// Slot `slots[i]` was touched at `times[i]`.
  public func touch(_ slots: UnsafePointer<UInt32>, at touchTimes: UnsafePointer<Int64>, count: Int) {
    var done = 0
    withUnsafeTemporaryAllocation(of: Int64.self, capacity: 1_024) { times in
      guard let base = times.baseAddress else { return }
      while done < count {
        let block = min(times.count, count - done)
        for index in 0..<block { base[index] = expiry(touchTimes[done + index]) }
        deadlines.extend(slots + done, base, count: block)
        done += block
      }
    }
  }

  /// When a slot expires if it is not touched again; nil when it never was.
  public func expiry(of slot: UInt32) -> Int64? {
    let time = deadlines.time(of: slot)
    return time == SlotDeadlines.none ? nil : time
  }

  /// These slots have no time to live any more: their keys are removed.
  public func clear(_ slots: UnsafePointer<UInt32>, count: Int) { deadlines.clear(slots, count: count) }

  /// No slot expires before this; nil when none does.
  public var nextTime: Int64? { deadlines.nextTime }

  /// Slots that are expired at `time`, at most `limit`, in the order of their expiry; empty when none is. Each comes once, and is then as
  /// one that was never touched. Call it until it gives none. The buffer is valid until the next call.
  public func popExpired(at time: Int64, limit: Int = 8_192) -> UnsafeBufferPointer<Timer> {
    deadlines.pop(upTo: time, limit: limit)
  }

  /// Forgets all slots.
  public func removeAll() { deadlines.removeAll() }

  private func expiry(_ time: Int64) -> Int64 {
    let (sum, overflow) = time.addingReportingOverflow(duration)
    // The last time of all is that of a slot that never expires.
    return overflow ? .max - 1 : min(sum, .max - 1)
  }
}
