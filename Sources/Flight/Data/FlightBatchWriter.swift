import Arrow
import Base
import Networking

/// Writes a stream of batches as messages of Flight: the schema first, and each batch after the dictionaries that it
/// needs. Messages of metadata alone may come anywhere. One thread at a time.
///
/// The buffers of a batch are referenced until they are sent.
public struct FlightBatchWriter {
  private var encoder: IPCMessageEncoder?
  private var descriptor: FlightDescriptor?
  private let options: IPCWriteOptions

  /// - Parameter descriptor: what the stream is for; goes with the first message, whichever that is.
  public init(descriptor: FlightDescriptor? = nil, options: IPCWriteOptions = IPCWriteOptions()) {
    self.descriptor = descriptor
    self.options = options
  }

  /// The schema, once it is written.
  public var schema: IPCSchema? { encoder?.schema }

  /// Writes the schema, which all batches after it have. Once.
  ///
  /// - Throws: for a type that Arrow IPC has no form for; nothing is written then.
  public mutating func begin(
    _ schema: IPCSchema, appMetadata: [UInt8] = [], to queue: inout OutputQueue
  ) throws(Failure) {
    precondition(encoder == nil, "a stream of batches has one schema")
    let encoder = try IPCMessageEncoder(schema, options: options)
    let message = try encoder.schemaMessage()
    let head = try FlightDataEncoder.head(message, descriptor: descriptor, appMetadata: appMetadata)
    FlightDataEncoder.append(head, message, to: &queue)
    self.encoder = encoder
    descriptor = nil
  }

  /// Writes the rows that count of a batch of the schema.
  ///
  /// - Parameter appMetadata: goes with the batch's own message, not with its dictionaries'.
  /// - Throws: when the batch has no form or is too large; nothing is written then, and other batches may follow.
  public mutating func write(
    _ batch: RecordBatch, appMetadata: [UInt8] = [], to queue: inout OutputQueue
  ) throws(Failure) {
    guard var encoder else { preconditionFailure("a stream of batches begins with its schema") }
    let messages = try encoder.messages(batch)
    var heads: [[UInt8]] = []
    for (index, message) in messages.enumerated() {
      let isLast = index == messages.count - 1
      heads.append(try FlightDataEncoder.head(message, descriptor: nil, appMetadata: isLast ? appMetadata : []))
    }
    for (head, message) in zip(heads, messages) { FlightDataEncoder.append(head, message, to: &queue) }
    // Only now does the peer know of the dictionaries.
    self.encoder = encoder
  }

  /// Writes a message without a batch: metadata, the descriptor alone, or both.
  public mutating func write(appMetadata: [UInt8], to queue: inout OutputQueue) throws(Failure) {
    let head = try FlightDataEncoder.head(nil, descriptor: descriptor, appMetadata: appMetadata)
    FlightDataEncoder.append(head, nil, to: &queue)
    descriptor = nil
  }
}
