/// A time at which an operator wants to be told of a slot.
public struct Timer: Sendable, Hashable, BitwiseCopyable {
  /// Microseconds since 1970-01-01T00:00:00Z.
  public var time: Int64
  /// The slot of the timer's key in the operator's key table; not `UInt32.max`.
  public var slot: UInt32
  /// What the operator tells its timers of one slot and time apart by; it does not decide their order.
  public var tag: UInt32

  @inlinable
  public init(time: Int64, slot: UInt32, tag: UInt32 = 0) {
    self.time = time
    self.slot = slot
    self.tag = tag
  }
}
