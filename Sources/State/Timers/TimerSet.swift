import Base
import CPlatform

/// Which timers count: a set by open addressing, at most half of it taken.
final class TimerSet {
  private var entries: UnsafeMutablePointer<Timer>
  /// 64 - log2 of the number of entries.
  private var shift: UInt64
  private(set) var count = 0

  private static let firstShift: UInt64 = 64 - 6
  /// No timer has this slot.
  private static let empty = Timer(time: 0, slot: .max, tag: 0)

  init() {
    shift = Self.firstShift
    entries = HugeMemory.allocate(Timer.self, count: 1 << 6, repeating: Self.empty)
  }

  deinit { entries.deallocate() }

  private var capacity: Int { 1 << (64 - Int(shift)) }
  var byteCount: Int { capacity * MemoryLayout<Timer>.stride }

  /// Bytes beyond those of now that inserting so many takes at worst, while it lasts.
  func growth(by added: Int) -> Int {
    let wanted = enlarged(for: added)
    return wanted == capacity ? 0 : wanted * MemoryLayout<Timer>.stride
  }

  /// Asks for the memory where a timer is or would be.
  @inline(__always)  // A few instructions in loops over timers.
  func prefetch(_ timer: Timer) { platform_prefetch(entries + Self.place(timer, shift)) }

  /// Whether it was not there. There must be room: see `reserve`.
  @inline(__always)  // As above.
  func insert(_ timer: Timer) -> Bool {
    let (entries, probe) = (entries, LineProbe(Timer.self, capacity: capacity))
    let home = Self.place(timer, shift)
    var index = home
    while entries[index].slot != Self.empty.slot {
      if entries[index] == timer { return false }
      index = probe.next(index, home: home)
    }
    entries[index] = timer
    count &+= 1
    return true
  }

  func contains(_ timer: Timer) -> Bool {
    let (entries, probe) = (entries, LineProbe(Timer.self, capacity: capacity))
    let home = Self.place(timer, shift)
    var index = home
    while entries[index].slot != Self.empty.slot {
      if entries[index] == timer { return true }
      index = probe.next(index, home: home)
    }
    return false
  }

  /// Whether it was there.
  @inline(__always)  // As above.
  func remove(_ timer: Timer) -> Bool {
    let (entries, shift, probe) = (entries, shift, LineProbe(Timer.self, capacity: capacity))
    let home = Self.place(timer, shift)
    var place = home
    while entries[place] != timer {
      if entries[place].slot == Self.empty.slot { return false }
      place = probe.next(place, home: home)
    }
    count &-= 1
    let hole = probe.close(place) {
      entries[$0].slot == Self.empty.slot ? nil : Self.place(entries[$0], shift)
    } move: {
      entries[$1] = entries[$0]
    }
    entries[hole] = Self.empty
    return true
  }

  /// All of them, in no order.
  var all: [Timer] {
    var timers: [Timer] = []
    timers.reserveCapacity(count)
    for index in 0..<capacity where entries[index].slot != Self.empty.slot { timers.append(entries[index]) }
    return timers
  }

  /// Forgets all, and gives the memory back when there is much of it.
  func removeAll() {
    count = 0
    if capacity > 1 << 10 { return rebuild(empty: 1 << 10) }
    entries.update(repeating: Self.empty, count: capacity)
  }

  private func rebuild(empty newCapacity: Int) {
    entries.deallocate()
    entries = HugeMemory.allocate(Timer.self, count: newCapacity, repeating: Self.empty)
    shift = UInt64(64 - newCapacity.trailingZeroBitCount)
  }

  /// Makes room for so many more.
  func reserve(_ added: Int) {
    if (count + added) * 2 > capacity { rebuild(capacity: enlarged(for: added)) }
  }

  /// Gives memory back that few timers are left for.
  func shrink() {
    guard capacity > 1 << 10, count * 16 < capacity else { return }
    var wanted = 1 << 10
    while count * 4 > wanted { wanted *= 2 }
    rebuild(capacity: wanted)
  }

  private func enlarged(for added: Int) -> Int {
    var wanted = capacity
    while (count + added) * 2 > wanted { wanted *= 2 }
    return wanted
  }

  private func rebuild(capacity newCapacity: Int) {
    let (former, formerCapacity) = (entries, capacity)
    entries = HugeMemory.allocate(Timer.self, count: newCapacity, repeating: Self.empty)
    shift = UInt64(64 - newCapacity.trailingZeroBitCount)
    let probe = LineProbe(Timer.self, capacity: newCapacity)
    for index in 0..<formerCapacity where former[index].slot != Self.empty.slot {
      let home = Self.place(former[index], shift)
      var place = home
      while entries[place].slot != Self.empty.slot { place = probe.next(place, home: home) }
      entries[place] = former[index]
    }
    former.deallocate()
  }

  @inline(__always)  // As above.
  private static func place(_ timer: Timer, _ shift: UInt64) -> Int {
    var mixed = UInt64(bitPattern: timer.time) &* 0x9E37_79B9_7F4A_7C15
    mixed ^= UInt64(timer.tag) &<< 32 | UInt64(timer.slot)
    mixed ^= mixed &>> 32
    mixed = mixed &* 0xD6E8_FEB8_6659_FD93
    return Int(truncatingIfNeeded: mixed &>> shift)
  }
}
