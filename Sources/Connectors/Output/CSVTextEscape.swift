import Glibc

/// Which texts CSV cannot hold as they are, and how they are written then.
struct CSVTextEscape {
  private let style: CSVStyle
  private let delimiters: UInt64
  private let quotes: UInt64
  /// The escape, or the delimiter again.
  private let escapes: UInt64
  /// Texts of at most this many bytes are compared with the text that stands for null.
  private let nullCount: Int
  private let neverPlain: Bool

  init(_ style: CSVStyle) {
    self.style = style
    delimiters = WordScanning.pattern(style.delimiter)
    quotes = WordScanning.pattern(style.quote)
    escapes = WordScanning.pattern(style.escape ?? style.delimiter)
    nullCount = style.nullText.count
    neverPlain = style.quotes == .text || style.quotes == .all
  }

  /// Whether a text can stand as it is, copying it; may touch `count + 8` bytes of `out`.
  ///
  /// Inlined into the loop over rows: it is one pass that looks and copies.
  @inline(__always)
  func isPlain(_ text: UnsafePointer<UInt8>, _ count: Int, copyingTo out: UnsafeMutablePointer<UInt8>) -> Bool {
    var index = 0
    var special: UInt64 = 0
    let feeds = WordScanning.pattern(10)
    let returns = WordScanning.pattern(13)
    while index &+ 8 <= count {
      let word = WordScanning.load(text + index)
      UnsafeMutableRawPointer(out + index).storeBytes(of: word.littleEndian, as: UInt64.self)
      special |=
        WordScanning.zeroBytes(word ^ quotes) | WordScanning.zeroBytes(word ^ delimiters)
        | WordScanning.zeroBytes(word ^ feeds) | WordScanning.zeroBytes(word ^ returns)
        | WordScanning.zeroBytes(word ^ escapes)
      index &+= 8
    }
    while index < count {
      let byte = text[index]
      out[index] = byte
      if isSpecial(byte) { special = 1 }
      index &+= 1
    }
    return special == 0 && !neverPlain && (count != nullCount || !isNull(text, count))
  }

  @inline(__always)
  private func isSpecial(_ byte: UInt8) -> Bool {
    byte == UInt8(truncatingIfNeeded: quotes) || byte == UInt8(truncatingIfNeeded: delimiters) || byte == 10
      || byte == 13 || byte == UInt8(truncatingIfNeeded: escapes)
  }

  @inline(never)
  private func isNull(_ text: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    style.nullText.withUnsafeBufferPointer { null in
      guard let start = null.baseAddress, count > 0 else { return null.count == count }
      return null.count == count && memcmp(start, text, count) == 0
    }
  }

  /// Whether a value that is no text can stand as it is, whatever is said of text.
  func canStand(_ text: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    for index in 0..<count where isSpecial(text[index]) { return false }
    return !isNull(text, count)
  }

  /// Writes a text that is not plain, at most `count * 2 + 2` bytes, and returns where it ends.
  @inline(never)
  func write(
    _ text: UnsafePointer<UInt8>, _ count: Int, to out: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    var at = out
    if style.quotes == .none {
      let escape = style.escape ?? style.quote
      // The first byte is escaped of what would be taken for null.
      let isNull = isNull(text, count)
      for index in 0..<count {
        if isSpecial(text[index]) || (index == 0 && isNull) {
          at.pointee = escape
          at += 1
        }
        at.pointee = text[index]
        at += 1
      }
      return at
    }
    at.pointee = style.quote
    at += 1
    for index in 0..<count {
      if text[index] == style.quote || text[index] == style.escape {
        at.pointee = style.escape ?? style.quote
        at += 1
      }
      at.pointee = text[index]
      at += 1
    }
    at.pointee = style.quote
    return at + 1
  }
}
