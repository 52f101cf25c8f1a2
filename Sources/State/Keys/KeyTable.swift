import Arrow
import Base
import VolleyPlan

/// The keys of a keyed operator: key → slot, and back.
///
/// Slots are small numbers from 0 on, so that what an operator keeps of a key lies in columns by slot (`SlotColumn`). A key keeps
/// its slot until it is removed; then the slot goes to a later key, and slots begin at 0 again when no key is left. All calls
/// take batches and ask the memory for what they touch ahead of its use. One thread at a time.
///
/// A key of an 8-byte value costs 32 to 64 bytes in the table, and as many as 16 more for its value by slot; a key of bytes twice that,
/// and its bytes when it has more than twelve.
public protocol KeyTable: AnyObject {
  /// How many keys there are.
  var count: Int { get }
  /// Slots are `0..<slotCount`; `count` of them have a key.
  var slotCount: Int { get }
  /// What the last `find` touched.
  var touched: TouchedSlots { get }
  /// Row i's slot goes to `slots[i]`; a new key gets a free slot, or the next.
  ///
  /// - Parameter keys: one column a key column, `rowCount` rows each.
  /// - Throws: a `data` failure when there are more keys than slots or memory.
  func find(_ keys: [Column], rowCount: Int, into slots: UnsafeMutablePointer<UInt32>) throws(Failure)
  /// Row i's slot goes to `slots[i]`, `UInt32.max` when there is no such key. Changes nothing, `touched` neither.
  func lookup(_ keys: [Column], rowCount: Int, into slots: UnsafeMutablePointer<UInt32>) throws(Failure)
  /// The keys of slots that have one, as columns of the key's types; a slot may come more than once.
  ///
  /// - Precondition: the table was made with `keepingKeys`.
  /// - Throws: a `data` failure when the text of a column would take 2 GiB or more.
  func keys(of slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> [Column]
  /// Removes the keys of these slots, each of which has a key and comes once.
  ///
  /// - Precondition: the table was made with `keepingKeys`.
  func remove(_ slots: UnsafePointer<UInt32>, count: Int)
  /// Bytes of memory that it holds.
  var byteCount: Int { get }
  /// Bytes beyond those that a `find` of these keys takes at worst, while it grows.
  func growth(_ keys: [Column], rowCount: Int) -> Int
  /// Takes memory for so many keys in all, most of which are about to come, like those that are there.
  func reserve(keyCount: Int)
  /// Bytes that `reserve` takes at worst, while it lasts.
  func growth(reserving keyCount: Int) -> Int
  /// Forgets all keys, and keeps the memory.
  func removeAll()
}

extension KeyTable {
  /// The slot of a row whose key is not there.
  public static var missing: UInt32 { .max }
}

/// Makes the table that suits the key's columns.
///
/// - Parameters:
///   - types: of the key columns; none: all rows have one key.
///   - keepingKeys: whether the keys of slots are kept beside the table, for `keys(of:)` and `remove`.
public func makeKeyTable(_ types: [DataType], keepingKeys: Bool) -> any KeyTable {
  if types.isEmpty { return SingleKeyTable() }
  if types.count == 1 {
    switch types[0].layout {
    case .bits, .fixed(width: 1), .fixed(width: 2), .fixed(width: 4), .fixed(width: 8):
      return FixedKeyTable(types[0], keepingKeys: keepingKeys)
    default: break
    }
  }
  return BytesKeyTable(types, keepingKeys: keepingKeys)
}
