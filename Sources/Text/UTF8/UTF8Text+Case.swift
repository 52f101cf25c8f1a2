import CPlatform

// Upper and lower case by the simple mappings of Unicode, one character for one, without regard to language.
extension UTF8Text {
  /// Writes the text in upper case.
  public static func uppercase(_ text: TextBytes, into writer: inout TextWriter) {
    mapped(text, into: &writer, from: UInt8(ascii: "a"), .upper)
  }

  /// Writes the text in lower case.
  public static func lowercase(_ text: TextBytes, into writer: inout TextWriter) {
    mapped(text, into: &writer, from: UInt8(ascii: "A"), .lower)
  }

  /// Writes the text with all forms of a letter made one: two texts that differ in case only become equal. Characters keep
  /// their number, not their bytes.
  public static func fold(_ text: TextBytes, into writer: inout TextWriter) {
    mapped(text, into: &writer, from: UInt8(ascii: "A"), .folded)
  }

  /// Writes `count` bytes of ASCII in upper case; the places may be the same.
  public static func uppercaseASCII(
    _ source: UnsafePointer<UInt8>, to target: UnsafeMutablePointer<UInt8>, count: Int
  ) {
    flipASCII(source, to: target, count: count, from: UInt8(ascii: "a"))
  }

  /// Writes `count` bytes of ASCII in lower case; the places may be the same.
  public static func lowercaseASCII(
    _ source: UnsafePointer<UInt8>, to target: UnsafeMutablePointer<UInt8>, count: Int
  ) {
    flipASCII(source, to: target, count: count, from: UInt8(ascii: "A"))
  }

  /// Writes words with an upper-case first letter and the others in lower case; a word begins at a letter that has case
  /// and follows none that has. pyarrow's `utf8_title`.
  public static func titlecase(_ text: TextBytes, into writer: inout TextWriter) {
    var index = 0
    var within = false
    while index < text.count {
      let (scalar, width) = decode(text, at: index)
      // A letter has case when a mapping changes it, or when it is one of the few that Unicode calls cased all the same.
      let (upper, lower) = (ScalarMapping.upper[scalar], ScalarMapping.lower[scalar])
      let cased = upper != scalar || lower != scalar || (scalar >= 0x80 && isCased(scalar))
      if cased {
        writer.append(scalar: within ? lower : upper)
      } else {
        writer.append(text.slice(index..<(index &+ width)))
      }
      within = cased
      index &+= width
    }
  }

  private static func isCased(_ scalar: UInt32) -> Bool {
    Unicode.Scalar(scalar).map { scalar in
      scalar.properties.isUppercase || scalar.properties.isLowercase
        || scalar.properties.generalCategory == .titlecaseLetter
    } ?? false
  }

  /// - Parameter first: the first of the 26 ASCII letters that change.
  private static func mapped(
    _ text: TextBytes, into writer: inout TextWriter, from first: UInt8, _ mapping: ScalarMapping
  ) {
    writer.reserve(text.count)
    guard let base = text.baseAddress else { return }
    var start = 0
    while start < text.count {
      let ascii = asciiPrefix(text, from: start)
      flipASCII(base + start, to: writer.end, count: ascii, from: first)
      writer.advance(ascii)
      start &+= ascii
      while start < text.count, base[start] >= 0x80 {
        let (scalar, width) = decode(text, at: start)
        if scalar == 0xFFFD, width == 1 {
          writer.append(base[start])  // No character: kept as it is.
        } else {
          writer.append(scalar: mapping[scalar])
        }
        start &+= width
      }
      writer.reserve(text.count &- start)
    }
  }

  /// How many bytes from `start` on are ASCII.
  private static func asciiPrefix(_ text: TextBytes, from start: Int) -> Int {
    guard let base = text.baseAddress else { return 0 }
    var index = start
    while index &+ 16 <= text.count {
      let high = platform_high_bytes16(base + index)
      if high != 0 { return index &+ high.trailingZeroBitCount &- start }
      index &+= 16
    }
    while index < text.count, base[index] < 0x80 { index &+= 1 }
    return index &- start
  }

  /// Eight letters at a step by arithmetic on a word, which the compiler makes wider; its lanes of `SIMD16` are compared one
  /// by one, at a tenth of the speed.
  private static func flipASCII(
    _ source: UnsafePointer<UInt8>, to target: UnsafeMutablePointer<UInt8>, count: Int, from first: UInt8
  ) {
    let ones: UInt64 = 0x0101_0101_0101_0101
    // Added to a byte below 0x80, these set its high bit from `first` on and from behind the last letter on. No carry leaves
    // a byte.
    let (letters, others) = (ones &* UInt64(0x80 &- first), ones &* UInt64(0x80 &- first &- 26))
    let (from, to) = (UnsafeRawPointer(source), UnsafeMutableRawPointer(target))
    var index = 0
    while index &+ 8 <= count {
      let block = (from + index).loadUnaligned(as: UInt64.self)
      let low = block & 0x7F7F_7F7F_7F7F_7F7F
      let within = ((low &+ letters) ^ (low &+ others)) & ~block & 0x8080_8080_8080_8080
      (to + index).storeBytes(of: block ^ (within &>> 2), as: UInt64.self)
      index &+= 8
    }
    while index < count {
      let byte = source[index]
      target[index] = byte &- first < 26 ? byte ^ 0x20 : byte
      index &+= 1
    }
  }
}
