import Base

/// Values of one type by slot: what an operator keeps of each key, in memory that doubles.
///
/// `grow(to:)` follows the key table's `slotCount` before a batch is processed; slots that it adds, and those that
/// `reset` names, hold `initial`. Who removes keys from the table resets their slots, so that the next key of a slot
/// finds nothing of the former. `values` stays where it is until the next `grow`, `reserve` or `removeAll`. One thread
/// at a time.
public final class SlotColumn<Element: BitwiseCopyable> {
  @usableFromInline @exclusivity(unchecked) var base: UnsafeMutablePointer<Element>
  @usableFromInline @exclusivity(unchecked) var used = 0
  @usableFromInline @exclusivity(unchecked) var capacity: Int
  public let initial: Element

  @usableFromInline static var firstCapacity: Int { 64 }

  @inlinable
  public init(initial: Element) {
    self.initial = initial
    capacity = Self.firstCapacity
    base = Self.memory(Self.firstCapacity)
  }

  deinit { base.deallocate() }

  /// The value of slot i is `values[i]`, for i below `count`.
  @inlinable
  public var values: UnsafeMutablePointer<Element> { base }

  /// Slots that have values.
  @inlinable
  public var count: Int { used }

  /// Bytes of memory that it holds.
  @inlinable
  public var byteCount: Int { capacity * MemoryLayout<Element>.stride }

  /// Bytes beyond those that growing to so many slots takes at worst, while it lasts: the former memory is freed after
  /// it.
  @inlinable
  public func growth(to slotCount: Int) -> Int {
    slotCount > capacity ? max(slotCount, 2 * capacity) * MemoryLayout<Element>.stride : 0
  }

  /// Makes room for so many slots. Those that have no value get none.
  @inlinable
  public func reserve(_ slotCount: Int) {
    guard slotCount > capacity else { return }
    let wanted = max(slotCount, 2 * capacity)
    let grown = Self.memory(wanted)
    grown.update(from: base, count: used)
    base.deallocate()
    base = grown
    capacity = wanted
  }

  /// Gives every slot below `slotCount` a value; those that have one keep it.
  @inlinable
  public func grow(to slotCount: Int) {
    guard slotCount > used else { return }
    reserve(slotCount)
    (base + used).update(repeating: initial, count: slotCount - used)
    used = slotCount
  }

  /// Gives these slots, all below `count`, the initial value.
  @inlinable
  public func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    for index in 0..<count { base[Int(slots[index])] = initial }
  }

  /// Forgets all slots, and gives the memory back when there is much of it.
  @inlinable
  public func removeAll() {
    used = 0
    guard byteCount > 1 << 20 else { return }
    base.deallocate()
    capacity = Self.firstCapacity
    base = Self.memory(Self.firstCapacity)
  }

  @inlinable
  static func memory(_ capacity: Int) -> UnsafeMutablePointer<Element> {
    HugeMemory.allocate(byteCount: capacity * MemoryLayout<Element>.stride)
      .bindMemory(to: Element.self, capacity: capacity)
  }
}
