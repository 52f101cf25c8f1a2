import Base

/// Reads the Arrow stream format from bytes that are all in memory, of which the columns are views. One thread at a
/// time.
public struct IPCMemoryStreamReader {
  public let schema: IPCSchema
  private var messages: MessageSequence
  private var decoder: IPCDecoder

  /// Reads the schema.
  public init(
    _ bytes: SharedBytes, options: IPCReadOptions = IPCReadOptions()
  ) throws(Failure) {
    messages = MessageSequence(bytes, options: options)
    guard let (message, _) = try messages.next() else {
      throw Failure(.data, "the Arrow stream ends before its schema; it was cut off")
    }
    schema = try IPCDecoder.schema(message, options: options)
    decoder = try IPCDecoder(schema, allowsReplacement: true, options: options)
  }

  /// The next batch, nil after the last one.
  public mutating func next() throws(Failure) -> RecordBatch? {
    while let (message, body) = try messages.next() {
      if let batch = try decoder.take(message, body: body) { return batch }
    }
    return nil
  }
}

/// Messages that lie one after the other in memory.
struct MessageSequence {
  private let bytes: SharedBytes
  private let options: IPCReadOptions
  private var position = 0

  init(_ bytes: SharedBytes, options: IPCReadOptions) {
    self.bytes = bytes
    self.options = options
  }

  mutating func next() throws(Failure) -> (IPCMessage, body: SharedBytes)? {
    let rest = bytes.count - position
    if rest == 0 { return nil }
    let front = UnsafeRawBufferPointer(start: bytes.address + position, count: min(rest, 8))
    switch try IPCMessage.prefix(front, options: options) {
    case .end:
      position = bytes.count
      return nil
    case .short: throw Self.cut()
    case .header(let size, let prefix):
      guard size <= rest - prefix else { throw Self.cut() }
      let message = try IPCMessage(bytes.part(position + prefix, size), options: options)
      guard message.bodyLength <= rest - prefix - size else { throw Self.cut() }
      let body = bytes.part(position + prefix + size, message.bodyLength)
      position += prefix + size + message.bodyLength
      return (message, body)
    }
  }

  private static func cut() -> Failure { Failure(.data, "the Arrow stream ends within a message; it was cut off") }
}
