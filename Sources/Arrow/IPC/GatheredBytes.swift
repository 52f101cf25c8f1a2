/// A known number of bytes that are being gathered in one buffer. Memory is taken as they arrive, because the number
/// may be a lie.
public struct GatheredBytes {
  /// Bytes that there will be.
  public let total: Int
  private var buffer: Buffer
  private var count = 0

  /// - Parameter trusted: bytes up to which the number is believed, and memory taken at once. Beyond, it doubles with
  ///   what has come, at the price of a copy of that.
  public init(_ total: Int, trusted: Int = 1 << 22) {
    precondition(total >= 0 && trusted > 0, "bytes that are gathered have a number, and some are believed")
    self.total = total
    buffer = Buffer(byteCount: min(total, trusted))
  }

  /// Bytes of memory that it takes now.
  public var capacity: Int { buffer.byteCount }

  /// Takes what is missing from the front of `bytes`. Whether all is there.
  public mutating func take(_ bytes: inout UnsafeRawBufferPointer) -> Bool {
    while count < total, let base = bytes.baseAddress, !bytes.isEmpty {
      if count == buffer.byteCount {
        let larger = Buffer(byteCount: min(total, 2 * count))
        larger.unsafeMutableAddress.copyMemory(from: buffer.address, byteCount: count)
        buffer = larger
      }
      let step = min(bytes.count, buffer.byteCount - count)
      (buffer.unsafeMutableAddress + count).copyMemory(from: base, byteCount: step)
      count += step
      bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(step))
    }
    return count == total
  }

  /// The bytes, once all are there, 64-byte aligned.
  public var bytes: SharedBytes {
    precondition(count == total, "bytes are gathered before they are used")
    return SharedBytes(buffer)
  }
}
