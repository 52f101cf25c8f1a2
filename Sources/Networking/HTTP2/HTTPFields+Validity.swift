import Base

extension HTTPFields {
  /// Refuses what a peer would refuse, or understand as something else: a value with a line's end in it could be two fields
  /// behind a proxy that speaks HTTP/1.1.
  func check() throws(Failure) {
    for field in self {
      guard Self.isName(field.name) else {
        throw Failure(
          .usage,
          "The HTTP field name '\(field.name)' has characters other than lower-case letters, digits and !#$%&'*+-.^_`|~; "
            + "use others (RFC 9110, section 5.1)")
      }
      guard Self.isValue(field.value) else {
        throw Failure(
          .usage,
          "The value of the HTTP field '\(field.name)' has control characters, or begins or ends with a space; encode it "
            + "(RFC 9110, section 5.5)")
      }
    }
  }

  /// Whether the name is a token without capitals, or a colon and such a token.
  private static func isName(_ name: String) -> Bool {
    var name = name.utf8[...]
    if name.first == UInt8(ascii: ":") { name.removeFirst() }
    return !name.isEmpty && name.allSatisfy { HTTPCharacter.isToken($0) && !HTTPCharacter.isCapital($0) }
  }

  private static func isValue(_ value: String) -> Bool {
    let bytes = value.utf8
    guard let first = bytes.first, let last = bytes.last else { return true }
    return bytes.allSatisfy(HTTPCharacter.isInValue) && !HTTPCharacter.isBlank(first) && !HTTPCharacter.isBlank(last)
  }
}

/// Classes of bytes in heads: RFC 9110 section 5.6.2 and 5.5.
enum HTTPCharacter {
  static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
      UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
      true
    default: false
    }
  }

  static func isCapital(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") }

  static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// Visible characters, spaces, tabs and what is not ASCII.
  static func isInValue(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F || byte == 0x09 }

  /// Text of bytes that should be UTF-8; others are read as ISO 8859-1.
  static func text(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    var text = ""
    for byte in bytes { text.unicodeScalars.append(Unicode.Scalar(byte)) }
    return text
  }
}
