/// The hash XXH3 with 128 bits and seed 0, fed in pieces: names and checks files by their content. It never changes.
/// Source: as for the 64 bits; the words' order is that of the specification's canonical form, the high one first.
public struct XXH3Digest: Sendable, Hashable {
  public var high: UInt64
  public var low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// 32 digits, as `xxhash.xxh3_128_hexdigest` writes them.
  public var text: String {
    [high, low].map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }.joined()
  }
}

/// Takes bytes in pieces of any sizes and gives the digest of them all.
public struct XXH3Stream: Sendable {
  private static let blockSize = XXH3.stripeSize * XXH3.stripesPerBlock

  private var accumulators = XXH3.Accumulators()
  /// What was not added: at most a block, which is the last one until more comes.
  private var rest: [UInt8] = []
  /// The bytes in front of `rest`, a stripe of them once there was a block.
  private var before: [UInt8] = []
  private var count: UInt64 = 0

  public init() { rest.reserveCapacity(Self.blockSize) }

  public mutating func add(_ bytes: UnsafeRawBufferPointer) {
    guard var next = bytes.baseAddress else { return }
    var left = bytes.count
    count &+= UInt64(left)
    if !rest.isEmpty {
      let taken = min(left, Self.blockSize - rest.count)
      rest += UnsafeRawBufferPointer(start: next, count: taken)
      (next, left) = (next + taken, left - taken)
      guard left > 0 else { return }
      rest.withUnsafeBytes { block in
        if let start = block.baseAddress { Self.addBlock(start, to: &accumulators) }
      }
      before = Array(rest.suffix(XXH3.stripeSize))
      rest.removeAll(keepingCapacity: true)
    }
    var sums = accumulators
    let start = next
    while left > Self.blockSize {
      Self.addBlock(next, to: &sums)
      (next, left) = (next + Self.blockSize, left - Self.blockSize)
    }
    accumulators = sums
    if next > start {
      before = Array(UnsafeRawBufferPointer(start: next - XXH3.stripeSize, count: XXH3.stripeSize))
    }
    rest += UnsafeRawBufferPointer(start: next, count: left)
  }

  public mutating func add(_ bytes: [UInt8]) { bytes.withUnsafeBytes { add($0) } }

  /// Of all that was added; more can be.
  public var digest: XXH3Digest {
    guard count > 240 else { return XXH3.short128(rest) }
    var sums = accumulators
    let secret = XXH3.secret
    rest.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      for stripe in 0..<((bytes.count - 1) / XXH3.stripeSize) {
        sums.add(start + stripe * XXH3.stripeSize, secret + 8 * stripe)
      }
    }
    let last = (before + rest).suffix(XXH3.stripeSize)
    Array(last).withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      sums.add(start, secret + (XXH3.secretSize - XXH3.stripeSize - 7))
    }
    return XXH3Digest(
      high: sums.merged(secret + (XXH3.secretSize - XXH3.stripeSize - 11), start: ~(count &* XXH3.prime64x2)),
      low: sums.merged(secret + 11, start: count &* XXH3.prime64x1))
  }

  private static func addBlock(_ block: UnsafeRawPointer, to sums: inout XXH3.Accumulators) {
    let secret = XXH3.secret
    for stripe in 0..<XXH3.stripesPerBlock { sums.add(block + stripe * XXH3.stripeSize, secret + 8 * stripe) }
    sums.scramble(secret + (XXH3.secretSize - XXH3.stripeSize))
  }
}

extension XXH3 {
  /// The 128 bits of at most 240 bytes.
  static func short128(_ bytes: [UInt8]) -> XXH3Digest {
    bytes.withUnsafeBytes { buffer in
      guard let start = buffer.baseAddress, buffer.count > 0 else {
        return XXH3Digest(
          high: avalancheXXH64(read(secret, 80) ^ read(secret, 88)),
          low: avalancheXXH64(read(secret, 64) ^ read(secret, 72)))
      }
      switch buffer.count {
      case 1...3: return upTo3(start, buffer.count)
      case 4...8: return upTo8(start, buffer.count)
      case 9...16: return upTo16Wide(start, buffer.count)
      default: return upTo240Wide(start, buffer.count)
      }
    }
  }

  private static func upTo3(_ bytes: UnsafeRawPointer, _ count: Int) -> XXH3Digest {
    let first = UInt32(bytes.load(as: UInt8.self))
    let middle = UInt32(bytes.load(fromByteOffset: count >> 1, as: UInt8.self))
    let last = UInt32(bytes.load(fromByteOffset: count - 1, as: UInt8.self))
    let combined = (first << 16) | (middle << 24) | last | (UInt32(count) << 8)
    let turned = (combined.byteSwapped << 13) | (combined.byteSwapped >> 19)
    return XXH3Digest(
      high: avalancheXXH64(UInt64(turned) ^ UInt64(read32(secret, 8) ^ read32(secret, 12))),
      low: avalancheXXH64(UInt64(combined) ^ UInt64(read32(secret, 0) ^ read32(secret, 4))))
  }

  private static func upTo8(_ bytes: UnsafeRawPointer, _ count: Int) -> XXH3Digest {
    let word = UInt64(read32(bytes, 0)) | (UInt64(read32(bytes, count - 4)) << 32)
    let keyed = word ^ (read(secret, 16) ^ read(secret, 24))
    let product = keyed.multipliedFullWidth(by: prime64x1 &+ (UInt64(count) << 2))
    let high = product.high &+ (product.low << 1)
    var low = product.low ^ (high >> 3)
    low = (low ^ (low >> 35)) &* 0x9FB2_1C65_1E98_DF25
    return XXH3Digest(high: avalanche(high), low: low ^ (low >> 28))
  }

  private static func upTo16Wide(_ bytes: UnsafeRawPointer, _ count: Int) -> XXH3Digest {
    let first = read(bytes, 0)
    let last = read(bytes, count - 8)
    let product = (first ^ last ^ (read(secret, 32) ^ read(secret, 40))).multipliedFullWidth(by: prime64x1)
    let low = product.low &+ (UInt64(count - 1) << 54)
    let keyed = last ^ (read(secret, 48) ^ read(secret, 56))
    let high = product.high &+ keyed &+ (keyed & 0xFFFF_FFFF) &* (prime32x2 - 1)
    let mixed = (low ^ high.byteSwapped).multipliedFullWidth(by: prime64x2)
    return XXH3Digest(high: avalanche(mixed.high &+ high &* prime64x2), low: avalanche(mixed.low))
  }

  /// 17 to 240 bytes.
  private static func upTo240Wide(_ bytes: UnsafeRawPointer, _ count: Int) -> XXH3Digest {
    var low = UInt64(count) &* prime64x1
    var high: UInt64 = 0
    func mix(_ left: Int, _ right: Int, _ key: Int) {
      let (left, right, key) = (bytes + left, bytes + right, secret + key)
      low = (low &+ mix16(left, key)) ^ (read(right, 0) &+ read(right, 8))
      high = (high &+ mix16(right, key + 16)) ^ (read(left, 0) &+ read(left, 8))
    }
    if count <= 128 {
      for step in stride(from: (count - 1) / 32, through: 0, by: -1) {
        mix(16 * step, count - 16 * (step + 1), 32 * step)
      }
    } else {
      for step in 0..<4 { mix(32 * step, 32 * step + 16, 32 * step) }
      (low, high) = (avalanche(low), avalanche(high))
      for step in 4..<(count / 32) { mix(32 * step, 32 * step + 16, 32 * (step - 4) + 3) }
      mix(count - 16, count - 32, 136 - 17 - 16)
    }
    let wide = low &* prime64x1 &+ high &* prime64x4 &+ UInt64(count) &* prime64x2
    return XXH3Digest(high: 0 &- avalanche(wide), low: avalanche(low &+ high))
  }
}
