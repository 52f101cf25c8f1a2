/// The five bytes in front of a message: whether it is compressed, and its length, big endian.
/// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message"
struct GRPCPrefix {
  static let byteCount = 5

  /// The bytes of the prefix that have come, as a number.
  private var bytes: UInt64 = 0
  private var count = 0

  /// Whether no byte of it has come.
  var isEmpty: Bool { count == 0 }

  /// Takes what is missing from the front of `bytes`.
  ///
  /// - Returns: the length of the message, once the prefix is whole; the next call begins the next one.
  /// - Throws: UNIMPLEMENTED for a compressed message, RESOURCE_EXHAUSTED for one longer than `limit`.
  mutating func take(
    _ bytes: inout UnsafeRawBufferPointer, limit: Int, encoding: String?
  ) throws(GRPCStatus) -> Int? {
    while count < Self.byteCount {
      guard let byte = bytes.first else { return nil }
      self.bytes = self.bytes << 8 | UInt64(byte)
      count += 1
      bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
    }
    let flag = UInt8(truncatingIfNeeded: self.bytes >> 32)
    let length = Int(self.bytes & 0xFFFF_FFFF)
    self = GRPCPrefix()
    switch flag {
    case 0: break
    case 1:
      guard let encoding else {
        throw GRPCStatus(.internal, "a message is compressed, and its call has no grpc-encoding that says how")
      }
      throw GRPCStatus(
        .unimplemented, "a message is compressed with '\(encoding)', and messages are taken as they are (identity) only"
      )
    default:
      throw GRPCStatus(.internal, "a message begins with \(flag), where 0 or 1, whether it is compressed, are expected")
    }
    guard length <= limit else {
      throw GRPCStatus(.resourceExhausted, "a message has \(length) bytes, and at most \(limit) are taken")
    }
    return length
  }

  /// The prefix of a message that is not compressed.
  ///
  /// - Parameter length: 0 ... 2^32 - 1.
  static func bytes(_ length: Int) -> [UInt8] {
    [0] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) }
  }
}
