import Base

/// The encoding, part of the disk format. Integers are little endian.
///
///     0  UInt8    1: the version of this format
///     1  UInt8    levels; 0: a list of at most k values
///     2  UInt16   200: k
///     4  UInt32   0
///     8  UInt64   values
///    16  a list:  the values, Int64, ascending
///        levels:  the least and the greatest value, Int64 each
///        32       the state of the random choices, UInt64
///        40       UInt32 a level: its items
///         …       the items, Int64, level by level from 0 on, ascending within each
extension QuantileSketch {
  private static let listOffset = 16
  private static let sizesOffset = 40
  /// The length of the longest encoding.
  public static let largestEncodedByteCount =
    sizesOffset + QuantileLevels.most * 4 + QuantileLevels.totalCapacity(QuantileLevels.most) * 8

  public var encodedByteCount: Int {
    guard let levels else { return Self.listOffset + Int(listCount) * 8 }
    return Self.sizesOffset + levels.header.pointee.levelCount * 4 + levels.itemCount * 8
  }

  /// Writes the `encodedByteCount` bytes of the encoding. Orders items in place.
  public func encode(to target: UnsafeMutableRawPointer) {
    func put<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, _ offset: Int) {
      target.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
    }
    put(UInt8(1), 0)
    put(UInt8(levels?.header.pointee.levelCount ?? 0), 1)
    put(UInt16(Self.k), 2)
    put(UInt32(0), 4)
    put(count, 8)
    guard let levels else {
      var values = list
      values.sort()
      for (index, value) in values.enumerated() { put(value, Self.listOffset + index * 8) }
      return
    }
    let header = levels.header.pointee
    put(header.least, 16)
    put(header.greatest, 24)
    put(header.random, 32)
    levels.sortLevel(0)
    var end = Self.sizesOffset + header.levelCount * 4
    for level in 0..<header.levelCount {
      put(UInt32(levels.size(level)), Self.sizesOffset + level * 4)
      for item in levels.items(of: level) {
        put(item, end)
        end += 8
      }
    }
  }

  /// Adds the values of an encoded sketch. Decoding is merging into a sketch of nothing.
  ///
  /// Throws a `data` failure, the sketch unchanged, unless the bytes are what `encode` writes.
  public mutating func merge(encoded bytes: UnsafeRawBufferPointer, in arena: BlockArena) throws(Failure) {
    let input = Input(bytes)
    guard bytes.count >= Self.listOffset else { throw Self.damaged("it has \(bytes.count) bytes, fewer than 16") }
    guard bytes[0] == 1 else { throw Self.damaged("its version is \(bytes[0]), and this host reads version 1") }
    guard input.get(2, UInt16.self) == UInt16(Self.k), input.get(4, UInt32.self) == 0 else {
      throw Self.damaged("its parameters are \(input.get(2, UInt16.self)), \(input.get(4, UInt32.self)), not 200, 0")
    }
    let levelCount = Int(bytes[1])
    if levelCount == 0 {
      try mergeList(input, arena)
      return
    }
    guard levelCount >= 2, levelCount < QuantileLevels.most else {
      throw Self.damaged("it has \(levelCount) levels, not 0 or 2...\(QuantileLevels.most - 1)")
    }
    var decoded = QuantileSketch()
    let block = try arena.allocate(QuantileLevels.byteCount)
    decoded.memory = block
    decoded.capacity = .max
    defer { decoded.release(to: arena) }
    try QuantileLevels(block).decode(input, levelCount, sizesOffset: Self.sizesOffset)
    try merge(decoded, in: arena)
  }

  private mutating func mergeList(_ input: Input, _ arena: BlockArena) throws(Failure) {
    let count = input.get(8, UInt64.self)
    guard count <= UInt64(Self.k), input.bytes.count == Self.listOffset + Int(count) * 8 else {
      throw Self.damaged("it has \(input.bytes.count) bytes for \(count) values")
    }
    func value(_ index: Int) -> Int64 { input.get(Self.listOffset + index * 8, Int64.self) }
    for index in 0..<max(0, Int(count) - 1) where value(index) > value(index + 1) {
      throw Self.damaged("its values do not ascend at \(index + 1)")
    }
    for index in 0..<Int(count) { try insert(value(index), in: arena) }
  }

  /// Little-endian integers at any place of some bytes.
  struct Input {
    let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    func get<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: Value.Type) -> Value {
      Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }
  }

  static func damaged(_ why: String) -> Failure {
    Failure(.data, "an encoded quantile sketch is damaged: \(why); restore the state from a copy that is whole")
  }
}

extension QuantileLevels {
  /// Reads and checks everything behind the first 16 bytes.
  fileprivate func decode(_ input: QuantileSketch.Input, _ levelCount: Int, sizesOffset: Int) throws(Failure) {
    let byteCount = input.bytes.count
    var offset = sizesOffset + levelCount * 4
    guard byteCount >= offset else { throw QuantileSketch.damaged("it has \(byteCount) bytes, fewer than \(offset)") }
    let (count, least, greatest) = (input.get(8, UInt64.self), input.get(16, Int64.self), input.get(24, Int64.self))
    initialize(seed: input.get(32, UInt64.self))
    header.pointee.count = count
    header.pointee.least = least
    header.pointee.greatest = greatest
    header.pointee.levelCount = levelCount
    header.pointee.limit = Self.totalCapacity(levelCount)
    guard count > UInt64(QuantileSketch.k), count <= Self.mostValues else {
      throw QuantileSketch.damaged("it has levels for \(count) values; those are for more than 200, up to 2^58")
    }

    var total = 0
    var weight: UInt64 = 0
    for level in 0..<levelCount {
      let size = Int(input.get(sizesOffset + level * 4, UInt32.self))
      total += size
      guard total <= header.pointee.limit else {
        throw QuantileSketch.damaged("its levels hold more than \(header.pointee.limit) items")
      }
      guard UInt64(size) <= count >> UInt64(level) else {
        throw QuantileSketch.damaged("its items stand for more than \(count) values")
      }
      weight += UInt64(size) << UInt64(level)  // 59 times 2^58 fits.
    }
    guard weight == count, byteCount == offset + total * 8 else {
      throw QuantileSketch.damaged("it has \(byteCount) bytes and items for \(weight) of \(count) values")
    }
    var place = end - total
    for level in 0..<levelCount {
      let size = Int(input.get(sizesOffset + level * 4, UInt32.self))
      starts[level] = UInt32(place)
      for index in 0..<size {
        let item = input.get(offset, Int64.self)
        guard item >= least, item <= greatest, index == 0 || item >= items[place - 1] else {
          throw QuantileSketch.damaged("item \(index) of level \(level) is out of order")
        }
        items[place] = item
        place += 1
        offset += 8
      }
    }
    starts[levelCount] = UInt32(place)
  }
}
