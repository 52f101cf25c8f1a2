extension Selection {
  /// The rows of a `bool` column that are true: neither false nor null.
  public init(trueRowsOf column: Column) {
    precondition(column.type.layout == .bits, "rows are selected by a column of booleans")
    self.init(
      bits: column.buffers[0].address, and: column.validity?.address, offset: column.offset, count: column.length)
  }

  /// The rows i below `count` whose bit `offset + i` is 1 in `bits` and, if given, in `mask`.
  public init(bits: UnsafeRawPointer, and mask: UnsafeRawPointer? = nil, offset: Int = 0, count: Int) {
    precondition(count <= Int(UInt32.max), "a batch has less than 2^32 rows")
    let indices = Buffer(byteCount: count * 4)
    let selected = SelectionKernels.fill(
      indices.unsafeMutableValues(UInt32.self), bits: bits, mask: mask, offset: offset, count: count)
    indices.setByteCount(selected * 4)
    self.init(indices: indices, count: selected)
  }
}

enum SelectionKernels {
  /// By byte: the indices of its bits that are 1, ascending, one a lane of 8 bits. Never written after it was made.
  private nonisolated(unsafe) static let lanes: UnsafePointer<SIMD8<UInt8>> = {
    let table = UnsafeMutablePointer<SIMD8<UInt8>>.allocate(capacity: 256)
    for byte in 0..<256 {
      var lanes = SIMD8<UInt8>(repeating: 0)
      var count = 0
      for bit in 0..<8 where byte >> bit & 1 != 0 {
        lanes[count] = UInt8(bit)
        count += 1
      }
      (table + byte).initialize(to: lanes)
    }
    return UnsafePointer(table)
  }()

  /// Writes the selected rows and returns how many they are. Works on 8 rows at a time without a branch that depends on
  /// the data, because a filter's outcome is what a processor cannot predict.
  ///
  /// Eight indices are stored whatever the number of rows that count; the next store goes over the surplus. As at most
  /// 8k rows were selected before byte k, that never leaves the `count` indices of the target.
  static func fill(
    _ target: UnsafeMutablePointer<UInt32>, bits: UnsafeRawPointer, mask: UnsafeRawPointer?, offset: Int, count: Int
  ) -> Int {
    let lanes = self.lanes
    var selected = 0
    var row = 0
    while row &+ 64 <= count {
      var word = Bitmap.word(bits, offset &+ row)
      if let mask { word &= Bitmap.word(mask, offset &+ row) }
      if word != 0 {
        // The bits of each byte that are 1, in that byte, and then added up from the lowest byte on: byte k of `ends` is
        // the number of rows selected up to and including byte k.
        var ones = word &- ((word >> 1) & 0x5555_5555_5555_5555)
        ones = (ones & 0x3333_3333_3333_3333) &+ ((ones >> 2) & 0x3333_3333_3333_3333)
        ones = (ones &+ (ones >> 4)) & 0x0F0F_0F0F_0F0F_0F0F
        let ends = ones &* 0x0101_0101_0101_0101
        var base = UInt32(truncatingIfNeeded: row)
        var start = 0
        for byte in UInt64(0)..<8 {
          let block = SIMD8<UInt32>(truncatingIfNeeded: lanes[Int((word >> (8 &* byte)) & 0xFF)]) &+ base
          UnsafeMutableRawPointer(target + (selected &+ start)).storeBytes(of: block, as: SIMD8<UInt32>.self)
          start = Int((ends >> (8 &* byte)) & 0xFF)
          base &+= 8
        }
        selected &+= start
      }
      row &+= 64
    }
    if row < count {
      var word = Bitmap.word(bits, offset &+ row, count: count &- row)
      if let mask { word &= Bitmap.word(mask, offset &+ row, count: count &- row) }
      while word != 0 {
        target[selected] = UInt32(truncatingIfNeeded: row &+ word.trailingZeroBitCount)
        selected &+= 1
        word &= word &- 1
      }
    }
    return selected
  }
}
