/// Bits, least significant first, as Arrow keeps validity and booleans.
/// Source: https://arrow.apache.org/docs/format/Columnar.html#validity-bitmaps
@usableFromInline
enum Bits {
  @inlinable
  @inline(__always)
  static func get(_ bits: UnsafePointer<UInt8>, _ index: Int) -> Bool {
    (bits[index >> 3] >> UInt8(index & 7)) & 1 != 0
  }

  @inlinable
  @inline(__always)
  static func set(_ bits: UnsafeMutablePointer<UInt8>, _ index: Int, _ value: Bool) {
    let mask = UInt8(1) << UInt8(index & 7)
    bits[index >> 3] = value ? bits[index >> 3] | mask : bits[index >> 3] & ~mask
  }

  /// Clears the bits of a range.
  static func clear(_ bits: UnsafeMutablePointer<UInt8>, _ range: Range<Int>) {
    var index = range.lowerBound
    while index < range.upperBound && index & 7 != 0 {
      set(bits, index, false)
      index += 1
    }
    let bytes = (range.upperBound - index) >> 3
    if bytes > 0 { (bits + (index >> 3)).update(repeating: 0, count: bytes) }
    index += bytes << 3
    while index < range.upperBound {
      set(bits, index, false)
      index += 1
    }
  }

  static func byteCount(_ count: Int) -> Int { (count + 7) >> 3 }

  /// Clears each of the first `count` bits of `target` whose bit in `source`, which starts at bit `offset`, is 0.
  static func and(_ target: UnsafeMutablePointer<UInt8>, _ source: UnsafePointer<UInt8>, offset: Int, count: Int) {
    let shift = UInt16(offset & 7)
    let first = offset >> 3
    let last = (offset + count - 1) >> 3
    for byte in 0..<byteCount(count) {
      let low = UInt16(source[first + byte])
      let high = shift != 0 && first + byte < last ? UInt16(source[first + byte + 1]) : 0xFF
      target[byte] &= UInt8(truncatingIfNeeded: (high << 8 | low) >> shift)
    }
  }

  static func countOnes(_ bits: UnsafePointer<UInt8>, offset: Int, count: Int) -> Int {
    var ones = 0
    var index = offset
    let end = offset + count
    while index < end && index & 7 != 0 {
      ones += get(bits, index) ? 1 : 0
      index += 1
    }
    while end - index >= 8 {
      ones += bits[index >> 3].nonzeroBitCount
      index += 8
    }
    while index < end {
      ones += get(bits, index) ? 1 : 0
      index += 1
    }
    return ones
  }
}

/// Which rows of a column are not null.
public struct Validity {
  /// Nil: every row.
  @usableFromInline let bits: UnsafePointer<UInt8>?
  /// The bit of row 0.
  @usableFromInline let offset: Int

  @inlinable
  init(bits: UnsafePointer<UInt8>?, offset: Int) {
    self.bits = bits
    self.offset = offset
  }

  @inlinable
  @inline(__always)
  public subscript(row: Int) -> Bool {
    guard let bits else { return true }
    return Bits.get(bits, offset + row)
  }
}
