/// The form of a status's message in `grpc-message`.
/// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Percent-Encoded"
enum PercentEncoding {
  /// The text with every byte outside of printable ASCII, and the percent sign, as `%XX`. So is a space at either end,
  /// because HTTP/2 allows none there (RFC 9113, section 8.2.1).
  ///
  /// - Parameter limit: bytes of the result at most. What is longer loses its end, whole characters of it.
  static func encode(_ text: String, limit: Int = .max) -> String {
    var encoded: [UInt8] = []
    let last = text.utf8.count - 1
    var index = 0
    characters: for character in text.unicodeScalars {
      let start = encoded.count
      for byte in character.utf8 {
        let isSpaceAtEnd = byte == 0x20 && (index == 0 || index == last)
        if byte < 0x20 || byte > 0x7E || byte == 0x25 || isSpaceAtEnd {
          encoded += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        } else {
          encoded.append(byte)
        }
        index += 1
      }
      if encoded.count > limit {
        encoded.removeLast(encoded.count - start)
        // What is now last may be a space.
        while encoded.last == 0x20 { encoded.removeLast() }
        break characters
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }

  /// The text that was encoded. A percent sign without two digits behind it stays as it is, and bytes that are no UTF-8
  /// become U+FFFD: a message is for people, and a bad one is better than none.
  static func decode(_ encoded: String) -> String {
    guard encoded.utf8.contains(0x25) else { return encoded }
    let source = Array(encoded.utf8)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(source.count)
    var index = 0
    while index < source.count {
      if source[index] == 0x25, index + 2 < source.count, let high = digit(source[index + 1]),
        let low = digit(source[index + 2])
      {
        bytes.append(high << 4 | low)
        index += 3
      } else {
        bytes.append(source[index])
        index += 1
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static let digits = Array("0123456789ABCDEF".utf8)

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }
}
