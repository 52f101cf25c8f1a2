import Base
import Networking

/// Where a Flight server is, as URIs name it.
/// Source: https://arrow.apache.org/docs/format/Flight.html#transport-implementations
struct FlightLocation: Sendable, Hashable {
  var endpoint: Endpoint
  /// Whether it has TLS.
  var isSecure: Bool

  private static let expected = "expected grpc://HOST:PORT, or grpc+tls://HOST:PORT"

  /// Reads `grpc://HOST:PORT`, `grpc+tcp://HOST:PORT` or `grpc+tls://HOST:PORT`.
  init(_ uri: String) throws(Failure) {
    let schemes = ["grpc://", "grpc+tcp://", "grpc+tls://"]
    guard let scheme = schemes.first(where: { uri.hasPrefix($0) }) else {
      throw Failure(.usage, "'\(uri)' is no location of a Flight server; \(Self.expected)")
    }
    isSecure = scheme == "grpc+tls://"
    var rest = uri.dropFirst(scheme.count)
    if rest.last == "/" { rest = rest.dropLast() }
    endpoint = try Endpoint(parsing: String(rest))
    guard !endpoint.host.isEmpty, endpoint.host != "*", endpoint.port != 0 else {
      throw Failure(.usage, "'\(uri)' names no host and port to connect to; \(Self.expected)")
    }
  }

  /// What stands for the server that gave the location.
  static let sameServer = "arrow-flight-reuse-connection://?"
}

extension FlightLocation: CustomStringConvertible {
  var description: String { "\(isSecure ? "grpc+tls" : "grpc")://\(endpoint)" }
}
