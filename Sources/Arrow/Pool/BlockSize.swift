/// The sizes of the pool's blocks: multiples of 64 up to 256, then four to each power of two, so that at most a fifth of a
/// block lies idle.
struct BlockSize {
  /// 0 ..< `count`, ascending with the size.
  let index: Int

  static let largest = 1 << 26
  static let count = BlockSize(atLeast: largest).index + 1

  /// The smallest size of at least that many bytes.
  ///
  /// - Parameter byteCount: 0...`largest`.
  init(atLeast byteCount: Int) {
    if byteCount <= 256 {
      index = max(0, (byteCount + 63) / 64 - 1)
      return
    }
    // The size lies above 2^power and at most at 2^(power + 1); a step is a quarter of 2^power.
    let power = Int.bitWidth - 1 - (byteCount - 1).leadingZeroBitCount
    let steps = (byteCount + (1 << (power - 2)) - 1) >> (power - 2)
    index = 4 * (power - 8) + steps - 1
  }

  init(index: Int) { self.index = index }

  var byteCount: Int {
    if index < 4 { return 64 * (index + 1) }
    let power = 7 + index / 4
    return (5 + index % 4) << (power - 2)
  }
}
