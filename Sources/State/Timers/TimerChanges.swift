/// Which timers have come and gone since this was asked last, for what outlives the process: one that is set and fires in between is
/// never heard of. One thread at a time.
public final class TimerChanges {
  /// Those that were set since.
  private let new = TimerSet()
  /// Those that were there before.
  private var gone: [Timer] = []

  public init() {}

  /// Bytes of memory that it holds.
  public var byteCount: Int { new.byteCount + gone.capacity * MemoryLayout<Timer>.stride }

  /// Timers that are registered now and were not.
  ///
  /// - Parameter flags: which ones count.
  public func add(_ timers: UnsafePointer<Timer>, count: Int, where flags: UnsafePointer<Bool>) {
    new.reserve(count)
    for index in 0..<count where flags[index] { _ = new.insert(timers[index]) }
  }

  /// Timers that were registered and are no more.
  ///
  /// - Parameter flags: which ones count.
  public func remove(_ timers: UnsafePointer<Timer>, count: Int, where flags: UnsafePointer<Bool>) {
    for index in 0..<count where flags[index] { remove(timers[index]) }
  }

  /// The same for one.
  public func remove(_ timer: Timer) { if !new.remove(timer) { gone.append(timer) } }

  /// Timers that were there and are gone: asked before one of their slots goes to another key. They are removed before those are put
  /// that `takeNew` tells.
  public func takeGone() -> [Timer] {
    defer { gone = [] }
    return gone
  }

  /// Timers that are told elsewhere from here on: those of them that have come since, in their order.
  public func takeNew(of timers: [Timer]) -> [Timer] { timers.filter { new.remove($0) } }

  /// Timers that have come.
  public func takeNew() -> [Timer] {
    let timers = new.all
    new.removeAll()
    return timers
  }
}
