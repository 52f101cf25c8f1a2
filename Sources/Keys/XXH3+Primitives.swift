/// The steps that the length classes share.
extension XXH3 {
  @inline(__always)  // One load; a call would cost more than it.
  static func read(_ bytes: UnsafeRawPointer, _ offset: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  @inline(__always)  // As above.
  static func read32(_ bytes: UnsafeRawPointer, _ offset: Int) -> UInt32 {
    UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// Both halves of the 128-bit product, xor-ed.
  @inline(__always)  // One multiplication and one xor.
  static func foldedProduct(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }

  static func mix16(_ bytes: UnsafeRawPointer, _ secret: UnsafeRawPointer) -> UInt64 {
    foldedProduct(read(bytes, 0) ^ read(secret, 0), read(bytes, 8) ^ read(secret, 8))
  }

  static func avalanche(_ value: UInt64) -> UInt64 {
    var hash = value ^ (value >> 37)
    hash = hash &* 0x1656_6791_9E37_79F9
    return hash ^ (hash >> 32)
  }
}
