import Arrow
import Base
import Glibc
import Text

/// Which texts of a column are like a pattern, begin or end with a text or contain one.
enum MatchKernels {
  /// - Parameter negated: whether the others are asked for.
  static func like(_ column: Column, _ pattern: LikePattern, negated: Bool = false) -> Words {
    let words =
      switch pattern.shape {
      case .equals(let searcher): equals(column, searcher.bytes)
      case .hasPrefix(let searcher): ends(column, searcher.bytes, atStart: true)
      case .hasSuffix(let searcher): ends(column, searcher.bytes, atStart: false)
      case .contains(let searcher): contains(column, searcher)
      case .everything: Words(repeating: true, count: column.length)
      case .pieces: each(column) { pattern.matches($0) }
      }
    guard negated else { return words }
    let bits = Bits(words.buffer.address)
    return Words(count: words.count) { ~bits.word($0, $1) }
  }

  /// Looks for the needle in all rows' bytes at once and then in which row it was: a row without it costs its bytes only.
  static func contains(_ column: Column, _ searcher: SubstringSearcher) -> Words {
    let count = column.length
    let width = searcher.bytes.count
    guard width > 0, count > 0 else { return Words(repeating: true, count: count) }
    let words = Words(repeating: false, count: count)
    let bits = words.words
    let ends = column.offsets32 + 1
    let text = TextBytes(start: column.bytes, count: Int(ends[count &- 1]))
    var place = Int(column.offsets32[0])
    var row = 0
    while row < count {
      let found = searcher.firstOffset(in: text, from: place)
      if found < 0 { break }
      while Int(ends[row]) <= found { row &+= 1 }
      if found &+ width <= Int(ends[row]) {
        bits[row >> 6] |= (1 &<< UInt64(truncatingIfNeeded: row & 63)).littleEndian
        place = Int(ends[row])
        row &+= 1
      } else {
        place = found &+ 1  // It reaches into the next row.
      }
    }
    return words
  }

  private static func equals(_ column: Column, _ needle: TextBytes) -> Words {
    each(column) { text in
      guard text.count == needle.count else { return false }
      guard let a = text.baseAddress, let b = needle.baseAddress, text.count > 0 else { return true }
      return memcmp(a, b, text.count) == 0
    }
  }

  /// - Parameter atStart: whether the texts are to begin with the needle, else to end with it.
  static func ends(_ column: Column, _ needle: TextBytes, atStart: Bool) -> Words {
    let window = column.windowOfBytes
    guard let pattern = needle.baseAddress, needle.count > 0, let base = window.baseAddress else {
      return Words(repeating: needle.count == 0, count: column.length)
    }
    let width = needle.count
    let last = base + window.count
    // Up to eight bytes are compared as a number; `mask` drops those behind the needle.
    let short = width <= 8
    let mask: UInt64 = short && width < 8 ? (1 &<< UInt64(width &* 8)) &- 1 : .max
    var wanted: UInt64 = 0
    if short { for index in 0..<width { wanted |= UInt64(pattern[index]) &<< UInt64(index &* 8) } }
    return each(column) { text in
      guard text.count >= width, let start = text.baseAddress else { return false }
      let from = atStart ? start : start + (text.count &- width)
      if short, from + 8 <= last {
        return UInt64(littleEndian: UnsafeRawPointer(from).loadUnaligned(as: UInt64.self)) & mask == wanted
      }
      return memcmp(from, pattern, width) == 0
    }
  }

  @inline(__always)  // One loop a test, with `holds` called directly.
  private static func each(_ column: Column, _ holds: (TextBytes) -> Bool) -> Words {
    let texts = TextInput(column)
    return Words(count: column.length) { start, rows in
      var word: UInt64 = 0
      for bit in 0..<rows {
        word |= (holds(texts[start &+ bit]) ? 1 : 0) &<< UInt64(truncatingIfNeeded: bit)
      }
      return word
    }
  }

  /// The column's texts folded, so that they compare without regard to case.
  static func folded(_ column: Column) throws(Failure) -> Column {
    let texts = TextInput(column)
    return try TextKernels.texts(
      "ilike", count: column.length, validity: commonValidity([column], count: column.length),
      capacity: column.windowOfBytes.count
    ) { row, writer throws(Failure) in
      UTF8Text.fold(texts[row], into: &writer)
      return true
    }
  }
}
