import State

/// Matches that have begun and are not complete, by slot and the step that they wait for, in the order in which they
/// began.
///
/// All matches that wait for a step go on with the same row. So one that began before another never waits for an
/// earlier step, and those of a slot are in order from the last step's to the first's.
///
/// A match is a piece of memory: the next one of its list, how many rows it has, its first row's time, and those rows.
final class PartialMatches {
  struct Ends: BitwiseCopyable {
    var first = PartialMatches.none
    var last = PartialMatches.none
  }

  static let none = UInt32.max

  /// Steps that a match may wait for: all but the first one.
  private let listCount: Int
  private let stride: Int
  /// By slot and list.
  private let lists = SlotColumn(initial: Ends())
  private let words: SlotColumn<UInt32>
  private var firstFree = PartialMatches.none
  private var used = 0
  private(set) var count = 0
  /// What has changed; nil when nobody asks.
  var notes: MatchNotes?

  init(stepCount: Int) {
    listCount = max(1, stepCount - 1)
    stride = 4 + stepCount
    words = SlotColumn(initial: 0)
  }

  var byteCount: Int { lists.byteCount + words.byteCount + (notes?.byteCount ?? 0) }

  /// Bytes beyond those that so many slots and new matches take at worst, while it grows.
  func growth(to slotCount: Int, adding matches: Int) -> Int {
    lists.growth(to: slotCount * listCount) + words.growth(to: (used + matches) * stride)
  }

  func grow(to slotCount: Int) { lists.grow(to: slotCount * listCount) }

  private func list(_ slot: UInt32, _ step: Int) -> UnsafeMutablePointer<Ends> {
    lists.values + (Int(slot) &* listCount &+ step &- 1)
  }

  /// The first match that waits for a step.
  func first(_ slot: UInt32, waitingFor step: Int) -> UInt32 { list(slot, step).pointee.first }

  /// The match that began first, and the step that it waits for; `none` when there is none.
  func first(_ slot: UInt32) -> (match: UInt32, step: Int) {
    var step = listCount
    while step > 1, list(slot, step).pointee.first == Self.none { step &-= 1 }
    return (list(slot, step).pointee.first, step)
  }

  private func base(_ match: UInt32) -> UnsafeMutablePointer<UInt32> { words.values + Int(match) &* stride }

  /// The match behind it in its list.
  func next(_ match: UInt32) -> UInt32 { base(match)[0] }

  /// How many rows it has, which is also the step that it waits for.
  func step(_ match: UInt32) -> Int { Int(base(match)[1]) }

  /// The time of its first row.
  func start(_ match: UInt32) -> Int64 { Int64(base(match)[2]) | Int64(Int32(bitPattern: base(match)[3])) << 32 }

  /// The row of a step that it has.
  func row(_ match: UInt32, _ step: Int) -> UInt32 { base(match)[4 &+ step] }

  /// Begins a match.
  func begin(_ slot: UInt32, row: UInt32, time: Int64) {
    let match = add(slot, CollectionOfOne(row), time: time)
    notes?.begin(match, of: slot)
  }

  /// A match that was there before comes back, behind those that began before it.
  func restore(_ slot: UInt32, _ rows: [UInt32], time: Int64, sequence: UInt64) {
    let match = add(slot, rows, time: time)
    notes?.restore(match, of: slot, sequence: sequence)
  }

  @inline(__always)  // Specialises it for the one row that a match begins with.
  private func add(_ slot: UInt32, _ rows: some Collection<UInt32>, time: Int64) -> UInt32 {
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
    words[1] = UInt32(truncatingIfNeeded: rows.count)
    words[2] = UInt32(truncatingIfNeeded: time)
    words[3] = UInt32(truncatingIfNeeded: time >> 32)
    for (step, row) in rows.enumerated() { words[4 + step] = row }
    append(match, to: list(slot, rows.count))
    count += 1
    return match
  }

  private func append(_ match: UInt32, to list: UnsafeMutablePointer<Ends>) {
    base(match)[0] = Self.none
    if list.pointee.last == Self.none { list.pointee.first = match } else { base(list.pointee.last)[0] = match }
    list.pointee.last = match
  }

  /// Takes the first match that waits for a step out of its list: it is to be added to the next one or to be forgotten.
  func removeFirst(_ slot: UInt32, waitingFor step: Int) {
    let list = list(slot, step)
    list.pointee.first = next(list.pointee.first)
    if list.pointee.first == Self.none { list.pointee.last = Self.none }
  }

  /// Gives a match that is in no list the row of the step that it waits for.
  func advance(_ match: UInt32, row: UInt32) {
    let words = base(match)
    words[4 &+ Int(words[1])] = row
    words[1] &+= 1
    notes?.change(match)
  }

  /// Puts a match that is in no list behind those that wait for the same step.
  func wait(_ match: UInt32, of slot: UInt32) { append(match, to: list(slot, step(match))) }

  /// Forgets a match that is in no list.
  func forget(_ match: UInt32) {
    base(match)[0] = firstFree
    firstFree = match
    count -= 1
    notes?.forget(match)
  }
}
