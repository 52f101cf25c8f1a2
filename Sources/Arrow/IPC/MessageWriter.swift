import Base

/// Writes messages one after the other, each with its prefix, as streams and files have them.
/// Source: https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format
struct MessageWriter {
  private var messages: IPCMessageEncoder
  /// Bytes written so far.
  private(set) var position: Int

  /// - Parameter position: bytes that are before the first message, a multiple of 8.
  init(_ schema: IPCSchema, options: IPCWriteOptions, allowsReplacement: Bool, position: Int) throws(Failure) {
    messages = try IPCMessageEncoder(schema, options: options, allowsReplacement: allowsReplacement)
    self.position = position
  }

  var schema: IPCSchema { messages.schema }

  mutating func writeSchema(to output: inout some IPCOutput) throws(Failure) {
    _ = try write(try messages.schemaMessage(), to: &output)
  }

  /// Writes the rows that count of a batch of the schema.
  ///
  /// - Returns: where the dictionaries' messages lie, and the batch's.
  mutating func write(
    _ batch: RecordBatch, to output: inout some IPCOutput
  ) throws(Failure) -> (dictionaries: [IPCBlock], batch: IPCBlock) {
    var blocks: [IPCBlock] = []
    for message in try messages.messages(batch) { blocks.append(try write(message, to: &output)) }
    let last = blocks.removeLast()
    return (blocks, last)
  }

  /// Writes the mark that ends a stream.
  mutating func writeEnd(to output: inout some IPCOutput) throws(Failure) {
    try write([0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], to: &output)
  }

  mutating func write(_ bytes: [UInt8], to output: inout some IPCOutput) throws(Failure) {
    try bytes.withUnsafeBytesThrowing { bytes throws(Failure) in try output.write(bytes) }
    position += bytes.count
  }

  private mutating func write(
    _ message: IPCEncodedMessage, to output: inout some IPCOutput
  ) throws(Failure) -> IPCBlock {
    let start = position
    let headerLength = message.header.count + message.padding(after: start + 8 + message.header.count)
    var bytes: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
    withUnsafeBytes(of: Int32(headerLength).littleEndian) { bytes.append(contentsOf: $0) }
    bytes += message.header
    bytes.append(contentsOf: repeatElement(0, count: headerLength - message.header.count))
    try write(bytes, to: &output)
    for segment in message.segments {
      try segment.withBytes { bytes throws(Failure) in try output.write(bytes) }
      position += segment.count
      let gap = message.padding(after: segment.count)
      if gap > 0 { try write([UInt8](repeating: 0, count: gap), to: &output) }
    }
    return IPCBlock(start: start, headerLength: 8 + headerLength, bodyLength: message.bodyLength)
  }
}

extension Array where Element == UInt8 {
  /// `withUnsafeBytes` for a body that throws a failure: the library's own loses the type of the error.
  fileprivate func withUnsafeBytesThrowing(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    let result: Result<Void, Failure> = withUnsafeBytes { bytes in
      do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
    }
    try result.get()
  }
}
