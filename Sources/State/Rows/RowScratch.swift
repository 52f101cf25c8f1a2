/// Memory by row of one batch, which a store uses again for the next. The owner calls `deallocate`.
struct RowScratch {
  private(set) var sizes = UnsafeMutablePointer<Int>.allocate(capacity: 1)
  private(set) var ends = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
  private(set) var numbers = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
  private(set) var addresses = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: 1)
  private var capacity = 1

  private static let rowBytes =
    MemoryLayout<Int>.size + 2 * MemoryLayout<UInt32>.size + MemoryLayout<UnsafeMutableRawPointer>.size

  var byteCount: Int { capacity * Self.rowBytes }

  func growth(_ count: Int) -> Int { count > capacity ? max(count, 2 * capacity) * Self.rowBytes : 0 }

  func deallocate() {
    sizes.deallocate()
    ends.deallocate()
    numbers.deallocate()
    addresses.deallocate()
  }

  /// Makes room for so many rows. What was in it is lost.
  mutating func reserve(_ count: Int) {
    guard count > capacity else { return }
    deallocate()
    capacity = max(count, 2 * capacity)
    sizes = .allocate(capacity: capacity)
    ends = .allocate(capacity: capacity)
    numbers = .allocate(capacity: capacity)
    addresses = .allocate(capacity: capacity)
  }
}
