import CPlatform

/// Steps over JSON (RFC 8259) without making anything of it. Each step tells whether what it passed was well-formed; after
/// one that was not, the place means nothing.
struct JSONScanner {
  /// Arrays and objects in each other. A bound for the stack, as the scanner calls itself.
  static let maximumDepth = 500

  let text: TextBytes
  var place = 0

  init(_ text: TextBytes) { self.text = text }

  @inline(__always)  // A comparison and a load, for each byte of structure.
  var next: UInt8 { place < text.count ? text[place] : 0 }

  mutating func skipSpace() {
    while place < text.count {
      switch text[place] {
      case 0x20, 0x09, 0x0A, 0x0D: place &+= 1
      default: return
      }
    }
  }

  @inline(__always)  // As above.
  mutating func skip(_ byte: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: byte) else { return false }
    place &+= 1
    return true
  }

  /// A value, with no space around it.
  mutating func skipValue(depth: Int) -> Bool {
    switch next {
    case UInt8(ascii: "\""): return skipString()
    case UInt8(ascii: "{"):
      guard depth < Self.maximumDepth else { return false }
      return forEachMember { scanner, _ in scanner.skipValue(depth: depth &+ 1) }
    case UInt8(ascii: "["):
      guard depth < Self.maximumDepth else { return false }
      return forEachElement { scanner, _ in scanner.skipValue(depth: depth &+ 1) }
    case UInt8(ascii: "t"): return skip(word: "true")
    case UInt8(ascii: "f"): return skip(word: "false")
    case UInt8(ascii: "n"): return skip(word: "null")
    default: return skipNumber()
    }
  }

  /// An object; `body` steps over each member's value, told where the name is, without its quotes.
  @inline(__always)  // So that `body` is called directly.
  mutating func forEachMember(_ body: (inout JSONScanner, Range<Int>) -> Bool) -> Bool {
    place &+= 1
    skipSpace()
    if skip("}") { return true }
    repeat {
      skipSpace()
      let start = place &+ 1
      guard next == UInt8(ascii: "\""), skipString() else { return false }
      let name = start..<(place &- 1)
      skipSpace()
      guard skip(":") else { return false }
      skipSpace()
      guard body(&self, name) else { return false }
      skipSpace()
    } while skip(",")
    return skip("}")
  }

  /// An array; `body` steps over each element, told its number.
  @inline(__always)  // As above.
  mutating func forEachElement(_ body: (inout JSONScanner, Int) -> Bool) -> Bool {
    place &+= 1
    skipSpace()
    if skip("]") { return true }
    var index = 0
    repeat {
      skipSpace()
      guard body(&self, index) else { return false }
      index &+= 1
      skipSpace()
    } while skip(",")
    return skip("]")
  }

  private mutating func skip(word: StaticString) -> Bool {
    guard text.count &- place >= word.utf8CodeUnitCount else { return false }
    for index in 0..<word.utf8CodeUnitCount where text[place &+ index] != word.utf8Start[index] { return false }
    place &+= word.utf8CodeUnitCount
    return true
  }

  private mutating func skipDigits() -> Bool {
    let start = place
    while next &- 0x30 < 10 { place &+= 1 }
    return place > start
  }

  private mutating func skipNumber() -> Bool {
    _ = skip("-")
    if !skip("0"), !skipDigits() { return false }
    if skip("."), !skipDigits() { return false }
    if next | 0x20 == UInt8(ascii: "e") {
      place &+= 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { place &+= 1 }
      return skipDigits()
    }
    return true
  }

  /// A string, from its first quote to behind its last.
  private mutating func skipString() -> Bool {
    guard let base = text.baseAddress else { return false }
    place &+= 1
    while true {
      while place &+ 16 <= text.count {
        let specials = platform_json_specials16(base + place)
        if specials != 0 {
          place &+= specials.trailingZeroBitCount
          break
        }
        place &+= 16
      }
      guard place < text.count else { return false }
      switch base[place] {
      case UInt8(ascii: "\""):
        place &+= 1
        return true
      case UInt8(ascii: "\\"):
        guard unescape() != nil else { return false }
      case 0..<0x20: return false
      default: place &+= 1
      }
    }
  }

  /// Steps over an escape and tells the character that it stands for; nil for one that is none, also for half of a
  /// surrogate pair.
  mutating func unescape() -> UInt32? {
    place &+= 2
    guard place <= text.count else { return nil }
    switch text[place &- 1] {
    case UInt8(ascii: "\""): return 0x22
    case UInt8(ascii: "\\"): return 0x5C
    case UInt8(ascii: "/"): return 0x2F
    case UInt8(ascii: "b"): return 0x08
    case UInt8(ascii: "f"): return 0x0C
    case UInt8(ascii: "n"): return 0x0A
    case UInt8(ascii: "r"): return 0x0D
    case UInt8(ascii: "t"): return 0x09
    case UInt8(ascii: "u"):
      guard let unit = codeUnit() else { return nil }
      guard unit & 0xF800 == 0xD800 else { return unit }
      guard unit < 0xDC00, skip("\\"), skip("u"), let low = codeUnit(), low & 0xFC00 == 0xDC00 else { return nil }
      return 0x1_0000 &+ (unit & 0x3FF) &<< 10 | low & 0x3FF
    default: return nil
    }
  }

  private mutating func codeUnit() -> UInt32? {
    guard text.count &- place >= 4 else { return nil }
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Unicode.Scalar(text[place]).asciiHexDigit else { return nil }
      unit = unit &<< 4 | digit
      place &+= 1
    }
    return unit
  }
}
