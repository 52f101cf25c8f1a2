import Arrow

/// A message of a stream of batches, as it came.
/// Source: https://github.com/apache/arrow/blob/main/format/Flight.proto, `FlightData`
public struct FlightData: Sendable {
  /// Of a client's first message only.
  public var descriptor: FlightDescriptor?
  /// The FlatBuffer `Message` of Arrow IPC; nil when the message has none, and so is all metadata.
  public var header: SharedBytes?
  /// In a form of the two peers' own; empty when there is none.
  public var appMetadata: [UInt8]
  /// The body that the header speaks of, 64-byte aligned; empty when there is none.
  public var body: SharedBytes

  public init(
    descriptor: FlightDescriptor? = nil, header: SharedBytes? = nil, appMetadata: [UInt8] = [],
    body: SharedBytes = .empty
  ) {
    self.descriptor = descriptor
    self.header = header
    self.appMetadata = appMetadata
    self.body = body
  }

  /// The numbers of the fields.
  enum Number {
    static let descriptor = 1
    static let header = 2
    static let appMetadata = 3
    static let body = 1000
  }
}
