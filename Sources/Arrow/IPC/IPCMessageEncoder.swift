import Base
import VolleyPlan

/// Makes the messages of a schema and its batches, with the batches' dictionaries in front of them. What streams, files
/// and everything else that carries messages one by one, such as Flight, have in common. One thread at a time.
public struct IPCMessageEncoder {
  public let schema: IPCSchema
  let alignment: Int
  private let compression: IPCCompression?
  private var dictionaries: DictionaryTracker

  /// - Parameter allowsReplacement: whether a dictionary may be told anew when its values change; a file may not.
  public init(
    _ schema: IPCSchema, options: IPCWriteOptions = IPCWriteOptions(), allowsReplacement: Bool = true
  ) throws(Failure) {
    self.schema = schema
    alignment = options.alignment
    compression = try IPCCompression(options)
    dictionaries = DictionaryTracker(allowsReplacement: allowsReplacement)
  }

  /// The first message.
  public func schemaMessage() throws(Failure) -> IPCEncodedMessage {
    try IPCEncodedMessage(.schema, try schema.flat(), alignment: alignment)
  }

  /// The messages of the rows that count of a batch of the schema: dictionaries that are new, have grown or have
  /// changed, then the batch. All of them are to be sent, or what follows cannot be read.
  public mutating func messages(_ batch: RecordBatch) throws(Failure) -> [IPCEncodedMessage] {
    precondition(batch.schema.fields == schema.fields, "a batch has the fields of what it is written to")
    let known = dictionaries
    do throws(Failure) { return try encode(batch.compacted()) } catch {
      // Nothing of the batch will be sent.
      dictionaries = known
      throw error
    }
  }

  private mutating func encode(_ batch: RecordBatch) throws(Failure) -> [IPCEncodedMessage] {
    var messages: [IPCEncodedMessage] = []
    for change in try dictionaries.changes(batch) {
      let body = try BatchEncoder(
        [change.values], length: change.values.length, alignment: alignment, compression: compression)
      let content: FlatFields = [
        (0, .int64(Int64(change.number))), (1, .table(body.flat)), (2, .bool(change.isDelta)),
      ]
      messages.append(try message(.dictionary, content, body))
    }
    let body = try BatchEncoder(batch.columns, length: batch.length, alignment: alignment, compression: compression)
    messages.append(try message(.batch, body.flat, body))
    return messages
  }

  private func message(
    _ kind: IPCEncodedMessage.Kind, _ content: FlatFields, _ body: BatchEncoder
  ) throws(Failure) -> IPCEncodedMessage {
    try IPCEncodedMessage(kind, content, body.segments, bodyLength: body.bodyLength, alignment: alignment)
  }
}
