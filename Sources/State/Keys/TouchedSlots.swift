import Arrow

/// The slots that one batch touched, each once.
public struct TouchedSlots {
  /// UInt32 slots, in the order of their first rows.
  public private(set) var slots: Buffer
  /// UInt32 rows: the first row of each slot, ascending. With it the key columns of an output are gathered from the input's.
  public private(set) var rows: Buffer
  public private(set) var count = 0

  init() {
    slots = Buffer(byteCount: 0)
    rows = Buffer(byteCount: 0)
  }

  /// Starts a batch of at most `rowCount` rows. The buffers are new ones, because a selection made of the former ones may
  /// still be on its way.
  mutating func begin(rowCount: Int) {
    count = 0
    slots = Buffer(byteCount: rowCount * MemoryLayout<UInt32>.stride)
    rows = Buffer(byteCount: rowCount * MemoryLayout<UInt32>.stride)
  }

  /// Where the batch's slots and rows are written, in step; `finish` tells how many there are.
  var unsafeSlots: UnsafeMutablePointer<UInt32> { slots.unsafeMutableValues(UInt32.self) }
  var unsafeRows: UnsafeMutablePointer<UInt32> { rows.unsafeMutableValues(UInt32.self) }

  mutating func finish(count: Int) { self.count = count }

  /// The first rows of the slots.
  public var selection: Selection { Selection(indices: rows, count: count) }
}
