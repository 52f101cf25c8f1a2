import Base

/// Bytes one after the other in memory that doubles, with some behind the last one that may be read.
final class ByteBlock {
  private(set) var start: UnsafeMutableRawPointer
  private(set) var count = 0
  private var capacity: Int
  /// Bytes behind the last one that may be read: loads of a row's values go past its end.
  static let slack = 16

  init(capacity: Int = 4096) {
    self.capacity = capacity
    start = HugeMemory.allocate(byteCount: capacity + Self.slack)
  }

  deinit { start.deallocate() }

  /// Makes room for so many bytes more.
  func reserve(_ more: Int) {
    guard count + more > capacity else { return }
    let wanted = max(count + more, 2 * capacity)
    let grown = HugeMemory.allocate(byteCount: wanted + Self.slack)
    grown.copyMemory(from: start, byteCount: count)
    start.deallocate()
    start = grown
    capacity = wanted
  }

  func append(_ bytes: UnsafeRawPointer, _ byteCount: Int) {
    reserve(byteCount)
    (start + count).copyMemory(from: bytes, byteCount: byteCount)
    count += byteCount
  }

  /// Forgets the bytes and keeps the memory.
  func removeAll() { count = 0 }
}

/// Rows of bytes, one after the other.
final class ByteRows {
  let bytes = ByteBlock()
  /// Where each row ends.
  private(set) var ends: [Int] = []

  var count: Int { ends.count }

  func append(_ row: UnsafeRawPointer, _ byteCount: Int) {
    bytes.append(row, byteCount)
    ends.append(bytes.count)
  }

  /// Valid until the next change.
  subscript(_ row: Int) -> UnsafeRawBufferPointer {
    let start = row == 0 ? 0 : ends[row - 1]
    return UnsafeRawBufferPointer(start: bytes.start + start, count: ends[row] - start)
  }

  func removeAll() {
    bytes.removeAll()
    ends.removeAll(keepingCapacity: true)
  }
}
