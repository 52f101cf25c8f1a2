import Base

extension RegexParser {
  /// What a backslash outside of brackets begins.
  mutating func escapedAtom() throws(Failure) -> RegexNode {
    if let set = try namedEscape() { return .set(set) }
    for (text, look) in Self.looks where skip(text) { return .look(look) }
    if skip("\\C") { return .anyByte }
    return .set(cased(ScalarSet(try escapedCharacter())))
  }

  private static let looks: [(String, RegexLook)] = [
    ("\\A", .textStart), ("\\z", .textEnd), ("\\b", .wordBoundary), ("\\B", .noWordBoundary),
  ]

  /// A backslash and what stands for one character.
  mutating func escapedCharacter() throws(Failure) -> UInt32 {
    let start = position
    position += 1
    guard let scalar = next else {
      throw failure(at: start, "the expression ends in a backslash that escapes nothing; write two for a backslash")
    }
    position += 1
    switch scalar {
    case "a": return 0x07
    case "f": return 0x0C
    case "n": return 0x0A
    case "r": return 0x0D
    case "t": return 0x09
    case "v": return 0x0B
    case "x": return try hexadecimal(start)
    case "0": return octal(0)
    case "1"..."7":
      // With a second octal digit it is a character's number, else a group's.
      if let digit = next?.asciiDigit, digit < 8 { return octal(scalar.value - 0x30) }
      throw backreference(start)
    case "8", "9": throw backreference(start)
    default:
      let letter = scalar.properties.isAlphabetic || scalar.asciiDigit != nil
      guard scalar.isASCII, !letter else {
        throw failure(
          at: start,
          "the escape \\\(scalar) is not known; \(letter ? "write the character without its backslash" : "write it without its backslash")"
        )
      }
      return scalar.value
    }
  }

  private func backreference(_ start: Int) -> Failure {
    failure(
      at: start,
      "\\\(scalars[start + 1]) refers back to a group, which is not supported, because matching takes linear time")
  }

  private mutating func octal(_ first: UInt32) -> UInt32 {
    var value = first
    for _ in 0..<2 {
      guard let digit = next?.asciiDigit, digit < 8 else { break }
      value = value * 8 + UInt32(digit)
      position += 1
    }
    return value
  }

  private mutating func hexadecimal(_ start: Int) throws(Failure) -> UInt32 {
    var value: UInt32 = 0
    if skip("{") {
      var digits = 0
      while let digit = next?.asciiHexDigit {
        value = min(value * 16 + digit, 0x0100_0000)
        digits += 1
        position += 1
      }
      guard digits > 0, value <= ScalarSet.limit, skip("}") else {
        throw failure(at: start, "\\x{ wants a hexadecimal number up to 10FFFF and a }")
      }
      return value
    }
    for _ in 0..<2 {
      guard let digit = next?.asciiHexDigit else {
        throw failure(at: start, "\\x wants two hexadecimal digits, or more in braces: \\x41, \\x{1F600}")
      }
      value = value * 16 + digit
      position += 1
    }
    return value
  }
}
