import Base

/// The body of the action `CancelFlightInfo`.
/// Source: https://github.com/apache/arrow/blob/main/format/Flight.proto
public struct CancelFlightInfoRequest: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.CancelFlightInfoRequest"

  public var info: FlightInfo?

  public init() {
    self.init(info: nil)
  }

  public init(info: FlightInfo?) {
    self.info = info
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: try field.take(&info)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, info)
  }
}

/// The answer of the action `CancelFlightInfo`.
public struct CancelFlightInfoResult: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.CancelFlightInfoResult"

  /// What became of it. Numbers that are not known here are kept.
  public struct Status: RawRepresentable, Sendable, Hashable {
    public var rawValue: Int32

    public init(rawValue: Int32) { self.rawValue = rawValue }

    public static let unspecified = Status(rawValue: 0)
    public static let cancelled = Status(rawValue: 1)
    /// It may be asked again.
    public static let cancelling = Status(rawValue: 2)
    public static let notCancellable = Status(rawValue: 3)
  }

  public var status: Status

  public init() {
    self.init(status: .unspecified)
  }

  public init(status: Status) {
    self.status = status
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: field.take(&status)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, status)
  }
}

/// The body of the action `RenewFlightEndpoint`, which answers with the endpoint.
public struct RenewFlightEndpointRequest: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.RenewFlightEndpointRequest"

  public var endpoint: FlightEndpoint?

  public init() {
    self.init(endpoint: nil)
  }

  public init(endpoint: FlightEndpoint?) {
    self.endpoint = endpoint
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: try field.take(&endpoint)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, endpoint)
  }
}
