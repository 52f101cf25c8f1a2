import Base

/// A schema's message alone, as it begins a stream: what Flight calls a schema.
/// Source: https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format
extension IPCSchema {
  public func encapsulated() throws(Failure) -> [UInt8] {
    var output = IPCBytes()
    var writer = try MessageWriter(
      self, options: IPCWriteOptions(alignment: 8), allowsReplacement: true, position: 0)
    try writer.writeSchema(to: &output)
    return output.bytes
  }

  /// - Throws: `data` when the bytes are not the message of a schema.
  public init(encapsulated bytes: [UInt8], options: IPCReadOptions = IPCReadOptions()) throws(Failure) {
    let copy = bytes.withUnsafeBytes { SharedBytes(copying: $0) }
    var messages = MessageSequence(copy, options: options)
    guard let (message, _) = try messages.next() else {
      throw Failure(.data, "the message of an Arrow schema is expected, and there are no bytes of one")
    }
    self = try IPCDecoder.schema(message, options: options)
  }
}
