/// Which timers of a slot count: the times of a few, which lie in the slot's own record, so that who looks at the record anyway finds them
/// there. Others are in the sets of their queues.
public struct SlotTimes: BitwiseCopyable {
  /// By bit, of each time: whether it is one, and its timer's tag.
  private var taken: UInt8 = 0
  private var tags: UInt8 = 0
  /// Those that a walk over all timers has come by; none between walks.
  private var seen: UInt8 = 0
  private var unused: UInt8 = 0
  /// Timers of the slot that are in the sets.
  var others: UInt32 = 0
  private var times: (Int64, Int64, Int64, Int64, Int64, Int64) = (0, 0, 0, 0, 0, 0)

  /// With eight bytes in front of it a line of the cache.
  public static let byteCount = MemoryLayout<SlotTimes>.size
  static let capacity = 6
  private static let all: UInt8 = 1 << capacity - 1

  /// No timers.
  public init() {}

  /// The bit of a timer's time; 0 when it is not here. The timer is one of this slot, and its tag 0 or 1.
  @inline(__always)  // Most of a loop over timers.
  func bit(of timer: Timer) -> UInt8 {
    let time = timer.time
    // No branch: a slot has any number of times.
    var equal: UInt8 = times.0 == time ? 1 : 0
    equal |= times.1 == time ? 2 : 0
    equal |= times.2 == time ? 4 : 0
    equal |= times.3 == time ? 8 : 0
    equal |= times.4 == time ? 16 : 0
    equal |= times.5 == time ? 32 : 0
    return equal & taken & (timer.tag == 0 ? ~tags : tags)
  }

  /// Whether there was room for a timer, which is not here yet.
  @inline(__always)  // As above.
  mutating func insert(_ timer: Timer) -> Bool {
    let bit = ~taken & (taken &+ 1) & Self.all
    guard bit != 0 else { return false }
    taken |= bit
    tags = timer.tag == 0 ? tags & ~bit : tags | bit
    let place = bit.trailingZeroBitCount
    withUnsafeMutableBytes(of: &times) { times in
      times.storeBytes(of: timer.time, toByteOffset: place &* 8, as: Int64.self)
    }
    return true
  }

  @inline(__always)  // As above.
  mutating func remove(_ bit: UInt8) { taken &= ~bit }

  /// Whether the walk comes by a time first.
  mutating func see(_ bit: UInt8) -> Bool {
    let isFirst = seen & bit == 0
    seen |= bit
    return isFirst
  }

  /// Gives the times that are here, and the tags of their timers.
  public func visit(_ body: (Int64, UInt32) -> Void) {
    withUnsafeBytes(of: times) { times in
      for place in 0..<Self.capacity where taken >> UInt8(place) & 1 != 0 {
        body(times.load(fromByteOffset: place * 8, as: Int64.self), tags >> UInt8(place) & 1 == 0 ? 0 : 1)
      }
    }
  }

  /// Whether the slot has timers whose times are not here.
  public var hasOthers: Bool { others > 0 }

  mutating func endWalk() { seen = 0 }
}

/// Where the `SlotTimes` of slots are: one each so many bytes. Their owner keeps them, and gives new slots none.
public struct SlotTimesMemory {
  private let first: UnsafeMutableRawPointer
  private let shift: Int

  /// - Parameters:
  ///   - first: those of slot 0.
  ///   - shift: log2 of the bytes from one slot's to the next one's.
  public init(first: UnsafeMutableRawPointer, shift: Int) {
    self.first = first
    self.shift = shift
  }

  @inline(__always)  // A part of loops over timers.
  public subscript(_ slot: UInt32) -> UnsafeMutablePointer<SlotTimes> {
    (first + Int(slot) &<< shift).assumingMemoryBound(to: SlotTimes.self)
  }
}
