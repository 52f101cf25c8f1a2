import Arrow
import Base

/// The groups of a keyed operator: key → slot, and which slots the current batch touched, in the order of their first rows.
///
/// Slots are dense, from 0 on, and a key keeps its slot. One thread at a time.
protocol KeyTable: AnyObject {
  /// How many keys there are: slots are `0..<count`.
  var count: Int { get }
  /// What the last `find` touched.
  var touched: TouchedSlots { get }
  /// Row i's slot goes to `slots[i]`; a new key gets the next slot.
  ///
  /// - Parameter keys: one column a key column, `rowCount` rows each.
  func find(_ keys: [Column], rowCount: Int, into slots: UnsafeMutablePointer<UInt32>) throws(Failure)
  /// Bytes of memory that it holds.
  var byteCount: Int { get }
  /// Bytes beyond those that a `find` of these keys takes at worst, while it grows.
  func growth(_ keys: [Column], rowCount: Int) -> Int
  /// Forgets all keys.
  func removeAll()
}

/// The slots that one batch touched, each once.
struct TouchedSlots {
  private(set) var slots: Buffer
  /// The first row of each, ascending: with it the key columns of an output are gathered from the input's.
  private(set) var rows: Buffer
  private(set) var count = 0

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

  var selection: Selection { Selection(indices: rows, count: count) }
}

/// The table that suits the key's columns.
func makeKeyTable(_ layouts: [Layout]) -> any KeyTable {
  if layouts.count == 1 {
    switch layouts[0] {
    case .bits, .fixed(width: 1), .fixed(width: 2), .fixed(width: 4), .fixed(width: 8): return FixedKeyTable()
    default: return BytesKeyTable()
    }
  }
  return BytesKeyTable()
}
