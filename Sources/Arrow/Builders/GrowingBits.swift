/// Bits that are appended one after the other, in pooled memory that grows. The bits behind the last one are 0.
@usableFromInline
struct GrowingBits {
  @usableFromInline var buffer: Buffer
  @usableFromInline var words: UnsafeMutablePointer<UInt64>
  /// Bits that fit.
  @usableFromInline var capacity: Int
  @usableFromInline var count = 0

  @usableFromInline
  init(capacity: Int) {
    buffer = Buffer(byteCount: Bitmap.byteCount(capacity))
    words = buffer.unsafeMutableValues(UInt64.self)
    self.capacity = buffer.capacity * 8
    clear()
  }

  private func clear() {
    buffer.unsafeMutableAddress.initializeMemory(as: UInt8.self, repeating: 0, count: buffer.capacity)
  }

  @usableFromInline
  @inline(never)
  mutating func grow(to count: Int) {
    let old = buffer
    buffer = Buffer(byteCount: max(Bitmap.byteCount(count), old.capacity * 2))
    words = buffer.unsafeMutableValues(UInt64.self)
    capacity = buffer.capacity * 8
    clear()
    buffer.unsafeMutableAddress.copyMemory(from: old.address, byteCount: Bitmap.byteCount(self.count))
  }

  @inlinable
  mutating func append(_ bit: Bool) {
    if count == capacity { grow(to: count + 1) }
    words[count >> 6] |= (bit ? UInt64(1) : 0).littleEndian << UInt64(count & 63)
    count += 1
  }

  mutating func append(_ bit: Bool, count added: Int) {
    if count + added > capacity { grow(to: count + added) }
    Bitmap.fill(buffer.unsafeMutableAddress, count, count: added, bit)
    count += added
  }

  mutating func append(_ bits: UnsafeRawPointer, _ offset: Int, count added: Int) {
    if count + added > capacity { grow(to: count + added) }
    Bitmap.copy(bits, offset, count: added, to: buffer.unsafeMutableAddress, count)
    count += added
  }

  /// Drops the bits from `count` on.
  mutating func truncate(to count: Int) {
    guard count < self.count else { return }
    Bitmap.fill(buffer.unsafeMutableAddress, count, count: self.count - count, false)
    self.count = count
  }

  func finish() -> Buffer {
    buffer.setByteCount(Bitmap.byteCount(count))
    return buffer
  }
}
