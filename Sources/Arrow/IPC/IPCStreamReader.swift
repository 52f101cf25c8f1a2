import Base

/// Reads the Arrow stream format from bytes that arrive in pieces of any size. One thread at a time.
///
/// Each message's body is gathered in one buffer, of which the columns are views. A stream ends at its end mark, or at
/// the end of its bytes if that is between two messages.
/// Source: https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
public struct IPCStreamReader {
  private enum State {
    /// Gathering the bytes in front of a header.
    case prefix
    case header(GatheredBytes)
    case body(IPCMessage, GatheredBytes)
    case ended
  }

  private var state = State.prefix
  private var prefix: [UInt8] = []
  private var messages: IPCMessageReader
  private let options: IPCReadOptions

  public init(options: IPCReadOptions = IPCReadOptions()) {
    self.options = options
    messages = IPCMessageReader(options: options)
  }

  /// The schema, once its message has been read.
  public var schema: IPCSchema? { messages.schema }

  /// Whether the end mark has been read. What follows is not of the stream and is not taken.
  public var hasEnded: Bool { if case .ended = state { true } else { false } }

  /// Takes bytes from the front of `bytes`, at most up to the end of the next batch, which it returns. nil: all of the
  /// bytes are taken, or the stream has ended, and the batch is not whole. After a failure the reader is good for
  /// nothing.
  public mutating func next(_ bytes: inout UnsafeRawBufferPointer) throws(Failure) -> RecordBatch? {
    while true {
      switch state {
      case .ended: return nil
      case .prefix:
        guard let size = try takePrefix(&bytes) else { return nil }
        state = .header(GatheredBytes(size))
      case .header(var gathering):
        state = .prefix
        let isWhole = gathering.take(&bytes)
        guard isWhole else {
          state = .header(gathering)
          return nil
        }
        let message = try IPCMessage(gathering.bytes, options: options)
        guard message.bodyLength <= options.bodyBytes else {
          throw Failure(
            .data,
            "an Arrow message has a body of \(message.bodyLength) bytes, where at most \(options.bodyBytes) are allowed"
          )
        }
        state = .body(message, GatheredBytes(message.bodyLength))
      case .body(let message, var gathering):
        state = .prefix
        let isWhole = gathering.take(&bytes)
        guard isWhole else {
          state = .body(message, gathering)
          return nil
        }
        if let batch = try messages.take(message, body: gathering.bytes) { return batch }
      }
    }
  }

  /// Says that no more bytes come. Throws when they end within a message, or there was no schema.
  public func finish() throws(Failure) {
    switch state {
    case .ended: break
    case .prefix where prefix.isEmpty: break
    default: throw Failure(.data, "the Arrow stream ends within a message; it was cut off")
    }
    guard messages.schema != nil else {
      throw Failure(.data, "the Arrow stream ends before its schema; it was cut off")
    }
  }

  /// The size of the header that follows; nil: more bytes are needed, or the stream has ended.
  private mutating func takePrefix(_ bytes: inout UnsafeRawBufferPointer) throws(Failure) -> Int? {
    while true {
      let result: Result<IPCMessage.Prefix, Failure> = prefix.withUnsafeBytes { prefix in
        do throws(Failure) { return .success(try IPCMessage.prefix(prefix, options: options)) } catch {
          return .failure(error)
        }
      }
      switch try result.get() {
      case .header(let size, _):
        prefix = []
        return size
      case .end:
        state = .ended
        return nil
      case .short:
        guard let byte = bytes.first else { return nil }
        prefix.append(byte)
        bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
      }
    }
  }
}
