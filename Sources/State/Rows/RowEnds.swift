/// The first and the last row of each slot in a store. Stores of the same slots share the memory: a slot's ends lie
/// side by side.
struct RowEnds {
  struct Ends: BitwiseCopyable {
    var first = RowStore.missing
    var last = RowStore.missing
  }

  /// By slot and store.
  private let column: SlotColumn<Ends>
  /// log2 of the places of a slot, of which each store has one.
  private let shift: Int
  /// The store's place.
  private let place: Int

  /// Of the first of so many stores.
  init(storeCount: Int) {
    var shift = 0
    while 1 << shift < storeCount { shift += 1 }
    self.init(column: SlotColumn(initial: Ends()), shift: shift, place: 0)
  }

  private init(column: SlotColumn<Ends>, shift: Int, place: Int) {
    self.column = column
    self.shift = shift
    self.place = place
  }

  /// Those of another store.
  subscript(_ store: Int) -> RowEnds { RowEnds(column: column, shift: shift, place: store) }

  /// Slots that the stores have grown to.
  @inline(__always)  // A part of loops over slots.
  var slotCount: Int { column.count &>> shift }

  /// Of a slot below `slotCount`. Valid until the next `grow` or `removeAll` of any of the stores.
  @inline(__always)  // As above.
  func pointer(_ slot: UInt32) -> UnsafeMutablePointer<Ends> { column.values + (Int(slot) &<< shift | place) }

  /// Bytes of memory, which count as the first store's.
  var byteCount: Int { place == 0 ? column.byteCount : 0 }

  /// Bytes beyond those that growing to so many slots takes at worst, while it lasts.
  func growth(to slotCount: Int) -> Int { column.growth(to: slotCount << shift) }

  /// Makes room for slots below `slotCount`. New ones have no rows in any store.
  func grow(to slotCount: Int) { column.grow(to: slotCount << shift) }

  /// No slot has rows of this store any more.
  func removeAll() {
    if shift == 0 {
      column.removeAll()
    } else {
      for slot in 0..<slotCount { pointer(UInt32(truncatingIfNeeded: slot)).pointee = Ends() }
    }
  }
}
