/// The methods of Flight.
/// Source: https://github.com/apache/arrow/blob/main/format/Flight.proto
public enum FlightMethod: String, Sendable, Hashable, CaseIterable {
  case handshake = "Handshake"
  case listFlights = "ListFlights"
  case getFlightInfo = "GetFlightInfo"
  case pollFlightInfo = "PollFlightInfo"
  case getSchema = "GetSchema"
  case doGet = "DoGet"
  case doPut = "DoPut"
  case doExchange = "DoExchange"
  case doAction = "DoAction"
  case listActions = "ListActions"

  public static let service = "arrow.flight.protocol.FlightService"

  /// nil when the path is of another service, or the service has no such method.
  public init?(_ path: GRPCPath) {
    guard path.service == Self.service else { return nil }
    self.init(rawValue: path.method)
  }

  public var path: GRPCPath { GRPCPath(service: Self.service, method: rawValue) }

  /// Whether the client sends any number of messages, rather than one.
  public var streamsRequests: Bool {
    switch self {
    case .handshake, .doPut, .doExchange: true
    default: false
    }
  }

  /// Whether the server answers with any number of messages, rather than one.
  public var streamsResponses: Bool {
    switch self {
    case .getFlightInfo, .pollFlightInfo, .getSchema: false
    default: true
    }
  }
}

/// The methods of gRPC's own health service.
/// Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
public enum HealthMethod: String, Sendable, Hashable, CaseIterable {
  case check = "Check"
  /// Answers again whenever the answer changes.
  case watch = "Watch"

  public static let service = "grpc.health.v1.Health"

  /// nil when the path is of another service, or the service has no such method.
  public init?(_ path: GRPCPath) {
    guard path.service == Self.service else { return nil }
    self.init(rawValue: path.method)
  }

  public var path: GRPCPath { GRPCPath(service: Self.service, method: rawValue) }
}
