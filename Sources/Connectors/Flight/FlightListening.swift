import Base
import Networking

/// Where a connector's own server listens, as its options say: `address`, `token` and those of TLS.
struct FlightListening: Sendable, Hashable {
  var endpoint: Endpoint
  /// What callers have to show; nil: nothing.
  var token: String?
  var tls: FlightTLS

  init(_ options: inout ConnectorOptions) throws(Failure) {
    let address = try options.string("address") ?? "localhost:50051"
    do throws(Failure) { endpoint = try Endpoint(parsing: address) } catch {
      throw error.within("\(options.place): option 'address'")
    }
    tls = try FlightTLS(&options, isServer: true)
    token = try options.string("token")
    if let token, token.isEmpty || !token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
      throw Failure(.usage, "\(options.place): option 'token' is empty, or not printable ASCII without spaces")
    }
  }

  /// The option `stream`: the name of what is served there.
  static func name(_ options: inout ConnectorOptions) throws(Failure) -> String {
    try options.requiredString("stream", meaning: "the name that clients know the stream by")
  }
}
