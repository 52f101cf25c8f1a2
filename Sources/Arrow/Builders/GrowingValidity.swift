/// The validity of rows that are appended: no memory is taken before the first null.
@usableFromInline
struct GrowingValidity {
  /// nil while every row is valid.
  @usableFromInline var bits: GrowingBits?
  /// Rows.
  @usableFromInline var count = 0

  @usableFromInline
  init() {}

  @inlinable
  mutating func appendValid() {
    bits?.append(true)
    count += 1
  }

  @usableFromInline
  @inline(never)
  mutating func appendNull() { appendNulls(1) }

  mutating func appendNulls(_ added: Int) {
    makeBits()
    bits?.append(false, count: added)
    count += added
  }

  @usableFromInline
  mutating func appendValid(_ added: Int) {
    bits?.append(true, count: added)
    count += added
  }

  /// The validity of `added` rows of a column from row `start` on.
  mutating func append(_ column: Column, from start: Int, count added: Int) {
    guard let validity = column.validity else { return appendValid(added) }
    makeBits()
    bits?.append(validity.address, column.offset + start, count: added)
    count += added
  }

  mutating func truncate(to count: Int) {
    guard count < self.count else { return }
    bits?.truncate(to: count)
    self.count = count
  }

  private mutating func makeBits() {
    guard bits == nil else { return }
    var bits = GrowingBits(capacity: count + 1)
    bits.append(true, count: count)
    self.bits = bits
  }

  /// nil when no row is null.
  func finish() -> Buffer? {
    guard let bits, Bitmap.countOnes(bits.buffer.address, 0, count: count) < count else { return nil }
    return bits.finish()
  }
}
