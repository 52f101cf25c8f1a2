import CPlatform
import Glibc

/// Finds a string in others: made once, used for many rows.
///
/// Sixteen places are looked at in one step, at the needle's two rarest bytes (Mula, "SIMD-friendly algorithms for substring
/// searching", with the rarest bytes in place of the first and last); where both agree the rest is compared. Linear in
/// practice; at worst, a needle and a text that repeat the same few bytes, the text's length times the needle's.
public final class SubstringSearcher: Sendable {
  private let needle: ConstantBytes
  /// Places of the two rarest bytes in the needle, ascending; the same one for a needle of one byte.
  private let first: Int
  private let second: Int

  /// - Parameter needle: found everywhere when it is empty.
  public init(_ needle: some Collection<UInt8>) {
    let bytes = ConstantBytes(needle)
    self.needle = bytes
    (first, second) = Self.rarest(bytes.bytes)
  }

  /// What is searched for.
  public var bytes: TextBytes { needle.bytes }

  private static func rarest(_ needle: TextBytes) -> (Int, Int) {
    guard needle.count > 1 else { return (0, 0) }
    var (best, next) = (0, 1)
    if ByteFrequency.rank(needle[1]) < ByteFrequency.rank(needle[0]) { swap(&best, &next) }
    for index in 2..<max(needle.count, 2) {
      let rank = ByteFrequency.rank(needle[index])
      if rank < ByteFrequency.rank(needle[best]) {
        next = best
        best = index
      } else if needle[index] != needle[best], rank < ByteFrequency.rank(needle[next]) || needle[next] == needle[best] {
        next = index
      }
    }
    return (min(best, next), max(best, next))
  }

  /// The first place at or after `start`, at most `text.count`, where the needle begins, or -1.
  public func firstOffset(in text: TextBytes, from start: Int = 0) -> Int {
    let needle = needle.bytes
    guard let pattern = needle.baseAddress, needle.count > 0 else { return start }
    guard let base = text.baseAddress, text.count &- start >= needle.count else { return -1 }
    if needle.count == 1 {
      guard let found = memchr(base + start, Int32(pattern[0]), text.count &- start) else { return -1 }
      return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }
    let last = text.count &- needle.count  // The last place where the needle can begin.
    let (a, b) = (pattern[first], pattern[second])
    let (left, right) = (base + first, base + second)
    var place = start
    // Both blocks end within the text: the needle's bytes after `second` are in it wherever it can begin.
    while place &+ 15 <= last {
      var mask = platform_find_pair16(left + place, a, right + place, b)
      while mask != 0 {
        let candidate = place &+ mask.trailingZeroBitCount
        if memcmp(base + candidate, pattern, needle.count) == 0 { return candidate }
        mask &= mask &- 1
      }
      place &+= 16
    }
    guard place <= last else { return -1 }
    if last >= 15 {
      // The last places once more as a whole block, without those that were looked at.
      let block = last &- 15
      var mask = platform_find_pair16(left + block, a, right + block, b) & (UInt32.max &<< UInt32(place &- block))
      while mask != 0 {
        let candidate = block &+ mask.trailingZeroBitCount
        if memcmp(base + candidate, pattern, needle.count) == 0 { return candidate }
        mask &= mask &- 1
      }
      return -1
    }
    while place <= last {
      if left[place] == a, right[place] == b, memcmp(base + place, pattern, needle.count) == 0 { return place }
      place &+= 1
    }
    return -1
  }

  /// The last place where the needle begins, or -1.
  public func lastOffset(in text: TextBytes) -> Int {
    var place = text.count &- needle.bytes.count
    while place >= 0 {
      if text.holds(needle.bytes, at: place) { return place }
      place &-= 1
    }
    return -1
  }
}
