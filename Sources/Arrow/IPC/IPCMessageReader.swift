import Base

/// Makes batches of messages, of which the first has the schema, and which come in their order. What a stream and
/// everything else that carries messages one by one, such as Flight, have in common. One thread at a time.
public struct IPCMessageReader {
  private var decoder: IPCDecoder?
  private let options: IPCReadOptions

  public init(options: IPCReadOptions = IPCReadOptions()) { self.options = options }

  /// The schema, once its message has been taken.
  public var schema: IPCSchema? { decoder?.schema }

  /// Takes a message that comes without the stream's prefix.
  ///
  /// - Parameters:
  ///   - header: the FlatBuffer `Message`.
  ///   - body: of which the columns are views, where it is aligned as they need.
  /// - Returns: nil for the schema, and for a dictionary, which is kept for the batches that follow.
  public mutating func take(header: SharedBytes, body: SharedBytes) throws(Failure) -> RecordBatch? {
    guard header.count <= options.headerBytes else {
      throw Failure(
        .data,
        "the header of an Arrow message has \(header.count) bytes, where at most \(options.headerBytes) are allowed")
    }
    let message = try IPCMessage(header, options: options)
    guard message.bodyLength <= body.count else {
      throw Failure(
        .data, "an Arrow message says to have a body of \(message.bodyLength) bytes, and came with \(body.count)")
    }
    return try take(message, body: body.part(0, message.bodyLength))
  }

  mutating func take(_ message: IPCMessage, body: SharedBytes) throws(Failure) -> RecordBatch? {
    // In place: a copy of the decoder would be one of its dictionaries.
    if decoder != nil { return try decoder?.take(message, body: body) }
    let schema = try IPCDecoder.schema(message, options: options)
    decoder = try IPCDecoder(schema, allowsReplacement: true, options: options)
    return nil
  }
}
