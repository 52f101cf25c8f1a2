/// More than 240 bytes: eight accumulators over stripes of 64 bytes, scrambled after each block of 16 stripes.
extension XXH3 {
  static let stripeSize = 64
  static let stripesPerBlock = (secretSize - stripeSize) / 8

  /// Two lanes a pair, in the order of the bytes: even and odd words of a stripe.
  struct Accumulators {
    var even = SIMD4<UInt64>(prime32x3, prime64x2, prime64x4, prime64x5)
    var odd = SIMD4<UInt64>(prime64x1, prime64x3, prime32x2, prime32x1)

    @inline(__always)  // Keeps the accumulators in registers over a block.
    mutating func add(_ stripe: UnsafeRawPointer, _ secret: UnsafeRawPointer) {
      let data = Self.words(stripe)
      let key = Self.words(secret)
      let evenKey = data.even ^ key.even
      let oddKey = data.odd ^ key.odd
      even = even &+ data.odd &+ (evenKey & 0xFFFF_FFFF) &* (evenKey &>> 32)
      odd = odd &+ data.even &+ (oddKey & 0xFFFF_FFFF) &* (oddKey &>> 32)
    }

    mutating func scramble(_ secret: UnsafeRawPointer) {
      let key = Self.words(secret)
      even = (even ^ (even &>> 47) ^ key.even) &* prime32x1
      odd = (odd ^ (odd &>> 47) ^ key.odd) &* prime32x1
    }

    @inline(__always)  // As `add`.
    private static func words(_ bytes: UnsafeRawPointer) -> (even: SIMD4<UInt64>, odd: SIMD4<UInt64>) {
      (
        SIMD4(read(bytes, 0), read(bytes, 16), read(bytes, 32), read(bytes, 48)),
        SIMD4(read(bytes, 8), read(bytes, 24), read(bytes, 40), read(bytes, 56))
      )
    }

    func merged(_ secret: UnsafeRawPointer, start: UInt64) -> UInt64 {
      var sum = start
      for pair in 0..<4 {
        sum = sum &+ foldedProduct(even[pair] ^ read(secret, 16 * pair), odd[pair] ^ read(secret, 16 * pair + 8))
      }
      return avalanche(sum)
    }
  }

  static func long(_ bytes: UnsafeRawPointer, _ count: Int) -> UInt64 {
    let secret = self.secret
    let blockSize = stripeSize * stripesPerBlock
    let blocks = (count - 1) / blockSize
    var accumulators = Accumulators()
    for block in 0..<blocks {
      let start = bytes + block * blockSize
      for stripe in 0..<stripesPerBlock { accumulators.add(start + stripe * stripeSize, secret + 8 * stripe) }
      accumulators.scramble(secret + (secretSize - stripeSize))
    }
    let rest = bytes + blocks * blockSize
    for stripe in 0..<((count - 1 - blocks * blockSize) / stripeSize) {
      accumulators.add(rest + stripe * stripeSize, secret + 8 * stripe)
    }
    accumulators.add(bytes + (count - stripeSize), secret + (secretSize - stripeSize - 7))
    return accumulators.merged(secret + 11, start: UInt64(count) &* prime64x1)
  }
}
