import Base
import Networking

/// Where a Flight server is, as URIs name it.
/// Source: https://arrow.apache.org/docs/format/Flight.html#transport-implementations
struct FlightLocation: Sendable, Hashable {
  var endpoint: Endpoint

  /// Reads `grpc://HOST:PORT` or `grpc+tcp://HOST:PORT`.
  init(_ uri: String) throws(Failure) {
    let schemes = ["grpc://", "grpc+tcp://"]
    if uri.hasPrefix("grpc+tls://") || uri.hasPrefix("grpcs://") {
      throw Failure(
        .usage, "'\(uri)' asks for TLS, which the Flight connectors cannot do yet; expected grpc://HOST:PORT")
    }
    guard let scheme = schemes.first(where: { uri.hasPrefix($0) }) else {
      throw Failure(.usage, "'\(uri)' is no location of a Flight server; expected grpc://HOST:PORT")
    }
    var rest = uri.dropFirst(scheme.count)
    if rest.last == "/" { rest = rest.dropLast() }
    endpoint = try Endpoint(parsing: String(rest))
    guard !endpoint.host.isEmpty, endpoint.host != "*", endpoint.port != 0 else {
      throw Failure(.usage, "'\(uri)' names no host and port to connect to; expected grpc://HOST:PORT")
    }
  }

  /// What stands for the server that gave the location.
  static let sameServer = "arrow-flight-reuse-connection://?"
}

extension FlightLocation: CustomStringConvertible {
  var description: String { "grpc://\(endpoint)" }
}
