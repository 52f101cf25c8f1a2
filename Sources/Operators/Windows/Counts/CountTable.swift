import CPlatform
import State

/// The rows of each key, cut into panes of one length: which aggregates a row goes into. One thread at a time.
final class CountTable {
  private struct Filling {
    /// Of the aggregates of the pane that is being filled; `none` when the next row begins one.
    var slot = CountTable.none
    /// Rows of it.
    var count: UInt32 = 0
  }

  /// A pane that has all its rows.
  struct Full {
    var slot: UInt32
    var key: UInt32
    /// Its last row.
    var row: UInt32
  }

  static let none = UInt32.max

  private let length: UInt32
  /// By key.
  private let filling = SlotColumn(initial: Filling())
  private var slots = SlotList()
  /// The panes that the rows in hand have filled, in the order of their last rows.
  private(set) var full: [Full] = []

  /// Far enough for a miss to memory, near enough that the lines are still in the second cache.
  private static let ahead = 40

  /// - Parameter length: rows of a pane, as many as 32 bits count at most.
  init(length: Int) { self.length = UInt32(length) }

  deinit { slots.deallocate() }

  /// Bytes of memory that it holds.
  var byteCount: Int { filling.byteCount + slots.byteCount }

  /// Bytes beyond those that so many keys take at worst.
  func growth(to keyCount: Int) -> Int { filling.growth(to: keyCount) }

  /// Slots of aggregates are `0..<slotCount`.
  var slotCount: Int { slots.end }

  /// Puts rows into panes.
  ///
  /// - Parameters:
  ///   - keys: by row.
  ///   - keyCount: all keys are below it.
  ///   - target: by row: the slot of its aggregates.
  func assign(
    keys: UnsafePointer<UInt32>, count: Int, keyCount: Int, to target: UnsafeMutablePointer<UInt32>
  ) {
    full.removeAll(keepingCapacity: true)
    filling.grow(to: keyCount)
    let panes = filling.values
    for row in 0..<min(Self.ahead, count) { platform_prefetch(panes + Int(keys[row])) }
    for row in 0..<count {
      if row &+ Self.ahead < count { platform_prefetch(panes + Int(keys[row &+ Self.ahead])) }
      let pane = panes + Int(keys[row])
      if pane.pointee.slot == Self.none { pane.pointee = Filling(slot: slots.take(), count: 0) }
      target[row] = pane.pointee.slot
      pane.pointee.count &+= 1
      if pane.pointee.count == length {
        full.append(Full(slot: pane.pointee.slot, key: keys[row], row: UInt32(truncatingIfNeeded: row)))
        pane.pointee.slot = Self.none
      }
    }
  }

  /// A slot for something else.
  func takeSlot() -> UInt32 { slots.take() }

  /// Slots whose aggregates are as of no rows again.
  func giveBack(_ given: UnsafePointer<UInt32>, count: Int) { slots.giveBack(given, count: count) }

  /// The slot of the pane that a key's last rows are in; `none` when they have filled theirs.
  func fillingSlot(of key: UInt32) -> UInt32 { filling.values[Int(key)].slot }

  /// Rows of that pane.
  func fillingRows(of key: UInt32) -> UInt32 {
    let pane = filling.values[Int(key)]
    return pane.slot == Self.none ? 0 : pane.count
  }

  /// What `restore` said of it before there was a slot.
  func restoredRows(of key: UInt32) -> UInt32 { filling.values[Int(key)].count }

  /// A key goes on to fill a pane that has so many rows.
  ///
  /// - Parameter slot: that was taken.
  func restore(_ key: UInt32, slot: UInt32, rows: UInt32, keyCount: Int) {
    filling.grow(to: keyCount)
    filling.values[Int(key)] = Filling(slot: slot, count: rows)
  }

  /// The keys that have a pane with rows.
  var keysWithRows: [UInt32] {
    (0..<UInt32(filling.count)).filter { filling.values[Int($0)].slot != Self.none }
  }
}
