import CPlatform
import Glibc

/// The states of an aggregate by slot: memory that grows by doubling. Its owner frees it with `deallocate`.
struct SlotStates<State: BitwiseCopyable> {
  private(set) var base: UnsafeMutablePointer<State>
  private(set) var count = 0
  private var capacity: Int
  private let initial: State

  /// States above so many bytes do not stay in the caches near a core, so that fetching them ahead is worth an
  /// instruction.
  private static var prefetchBytes: Int { 256 << 10 }

  init(initial: State) {
    self.initial = initial
    capacity = 64
    base = Self.resized(nil, to: 64)
  }

  /// Whether loops over random slots should fetch states ahead of their use.
  var isLarge: Bool { count * MemoryLayout<State>.stride > Self.prefetchBytes }

  /// New slots hold the initial state.
  mutating func grow(to newCount: Int) {
    guard newCount > count else { return }
    if newCount > capacity {
      capacity = max(newCount, capacity * 2)
      base = Self.resized(base, to: capacity)
    }
    (base + count).update(repeating: initial, count: newCount - count)
    count = newCount
  }

  mutating func removeAll() { count = 0 }

  func deallocate() { free(base) }

  private static func resized(_ memory: UnsafeMutablePointer<State>?, to capacity: Int) -> UnsafeMutablePointer<State> {
    let byteCount = capacity * MemoryLayout<State>.stride
    guard let resized = realloc(memory, byteCount) else {
      fatalError("out of memory: \(byteCount) bytes for the states of an aggregate could not be allocated")
    }
    return resized.bindMemory(to: State.self, capacity: capacity)
  }
}

extension SlotStates {
  /// Calls `body` with the state and the index of each row that is valid, in order.
  ///
  /// - Parameter validity: nil when all rows are.
  @inline(__always)  // The closure becomes the loop's body; as a call it would cost more than the work.
  func forEach(
    _ slots: UnsafePointer<UInt32>, count: Int, validity: Bits?,
    _ body: (_ state: UnsafeMutablePointer<State>, _ row: Int) -> Void
  ) {
    let base = base
    guard let validity else {
      if isLarge {
        let ahead = 16
        let fetched = max(0, count &- ahead)
        for row in 0..<fetched {
          platform_prefetch(base + Int(slots[row &+ ahead]))
          body(base + Int(slots[row]), row)
        }
        for row in fetched..<count { body(base + Int(slots[row]), row) }
      } else {
        for row in 0..<count { body(base + Int(slots[row]), row) }
      }
      return
    }
    let isLarge = isLarge
    var start = 0
    while start < count {
      let rows = min(64, count &- start)
      var word = validity.word(start, rows)
      if isLarge { for row in start..<(start &+ rows) { platform_prefetch(base + Int(slots[row])) } }
      if word == .max {
        for row in start..<(start &+ 64) { body(base + Int(slots[row]), row) }
      } else {
        while word != 0 {
          let row = start &+ word.trailingZeroBitCount
          body(base + Int(slots[row]), row)
          word &= word &- 1
        }
      }
      start &+= rows
    }
  }

  /// Calls `body` with the state and the index of every row, in order, and whether the row is valid; gives the bits that it
  /// returns.
  ///
  /// - Parameter validity: nil when all rows are valid.
  @inline(__always)  // As above.
  func runningBits(
    _ slots: UnsafePointer<UInt32>, count: Int, validity: Bits?,
    _ body: (_ state: UnsafeMutablePointer<State>, _ row: Int, _ isValid: Bool) -> Bool
  ) -> Words {
    let (base, isLarge) = (base, isLarge)
    return Words(count: count) { start, rows in
      let valid = validity?.word(start, rows) ?? .max
      if isLarge { for row in start..<(start &+ rows) { platform_prefetch(base + Int(slots[row])) } }
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
