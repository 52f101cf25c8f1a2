import Glibc

/// Memory for one value that must be rewritten before it is read, such as a quoted number; used again and again.
final class Scratch {
  private(set) var bytes: UnsafeMutablePointer<UInt8>
  private var capacity: Int

  init() {
    capacity = 256
    bytes = .allocate(capacity: capacity)
  }

  deinit { bytes.deallocate() }

  /// Room for `count` bytes and a few more; the former content is lost.
  func reserve(_ count: Int) {
    guard capacity < count + 16 else { return }
    bytes.deallocate()
    capacity = max(capacity * 2, count + 16)
    bytes = .allocate(capacity: capacity)
  }
}
