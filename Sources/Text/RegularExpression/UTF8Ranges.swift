/// Ranges of scalars as ranges of their bytes.
enum UTF8Ranges {
  typealias Bytes = ClosedRange<UInt8>

  /// For each way that the set's characters are encoded: the range of each of their bytes, first byte first. In the order
  /// of the characters.
  static func sequences(of set: ScalarSet) -> [[Bytes]] {
    var result: [[Bytes]] = []
    for range in set.ranges { append(range.lowerBound, range.upperBound, to: &result) }
    return result
  }

  private static func append(_ low: UInt32, _ high: UInt32, to result: inout [[Bytes]]) {
    // First by length, then so that all but the last differing byte are the same or all are taken.
    for limit in [0x7F, 0x7FF, 0xFFFF] as [UInt32] where low <= limit && high > limit {
      append(low, limit, to: &result)
      append(limit + 1, high, to: &result)
      return
    }
    if high <= 0x7F {
      result.append([UInt8(low)...UInt8(high)])
      return
    }
    for shift in [6, 12, 18] as [UInt32] {
      let mask = UInt32(1) << shift - 1
      guard low & ~mask != high & ~mask else { continue }
      if low & mask != 0 {
        append(low, low | mask, to: &result)
        append((low | mask) + 1, high, to: &result)
        return
      }
      if high & mask != mask {
        append(low, (high & ~mask) - 1, to: &result)
        append(high & ~mask, high, to: &result)
        return
      }
    }
    let (first, last) = (encoded(low), encoded(high))
    result.append(zip(first, last).map { $0...$1 })
  }

  /// Surrogates too, which have such bytes, though no valid text has them.
  private static func encoded(_ scalar: UInt32) -> [UInt8] {
    func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | scalar >> shift & 0x3F) }
    if scalar < 0x800 { return [UInt8(0xC0 | scalar >> 6), tail(0)] }
    if scalar < 0x1_0000 { return [UInt8(0xE0 | scalar >> 12), tail(6), tail(0)] }
    return [UInt8(0xF0 | scalar >> 18), tail(12), tail(6), tail(0)]
  }
}
