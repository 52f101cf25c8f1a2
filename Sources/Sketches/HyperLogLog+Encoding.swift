import Base

/// The encoding, part of the disk format. Integers are little endian.
///
///     0  UInt8   1: the version of this format
///     1  UInt8   14: the precision
///     2  UInt8   0: sparse, 1: dense
///     3  UInt8   0
///     4  sparse: UInt32 entries, ascending: 26 bits of the register's number, 6 bits of its value (1...39)
///        dense: 16,384 registers (0...51) of 6 bits, packed from the lowest bit on: 12,288 bytes
///
/// Equal sets of hashes have equal encodings.
extension HyperLogLog {
  private static let headerByteCount = 4
  private static let densePayload = registerCount / 4 * 3
  /// The length of the longest encoding.
  public static let largestEncodedByteCount = headerByteCount + densePayload

  public var encodedByteCount: Int { Self.headerByteCount + (isDense ? Self.densePayload : Int(count) * 4) }

  /// Writes the `encodedByteCount` bytes of the encoding.
  public func encode(to target: UnsafeMutableRawPointer) {
    target.storeBytes(of: 1, as: UInt8.self)
    target.storeBytes(of: UInt8(Self.precision), toByteOffset: 1, as: UInt8.self)
    target.storeBytes(of: isDense ? 1 : 0, toByteOffset: 2, as: UInt8.self)
    target.storeBytes(of: 0, toByteOffset: 3, as: UInt8.self)
    let payload = target + Self.headerByteCount
    if isDense { return encodeDense(to: payload) }
    var end = 0
    forEachEntry { entry in
      payload.storeBytes(of: entry.littleEndian, toByteOffset: end * 4, as: UInt32.self)
      end += 1
    }
    Self.sort(payload, end)
  }

  /// Sorts encoded entries in place, at whatever address they lie: a heap sort, which needs no memory.
  private static func sort(_ entries: UnsafeMutableRawPointer, _ count: Int) {
    func get(_ index: Int) -> UInt32 {
      UInt32(littleEndian: entries.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
    }
    func set(_ index: Int, _ value: UInt32) {
      entries.storeBytes(of: value.littleEndian, toByteOffset: index * 4, as: UInt32.self)
    }
    func sink(_ start: Int, _ end: Int) {
      let value = get(start)
      var root = start
      while root * 2 + 1 < end {
        var child = root * 2 + 1
        if child + 1 < end, get(child + 1) > get(child) { child += 1 }
        if get(child) <= value { break }
        set(root, get(child))
        root = child
      }
      set(root, value)
    }
    for start in stride(from: count / 2 - 1, through: 0, by: -1) { sink(start, count) }
    for end in stride(from: count - 1, to: 0, by: -1) {
      let greatest = get(0)
      set(0, get(end))
      set(end, greatest)
      sink(0, end)
    }
  }

  private func encodeDense(to target: UnsafeMutableRawPointer) {
    guard let memory else { preconditionFailure("a dense sketch has registers") }
    let registers = memory.assumingMemoryBound(to: UInt8.self)
    for group in 0..<Self.registerCount / 4 {
      var word: UInt32 = 0
      for part in 0..<4 { word |= UInt32(registers[group * 4 + part]) << UInt32(6 * part) }
      for byte in 0..<3 {
        let value = UInt8(truncatingIfNeeded: word >> UInt32(8 * byte))
        target.storeBytes(of: value, toByteOffset: group * 3 + byte, as: UInt8.self)
      }
    }
  }

  /// Adds the values of an encoded sketch. Decoding is merging into a sketch of nothing.
  ///
  /// Throws a `data` failure, the sketch unchanged, unless the bytes are what `encode` writes.
  public mutating func merge(encoded bytes: UnsafeRawBufferPointer, in arena: BlockArena) throws(Failure) {
    guard bytes.count >= Self.headerByteCount else { throw Self.damaged("it has \(bytes.count) bytes, fewer than 4") }
    guard bytes[0] == 1 else { throw Self.damaged("its version is \(bytes[0]), and this host reads version 1") }
    guard Int(bytes[1]) == Self.precision else { throw Self.damaged("its precision is \(bytes[1]), not 14") }
    guard bytes[2] <= 1, bytes[3] == 0 else {
      throw Self.damaged("its form is \(bytes[2]), \(bytes[3]), not 0 or 1, 0")
    }
    let payload = UnsafeRawBufferPointer(rebasing: bytes[Self.headerByteCount...])
    if bytes[2] == 1 {
      try mergeDense(payload, arena)
    } else {
      try mergeSparse(payload, arena)
    }
  }

  private mutating func mergeSparse(_ bytes: UnsafeRawBufferPointer, _ arena: BlockArena) throws(Failure) {
    guard bytes.count % 4 == 0, bytes.count / 4 <= Self.sparseLimit else {
      throw Self.damaged("its sparse part has \(bytes.count) bytes, not four a register of at most \(Self.sparseLimit)")
    }
    func entry(_ index: Int) -> UInt32 {
      UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
    }
    for index in 0..<bytes.count / 4 {
      let rank = entry(index) & 63
      guard rank >= 1, rank <= UInt32(Self.greatestSparseRank) else {
        throw Self.damaged("register \(index) holds \(rank), not 1...\(Self.greatestSparseRank)")
      }
      guard index == 0 || entry(index - 1) >> Self.rankBits < entry(index) >> Self.rankBits else {
        throw Self.damaged("its registers do not ascend at \(index)")
      }
    }
    for index in 0..<bytes.count / 4 { try insert(entry: entry(index), in: arena) }
  }

  private mutating func mergeDense(_ bytes: UnsafeRawBufferPointer, _ arena: BlockArena) throws(Failure) {
    guard bytes.count == Self.densePayload else {
      throw Self.damaged("its registers have \(bytes.count) bytes, not \(Self.densePayload)")
    }
    func register(_ index: Int) -> UInt8 {
      let start = index / 4 * 3
      let word = UInt32(bytes[start]) | UInt32(bytes[start + 1]) << 8 | UInt32(bytes[start + 2]) << 16
      return UInt8(truncatingIfNeeded: word >> UInt32(6 * (index & 3))) & 63
    }
    for index in 0..<Self.registerCount where Int(register(index)) > Self.greatestRank {
      throw Self.damaged("register \(index) holds \(register(index)), more than \(Self.greatestRank)")
    }
    if !isDense { try makeDense(arena) }
    for index in 0..<Self.registerCount { raise(index, to: register(index)) }
  }

  private static func damaged(_ why: String) -> Failure {
    Failure(.data, "an encoded HyperLogLog is damaged: \(why); restore the state from a copy that is whole")
  }
}
