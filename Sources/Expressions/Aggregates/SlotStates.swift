import Base
import CPlatform
import Glibc

/// The states of an aggregate by slot: memory that grows by doubling. Its owner frees it with `deallocate`.
struct SlotStates<State: BitwiseCopyable> {
  private(set) var base: UnsafeMutablePointer<State>
  private(set) var count = 0
  private var capacity = 0
  private let initial: State

  /// States above so many bytes do not stay in the caches near a core, so that fetching them ahead is worth an
  /// instruction.
  private static var prefetchBytes: Int { 256 << 10 }
  private static var leastCapacity: Int { 64 }

  /// No slots; no memory is taken before there are some.
  init(initial: State) {
    self.initial = initial
    guard let nowhere = UnsafeMutablePointer<State>(bitPattern: MemoryLayout<State>.alignment) else {
      preconditionFailure("an alignment is not 0")
    }
    base = nowhere
  }

  /// Whether loops over random slots should fetch states ahead of their use.
  var isLarge: Bool { count * MemoryLayout<State>.stride > Self.prefetchBytes }
  /// Whether they are not even in the further ones.
  private var isFar: Bool { count * MemoryLayout<State>.stride > HugeMemory.cachedBytes }

  /// Bytes of memory that it holds.
  var byteCount: Int { capacity * MemoryLayout<State>.stride }

  /// New slots hold the initial state.
  ///
  /// Throws an `io` failure when the system has no more memory.
  mutating func grow(to newCount: Int) throws(Failure) {
    guard newCount > count else { return }
    if newCount > capacity { try move(to: max(newCount, capacity * 2, Self.leastCapacity)) }
    (base + count).update(repeating: initial, count: newCount - count)
    count = newCount
  }

  /// Makes room for so many slots, which are not there yet.
  mutating func reserve(_ slotCount: Int) throws(Failure) { if slotCount > capacity { try move(to: slotCount) } }

  mutating func append(_ state: State) throws(Failure) {
    if count == capacity { try move(to: max(capacity * 2, Self.leastCapacity)) }
    base[count] = state
    count += 1
  }

  /// Gives these slots the initial state.
  func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    let initial = initial
    forEach(slots, count: count, validity: nil) { state, _ in state.pointee = initial }
  }

  /// Drops the slots from `count` on.
  mutating func truncate(to count: Int) { self.count = min(self.count, count) }

  mutating func removeAll() { count = 0 }

  func deallocate() { if capacity > 0 { free(base) } }

  private mutating func move(to wanted: Int) throws(Failure) {
    let (byteCount, overflow) = wanted.multipliedReportingOverflow(by: MemoryLayout<State>.stride)
    // Memory that `realloc` moves loses its huge pages: it comes to lie otherwise within them.
    guard !overflow, let grown = HugeMemory.allocateIfPossible(byteCount: byteCount) else {
      throw Failure(
        .memory, retryable: true,
        "out of memory: \(overflow ? "\(wanted) states" : "\(byteCount) bytes") for the groups of an aggregate could not "
          + "be had; give the worker more memory, raise the parallelism over more workers, or group by fewer keys")
    }
    let states = grown.bindMemory(to: State.self, capacity: wanted)
    if capacity > 0 {
      states.update(from: base, count: count)
      free(base)
    }
    base = states
    capacity = wanted
  }
}

extension SlotStates {
  /// Calls `body` with the state and the index of each row that is valid, in order.
  ///
  /// - Parameter validity: nil when all rows are.
  @inline(__always)  // The closure becomes the loop's body; as a call it would cost more than the work.
  func forEach<E: Error>(
    _ slots: UnsafePointer<UInt32>, count: Int, validity: Bits?,
    _ body: (_ state: UnsafeMutablePointer<State>, _ row: Int) throws(E) -> Void
  ) throws(E) {
    let base = base
    guard let validity else {
      if isLarge {
        let (ahead, isFar) = (40, isFar)
        let fetched = max(0, count &- ahead)
        for row in 0..<fetched {
          platform_prefetch_of(base + Int(slots[row &+ ahead]), isFar)
          try body(base + Int(slots[row]), row)
        }
        for row in fetched..<count { try body(base + Int(slots[row]), row) }
      } else {
        for row in 0..<count { try body(base + Int(slots[row]), row) }
      }
      return
    }
    let (isLarge, isFar) = (isLarge, isFar)
    var start = 0
    while start < count {
      let rows = min(64, count &- start)
      var word = validity.word(start, rows)
      if isLarge { for row in start..<(start &+ rows) { platform_prefetch_of(base + Int(slots[row]), isFar) } }
      if word == .max {
        for row in start..<(start &+ 64) { try body(base + Int(slots[row]), row) }
      } else {
        while word != 0 {
          let row = start &+ word.trailingZeroBitCount
          try body(base + Int(slots[row]), row)
          word &= word &- 1
        }
      }
      start &+= rows
    }
  }

  /// Calls `body` with the state and the index of every row, in order, and whether the row is valid; gives the bits
  /// that it returns.
  ///
  /// - Parameter validity: nil when all rows are valid.
  @inline(__always)  // As above.
  func runningBits(
    _ slots: UnsafePointer<UInt32>, count: Int, validity: Bits?,
    _ body: (_ state: UnsafeMutablePointer<State>, _ row: Int, _ isValid: Bool) -> Bool
  ) -> Words {
    let (base, isLarge, isFar) = (base, isLarge, isFar)
    return Words(count: count) { start, rows in
      let valid = validity?.word(start, rows) ?? .max
      if isLarge { for row in start..<(start &+ rows) { platform_prefetch_of(base + Int(slots[row]), isFar) } }
      var word: UInt64 = 0
      for bit in 0..<rows {
        let row = start &+ bit
        let shift = UInt64(truncatingIfNeeded: bit)
        word |= (body(base + Int(slots[row]), row, (valid &>> shift) & 1 == 1) ? 1 : 0) &<< shift
      }
      return word
    }
  }
}
