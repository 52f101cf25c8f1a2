import State

/// Matches that have begun and are not complete, by slot, in the order in which they began.
///
/// A match is a piece of memory: the next one of its slot, which step it waits for, its first row's time, and the rows that it has.
final class PartialMatches {
  struct Ends: BitwiseCopyable {
    var first = PartialMatches.none
    var last = PartialMatches.none
  }

  static let none = UInt32.max

  private let stepCount: Int
  private let stride: Int
  private let slots = SlotColumn(initial: Ends())
  private let words: SlotColumn<UInt32>
  private var firstFree = PartialMatches.none
  private var used = 0
  private(set) var count = 0

  init(stepCount: Int) {
    self.stepCount = stepCount
    stride = 4 + stepCount
    words = SlotColumn(initial: 0)
  }

  var byteCount: Int { slots.byteCount + words.byteCount }

  /// Bytes beyond those that so many slots and new matches take at worst, while it grows.
  func growth(to slotCount: Int, adding matches: Int) -> Int {
    slots.growth(to: slotCount) + words.growth(to: (used + matches) * stride)
  }

  func grow(to slotCount: Int) { slots.grow(to: slotCount) }

  func ends(_ slot: UInt32) -> Ends { slots.values[Int(slot)] }

  private func base(_ match: UInt32) -> UnsafeMutablePointer<UInt32> { words.values + Int(match) &* stride }

  /// The match that began after it.
  func next(_ match: UInt32) -> UInt32 { base(match)[0] }

  /// The step that it waits for, which is also how many rows it has.
  func step(_ match: UInt32) -> Int { Int(base(match)[1]) }

  /// The time of its first row.
  func start(_ match: UInt32) -> Int64 { Int64(base(match)[2]) | Int64(Int32(bitPattern: base(match)[3])) << 32 }

  /// The row of a step that it has.
  func row(_ match: UInt32, _ step: Int) -> UInt32 { base(match)[4 &+ step] }

  /// Begins a match.
  func begin(_ slot: UInt32, row: UInt32, time: Int64) {
    let match: UInt32
    if firstFree != Self.none {
      match = firstFree
      firstFree = base(match)[0]
    } else {
      match = UInt32(truncatingIfNeeded: used)
      used += 1
      words.grow(to: used * stride)
    }
    let words = base(match)
    words[0] = Self.none
    words[1] = 1
    words[2] = UInt32(truncatingIfNeeded: time)
    words[3] = UInt32(truncatingIfNeeded: time >> 32)
    words[4] = row
    let ends = slots.values + Int(slot)
    if ends.pointee.last == Self.none { ends.pointee.first = match } else { base(ends.pointee.last)[0] = match }
    ends.pointee.last = match
    count += 1
  }

  /// Gives it the row of the step that it waits for.
  func advance(_ match: UInt32, row: UInt32) {
    let words = base(match)
    words[4 &+ Int(words[1])] = row
    words[1] &+= 1
  }

  /// Forgets a match.
  ///
  /// - Parameter former: the one that began before it in its slot, or `none`.
  func remove(_ match: UInt32, behind former: UInt32, of slot: UInt32) {
    let next = next(match)
    let ends = slots.values + Int(slot)
    if former == Self.none { ends.pointee.first = next } else { base(former)[0] = next }
    if ends.pointee.last == match { ends.pointee.last = former }
    base(match)[0] = firstFree
    firstFree = match
    count -= 1
  }
}
