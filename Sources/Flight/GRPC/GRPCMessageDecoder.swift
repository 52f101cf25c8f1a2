/// Takes small messages out of the bytes of a call as they come, in pieces of any size.
public struct GRPCMessageDecoder {
  private enum State {
    case prefix(GRPCPrefix)
    case message([UInt8], length: Int)
  }

  private var state = State.prefix(GRPCPrefix())
  private let limit: Int
  private let encoding: String?

  /// Bytes that a message is given before any of it has come.
  private static let trusted = 4096

  /// - Parameters:
  ///   - limit: bytes of a message at most.
  ///   - encoding: the head's ``GRPCRequestHead/encoding``.
  public init(limit: Int = 4 << 20, encoding: String? = nil) {
    self.limit = limit
    self.encoding = encoding
  }

  /// Takes bytes from the front of `bytes`, at most up to the end of the next message, which it returns. nil: all of
  /// the bytes are taken, and the message is not whole. After a status was thrown the decoder is good for nothing.
  public mutating func next(_ bytes: inout UnsafeRawBufferPointer) throws(GRPCStatus) -> [UInt8]? {
    if case .prefix(var prefix) = state {
      let length = try prefix.take(&bytes, limit: limit, encoding: encoding)
      guard let length else {
        state = .prefix(prefix)
        return nil
      }
      var message: [UInt8] = []
      message.reserveCapacity(min(length, Self.trusted))
      state = .message(message, length: length)
    }
    guard case .message(var message, let length) = state else { return nil }
    // So that the array is not shared, and grows in place.
    state = .prefix(GRPCPrefix())
    let part = min(bytes.count, length - message.count)
    message.append(contentsOf: bytes.prefix(part))
    bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(part))
    if message.count == length { return message }
    state = .message(message, length: length)
    return nil
  }

  /// Bytes of memory that the message takes which is not whole; 0 between two.
  var heldByteCount: Int {
    guard case .message(let message, _) = state else { return 0 }
    return message.capacity
  }

  /// Says that no more bytes come.
  ///
  /// - Throws: INTERNAL when they end within a message.
  public func finish() throws(GRPCStatus) {
    if case .prefix(let prefix) = state, prefix.isEmpty { return }
    throw GRPCStatus(.internal, "the call ends within a message; it was cut off")
  }
}
