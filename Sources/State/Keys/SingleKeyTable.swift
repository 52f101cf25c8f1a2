import Arrow
import Base

/// The table of a key without columns: all rows have slot 0.
final class SingleKeyTable: KeyTable {
  private(set) var count = 0
  var slotCount: Int { count }
  private(set) var touched = TouchedSlots()
  var byteCount: Int { 0 }

  func growth(_: [Column], rowCount _: Int) -> Int { 0 }

  func reserve(keyCount _: Int) {}

  func growth(reserving _: Int) -> Int { 0 }

  func find(_: [Column], rowCount: Int, into slots: UnsafeMutablePointer<UInt32>) {
    touched.begin(rowCount: rowCount)
    guard rowCount > 0 else { return }
    count = 1
    slots.update(repeating: 0, count: rowCount)
    touched.unsafeSlots[0] = 0
    touched.unsafeRows[0] = 0
    touched.finish(count: 1)
  }

  func lookup(_: [Column], rowCount: Int, into slots: UnsafeMutablePointer<UInt32>) {
    slots.update(repeating: count == 0 ? Self.missing : 0, count: rowCount)
  }

  func keys(of _: UnsafePointer<UInt32>, count _: Int) -> [Column] { [] }

  func remove(_: UnsafePointer<UInt32>, count: Int) {
    precondition(count <= self.count, "a slot that is removed has a key")
    self.count -= count
  }

  func removeAll() { count = 0 }
}
