import Glibc

extension Buffer {
  /// A validity bitmap of `count` nulls. A long one is pages that only exist once somebody reads them, and then are all
  /// the same one: a column of nulls takes no bytes in a message, so its length says nothing about the memory it may
  /// take.
  static func nullBits(_ count: Int) -> Buffer {
    let byteCount = Bitmap.paddedByteCount(count)
    if byteCount > ZeroPages.least, let pages = ZeroPages(byteCount) {
      return Buffer(foreign: pages.address, byteCount: byteCount, owner: pages)
    }
    let buffer = Buffer(byteCount: byteCount)
    memset(buffer.unsafeMutableAddress, 0, byteCount)
    return buffer
  }
}

/// Read-only memory of zeros without a page of its own.
private final class ZeroPages: Sendable {
  /// Bytes from which on a mapping costs less than clearing memory.
  static let least = 1 << 16

  nonisolated(unsafe) let address: UnsafeRawPointer  // Never written.
  private let byteCount: Int

  /// nil when the system has no address space left.
  init?(_ byteCount: Int) {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let address = mmap(nil, byteCount, PROT_READ, flags, -1, 0), address != MAP_FAILED else { return nil }
    self.address = UnsafeRawPointer(address)
    self.byteCount = byteCount
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: address), byteCount) }
}
