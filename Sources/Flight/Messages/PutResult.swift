import Base

/// A server's acknowledgement of what it was sent by DoPut.
/// Source: https://github.com/apache/arrow/blob/main/format/Flight.proto
public struct PutResult: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.PutResult"

  /// In a form of the server's own.
  public var appMetadata: [UInt8]

  public init() {
    self.init(appMetadata: [])
  }

  public init(appMetadata: [UInt8]) {
    self.appMetadata = appMetadata
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: field.take(&appMetadata)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, appMetadata)
  }
}
