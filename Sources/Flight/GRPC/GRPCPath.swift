/// What is called: `/service/method` of `:path`.
public struct GRPCPath: Sendable, Hashable {
  /// With its package: "arrow.flight.protocol.FlightService".
  public var service: String
  public var method: String

  public init(service: String, method: String) {
    self.service = service
    self.method = method
  }

  /// nil when the text is no path of a method.
  public init?(_ path: String) {
    guard path.first == "/", let slash = path.dropFirst().lastIndex(of: "/") else { return nil }
    service = String(path[path.index(after: path.startIndex)..<slash])
    method = String(path[path.index(after: slash)...])
    guard !service.isEmpty, !method.isEmpty else { return nil }
  }

  public var text: String { "/\(service)/\(method)" }
}
