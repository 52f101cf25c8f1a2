/// Writing bits. The target of all of these is memory of the pool, whose size is a multiple of 64 bytes, so whole 64-bit
/// words of it may be written.
extension Bitmap {
  /// Writes the low `count` bits of `word` from bit `index` on. Bits before `index` keep their values; bits after the
  /// last one, up to the end of its 64-bit word, become 0.
  ///
  /// - Parameter count: 1...64; bits of `word` from `count` on must be 0.
  @inlinable
  public static func store(_ word: UInt64, count: Int, to target: UnsafeMutableRawPointer, _ index: Int) {
    let words = target.assumingMemoryBound(to: UInt64.self) + (index >> 6)
    let shift = UInt64(index & 63)
    if shift == 0 {
      words[0] = word.littleEndian
      return
    }
    words[0] = ((UInt64(littleEndian: words[0]) & ((1 << shift) - 1)) | (word << shift)).littleEndian
    if Int(shift) + count > 64 { words[1] = (word >> (64 - shift)).littleEndian }
  }

  /// Copies `count` bits from bit `sourceIndex` on to bit `index` on. Bits of the target before `index` keep their
  /// values; bits after the last one, up to the end of its 64-bit word, become 0.
  public static func copy(
    _ source: UnsafeRawPointer, _ sourceIndex: Int, count: Int, to target: UnsafeMutableRawPointer, _ index: Int
  ) {
    var done = 0
    // The first step brings the target to a word's start, so that the others store whole words.
    var step = min(count, 64 - (index & 63))
    while done < count {
      store(word(source, sourceIndex + done, count: step), count: step, to: target, index + done)
      done += step
      step = min(64, count - done)
    }
  }

  /// Makes `count` bits from bit `index` on `value`, with the edges of `copy`.
  public static func fill(_ target: UnsafeMutableRawPointer, _ index: Int, count: Int, _ value: Bool) {
    let pattern: UInt64 = value ? .max : 0
    var done = 0
    var step = min(count, 64 - (index & 63))
    while done < count {
      store(step == 64 ? pattern : pattern & ((1 << UInt64(step)) - 1), count: step, to: target, index + done)
      done += step
      step = min(64, count - done)
    }
  }

  /// Bit i of the target becomes bit `offset + rows[i]` of `bits`; the rest of the last word becomes 0.
  ///
  /// - Returns: how many bits are 1.
  public static func gather(
    _ bits: UnsafeRawPointer, _ offset: Int, rows: UnsafePointer<UInt32>, count: Int, to target: UnsafeMutableRawPointer
  ) -> Int {
    let words = target.assumingMemoryBound(to: UInt64.self)
    var ones = 0
    var done = 0
    while done < count {
      let step = min(64, count - done)
      var word: UInt64 = 0
      if step == 64 {
        for byte in 0..<8 {
          let bits = eight(bits, offset, rows: rows + (done &+ 8 &* byte))
          word |= bits &<< UInt64(truncatingIfNeeded: 8 &* byte)
        }
      } else {
        for bit in 0..<step {
          word |= one(bits, offset &+ Int(rows[done &+ bit])) &<< UInt64(truncatingIfNeeded: bit)
        }
      }
      words[done >> 6] = word.littleEndian
      ones += word.nonzeroBitCount
      done += step
    }
    return ones
  }

  @inline(__always)  // A load, a shift and a mask.
  private static func one(_ bits: UnsafeRawPointer, _ index: Int) -> UInt64 {
    (UInt64(bits.load(fromByteOffset: index &>> 3, as: UInt8.self)) &>> UInt64(truncatingIfNeeded: index & 7)) & 1
  }

  /// The bits of eight rows, which are taken side by side: one after the other they would wait for each other.
  @inline(__always)  // The body of a loop.
  private static func eight(_ bits: UnsafeRawPointer, _ offset: Int, rows: UnsafePointer<UInt32>) -> UInt64 {
    let low =
      one(bits, offset &+ Int(rows[0])) | one(bits, offset &+ Int(rows[1])) &<< 1
      | one(bits, offset &+ Int(rows[2])) &<< 2 | one(bits, offset &+ Int(rows[3])) &<< 3
    let high =
      one(bits, offset &+ Int(rows[4])) | one(bits, offset &+ Int(rows[5])) &<< 1
      | one(bits, offset &+ Int(rows[6])) &<< 2 | one(bits, offset &+ Int(rows[7])) &<< 3
    return low | high &<< 4
  }
}
