import Base

/// What a client says to make itself known.
/// Source: https://github.com/apache/arrow/blob/main/format/Flight.proto
public struct HandshakeRequest: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.HandshakeRequest"

  public var protocolVersion: UInt64
  /// Whatever the two have agreed on; of ``BasicAuth`` in the oldest clients.
  public var payload: [UInt8]

  public init() {
    self.init(protocolVersion: 0)
  }

  public init(protocolVersion: UInt64, payload: [UInt8] = []) {
    self.protocolVersion = protocolVersion
    self.payload = payload
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: field.take(&protocolVersion)
    case 2: field.take(&payload)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, protocolVersion)
    writer.write(2, payload)
  }
}

/// What a server answers.
public struct HandshakeResponse: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.HandshakeResponse"

  public var protocolVersion: UInt64
  /// A token, for instance.
  public var payload: [UInt8]

  public init() {
    self.init(protocolVersion: 0)
  }

  public init(protocolVersion: UInt64, payload: [UInt8] = []) {
    self.protocolVersion = protocolVersion
    self.payload = payload
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: field.take(&protocolVersion)
    case 2: field.take(&payload)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, protocolVersion)
    writer.write(2, payload)
  }
}

/// A name and a password, within a handshake's payload.
public struct BasicAuth: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.BasicAuth"

  public var username: String
  public var password: String

  public init() {
    self.init(username: "")
  }

  public init(username: String, password: String = "") {
    self.username = username
    self.password = password
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 2: try field.take(&username)
    case 3: try field.take(&password)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(2, username)
    writer.write(3, password)
  }
}
