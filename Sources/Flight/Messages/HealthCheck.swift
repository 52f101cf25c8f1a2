import Base

/// The question whether a service can be called.
/// Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
public struct HealthCheckRequest: ProtobufMessage {
  public static let protobufName = "grpc.health.v1.HealthCheckRequest"

  /// Bytes of one at most: a name.
  static let byteLimit = 4 << 10

  /// With its package; empty: the whole server.
  public var service: String

  public init() {
    self.init(service: "")
  }

  public init(service: String) {
    self.service = service
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: try field.take(&service)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, service)
  }
}

/// Whether a service can be called.
public struct HealthCheckResponse: ProtobufMessage {
  public static let protobufName = "grpc.health.v1.HealthCheckResponse"

  /// The answers. Numbers that are not known here are kept.
  public struct Status: RawRepresentable, Sendable, Hashable {
    public var rawValue: Int32

    public init(rawValue: Int32) { self.rawValue = rawValue }

    public static let unknown = Status(rawValue: 0)
    public static let serving = Status(rawValue: 1)
    public static let notServing = Status(rawValue: 2)
    /// Of the method `Watch` only; `Check` fails with NOT_FOUND.
    public static let serviceUnknown = Status(rawValue: 3)
  }

  public var status: Status

  public init() {
    self.init(status: .unknown)
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
