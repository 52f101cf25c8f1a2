/// Which end of a text a function works at.
public enum TextSide: Sendable, Hashable {
  case start, end, both
}

/// A set of characters to trim: a bit each for those of ASCII, a sorted list for the others.
public struct TrimSet: Sendable {
  private var low: UInt64 = 0
  private var high: UInt64 = 0
  private var others: [UInt32] = []

  /// The characters of `text`.
  public init(_ text: TextBytes) {
    var index = 0
    while index < text.count {
      let (scalar, width) = UTF8Text.decode(text, at: index)
      insert(scalar)
      index += width
    }
    others.sort()
  }

  private init(scalars: [UInt32]) {
    for scalar in scalars { insert(scalar) }
    others.sort()
  }

  /// White space as in Python and pyarrow: Unicode's, and the separators U+001C to U+001F.
  public static let whitespace = TrimSet(
    scalars: Array(0x9...0xD) + Array(0x1C...0x20) + [0x85, 0xA0, 0x1680] + Array(0x2000...0x200A)
      + [0x2028, 0x2029, 0x202F, 0x205F, 0x3000])

  private mutating func insert(_ scalar: UInt32) {
    switch scalar {
    case 0..<64: low |= 1 << UInt64(scalar)
    case 64..<128: high |= 1 << UInt64(scalar - 64)
    default: others.append(scalar)
    }
  }

  @inline(__always)  // A shift for ASCII, for each row's first and last character.
  func contains(_ scalar: UInt32) -> Bool {
    if scalar < 64 { return low &>> UInt64(scalar) & 1 != 0 }
    if scalar < 128 { return high &>> UInt64(scalar &- 64) & 1 != 0 }
    return containsOther(scalar)
  }

  private func containsOther(_ scalar: UInt32) -> Bool {
    var (low, high) = (0, others.count)
    while low < high {
      let middle = (low &+ high) / 2
      if others[middle] < scalar { low = middle &+ 1 } else { high = middle }
    }
    return low < others.count && others[low] == scalar
  }
}

extension UTF8Text {
  /// The bytes that are left without the characters of `set` at the ends.
  public static func trim(_ text: TextBytes, of set: borrowing TrimSet, at side: TextSide) -> Range<Int> {
    var (start, end) = (0, text.count)
    if side != .end {
      while start < end {
        let (scalar, width) = decode(text, at: start)
        guard set.contains(scalar) else { break }
        start &+= width
      }
    }
    if side != .start {
      while start < end {
        var place = end &- 1
        while place > start, text[place] & 0xC0 == 0x80 { place &-= 1 }
        let (scalar, width) = decode(text, at: place)
        guard place &+ width == end, set.contains(scalar) else { break }
        end = place
      }
    }
    return start..<end
  }
}
