import CPlatform
import State

/// The first rows of each key in their order, by slot: a row's words, and which row it is.
///
/// Where one row a key is kept its place is that of the slot, so that a row costs one access. Else a slot has a piece of memory that doubles
/// with its rows, up to `limit` of them.
final class RankedLists {
  private struct Head: BitwiseCopyable {
    /// The first row's place.
    var start: UInt32 = 0
    var count: UInt32 = 0
    /// log2 of the rows that there is room for; `noPiece` when there is none.
    var size = Head.noPiece
    /// Whether it has changed in this batch.
    var isChanged: UInt8 = 0

    static let noPiece = UInt8.max
  }

  /// The rows of a slot, until the next change of any.
  struct Rows {
    let base: UnsafeMutablePointer<UInt64>
    let count: Int
    fileprivate let stride: Int

    /// The words of a row.
    @inline(__always)  // A few instructions in loops over rows.
    func words(_ index: Int) -> UnsafeMutablePointer<UInt64> { base + index &* stride }

    @inline(__always)  // As above.
    subscript(_ index: Int) -> RankedRow {
      get { RankedRow(bits: base[index &* stride &+ stride &- 1]) }
      nonmutating set { base[index &* stride &+ stride &- 1] = newValue.bits }
    }
  }

  let limit: Int
  /// Words of a place: those of the row, then which it is.
  private let stride: Int
  private let isSingle: Bool
  /// None where one row a key is kept.
  private let heads = SlotColumn(initial: Head())
  private let places: SlotColumn<UInt64>
  /// Places that were given out so far.
  private var usedPlaces = 0
  /// Pieces that were given back, by log2 of their size: the first place of each.
  private var free = [[UInt32]](repeating: [], count: 32)

  init(wordCount: Int, limit: Int) {
    self.limit = limit
    stride = wordCount + 1
    isSingle = limit == 1
    places = SlotColumn(initial: RankedRow.none.bits)
  }

  /// Bytes of memory that it holds.
  var byteCount: Int { heads.byteCount + places.byteCount }

  /// Bytes beyond those that so many slots and rows take at worst, while it grows.
  func growth(to slotCount: Int, rows: Int) -> Int {
    if isSingle { return places.growth(to: slotCount * stride) }
    return heads.growth(to: slotCount) + places.growth(to: (usedPlaces + 4 * rows) * stride)
  }

  func grow(to slotCount: Int) {
    if isSingle { places.grow(to: slotCount * stride) } else { heads.grow(to: slotCount) }
  }

  /// Asks for what is needed of a slot that comes soon.
  @inline(__always)  // A few instructions in loops over rows.
  func prefetch(_ slot: UInt32) {
    if isSingle {
      platform_prefetch(places.values + Int(slot) &* stride)
    } else {
      platform_prefetch(heads.values + Int(slot))
    }
  }

  /// Asks for the rows of a slot that comes next.
  @inline(__always)  // As above.
  func prefetchRows(_ slot: UInt32) {
    if !isSingle { platform_prefetch(places.values + Int(heads.values[Int(slot)].start) &* stride) }
  }

  @inline(__always)  // As above.
  func rows(_ slot: UInt32) -> Rows {
    if isSingle {
      let base = places.values + Int(slot) &* stride
      return Rows(base: base, count: base[stride &- 1] == RankedRow.none.bits ? 0 : 1, stride: stride)
    }
    let head = heads.values[Int(slot)]
    return Rows(base: places.values + Int(head.start) &* stride, count: Int(head.count), stride: stride)
  }

  /// Whether a slot has a row of this batch, or had one.
  @inline(__always)  // As above.
  func isChanged(_ slot: UInt32) -> Bool {
    isSingle ? rows(slot)[0] != RankedRow.none && rows(slot)[0].isNew : heads.values[Int(slot)].isChanged != 0
  }

  /// Puts a row at an index of a slot's rows; when they are as many as may be, the last one goes.
  func insert(_ row: RankedRow, _ words: UnsafePointer<UInt64>, at index: Int, of slot: UInt32) {
    if isSingle {
      let rows = rows(slot)
      rows.base.update(from: words, count: stride &- 1)
      rows[0] = row
      return
    }
    let head = heads.values + Int(slot)
    if head.pointee.count < limit {
      if head.pointee.size == Head.noPiece || Int(head.pointee.count) == 1 &<< Int(head.pointee.size) { enlarge(slot) }
      heads.values[Int(slot)].count &+= 1
    }
    heads.values[Int(slot)].isChanged = 1
    let rows = rows(slot)
    let target = rows.words(index)
    (target + stride).update(from: target, count: (rows.count &- index &- 1) &* stride)
    target.update(from: words, count: stride &- 1)
    rows[index] = row
  }

  /// Gives a slot a piece of twice the size.
  private func enlarge(_ slot: UInt32) {
    let former = heads.values[Int(slot)]
    let size = former.size == Head.noPiece ? 0 : former.size + 1
    let start: UInt32
    if let place = free[Int(size)].popLast() {
      start = place
    } else {
      start = UInt32(truncatingIfNeeded: usedPlaces)
      usedPlaces += 1 << Int(size)
      precondition(usedPlaces < Int(UInt32.max), "rows that are kept are fewer than 2^32")
      places.grow(to: usedPlaces * stride)
    }
    if former.size != Head.noPiece {
      let base = places.values
      (base + Int(start) * stride).update(from: base + Int(former.start) * stride, count: Int(former.count) * stride)
      free[Int(former.size)].append(former.start)
    }
    heads.values[Int(slot)].start = start
    heads.values[Int(slot)].size = size
  }

  /// These slots have not changed.
  func settle(_ slots: [UInt32]) {
    if isSingle { return }
    for slot in slots { heads.values[Int(slot)].isChanged = 0 }
  }

  /// Forgets the rows of these slots.
  func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    for index in 0..<count {
      if isSingle {
        rows(slots[index])[0] = .none
        continue
      }
      let head = heads.values + Int(slots[index])
      if head.pointee.size != Head.noPiece { free[Int(head.pointee.size)].append(head.pointee.start) }
      head.pointee = Head()
    }
  }
}
