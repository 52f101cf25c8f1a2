import Arrow
import Base

/// Makes a schema and batches of the messages of a stream. The columns are views of the messages' bodies, and checked:
/// whatever a peer sends, no kernel reads outside of them. One thread at a time.
public struct FlightBatchReader {
  /// What a message is.
  public enum Element: Sendable {
    case schema(IPCSchema, appMetadata: [UInt8])
    case batch(RecordBatch, appMetadata: [UInt8])
    /// A message without a batch.
    case appMetadata([UInt8])
  }

  private var messages: IPCMessageReader
  /// What the stream is for, as the first message told.
  public private(set) var descriptor: FlightDescriptor?
  private var isFirst = true

  /// What is taken from a peer of whom nothing is known: less than of files.
  public static var defaultOptions: IPCReadOptions {
    var options = IPCReadOptions()
    // A schema of 10,000 columns takes about 2 MiB, and what is made of a hostile one up to a hundred times its bytes.
    options.headerBytes = 4 << 20
    options.bodyBytes = 1 << 30
    options.dictionaryBytes = 256 << 20
    return options
  }

  public init(options: IPCReadOptions = defaultOptions) { messages = IPCMessageReader(options: options) }

  /// The schema, once it has come.
  public var schema: IPCSchema? { messages.schema }

  /// Takes the next message. nil for one that only tells of the descriptor or of a dictionary.
  ///
  /// - Throws: `data` for what is damaged or not allowed; the reader is good for nothing then.
  public mutating func take(_ data: FlightData) throws(Failure) -> Element? {
    // A descriptor on a later message has no meaning.
    if isFirst { descriptor = data.descriptor }
    isFirst = false
    guard let header = data.header, header.count > 0 else {
      return data.appMetadata.isEmpty ? nil : .appMetadata(data.appMetadata)
    }
    let hadSchema = messages.schema != nil
    if let batch = try messages.take(header: header, body: data.body) {
      return .batch(batch, appMetadata: data.appMetadata)
    }
    guard !hadSchema, let schema = messages.schema else {
      return data.appMetadata.isEmpty ? nil : .appMetadata(data.appMetadata)
    }
    return .schema(schema, appMetadata: data.appMetadata)
  }
}
