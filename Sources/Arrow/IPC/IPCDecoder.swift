import Base
import VolleyPlan

/// Makes batches of messages, which must come in their order. What streams and files have in common.
struct IPCDecoder {
  /// What the schema message said.
  let schema: IPCSchema
  private let batchSchema: Schema
  private var dictionaries: DictionaryStore
  private let coders: IPCCoders
  private let options: IPCReadOptions

  init(
    _ schema: IPCSchema, allowsReplacement: Bool, options: IPCReadOptions
  ) throws(Failure) {
    self.schema = schema
    batchSchema = Schema(schema.fields)
    dictionaries = try DictionaryStore(schema, allowsReplacement: allowsReplacement)
    coders = IPCCoders(options)
    self.options = options
  }

  /// The schema of the first message of a stream.
  static func schema(_ message: IPCMessage, options: IPCReadOptions) throws(Failure) -> IPCSchema {
    guard message.kind == .schema else {
      throw Failure(.data, "the Arrow stream begins with a \(message.kind) message, where the schema is expected")
    }
    return try IPCSchema(flat: message.header, options: options)
  }

  /// The batch of a message, nil for the batch of a dictionary, which is kept for those that follow.
  mutating func take(_ message: IPCMessage, body: SharedBytes) throws(Failure) -> RecordBatch? {
    switch message.kind {
    case .schema: throw Failure(.data, "the Arrow data holds a second schema; write each to a stream of its own")
    case .dictionary:
      try dictionaries.add(message.header, body: body, coders: coders, options: options)
      return nil
    case .batch: return try batch(message, body: body)
    }
  }

  /// The batch of a message that is one.
  mutating func batch(_ message: IPCMessage, body: SharedBytes) throws(Failure) -> RecordBatch {
    var decoder = try BatchDecoder(
      message.header, body: body, dictionaries: try dictionaries.values(), coders: coders, options: options)
    let columns = try decoder.columns(schema.fields, schema.annotations)
    return RecordBatch(schema: batchSchema, columns: columns, length: decoder.length)
  }
}
