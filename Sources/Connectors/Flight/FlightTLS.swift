import Base
import Networking
import Observability

/// The certificates of a Flight connector, as its options say: `tlsAuthorities`, `tlsCertificate`, `tlsKey`, and of clients
/// `tlsServerName`. Paths of files in PEM, which are read when the connector begins, and again when they have changed.
struct FlightTLS: Sendable, Hashable {
  /// Those who vouch for the other side. Clients without it trust whom the system trusts; servers with it take only clients that show a
  /// certificate.
  var authorities: String?
  var certificate: String?
  var key: String?
  /// What the server's certificate has to be for; nil: the host that is connected to.
  var serverName: String?

  /// - Parameter isServer: whether it listens.
  init(_ options: inout ConnectorOptions, isServer: Bool) throws(Failure) {
    authorities = try Self.path("tlsAuthorities", &options)
    certificate = try Self.path("tlsCertificate", &options)
    key = try Self.path("tlsKey", &options)
    if !isServer { serverName = try Self.path("tlsServerName", &options) }
    guard (certificate == nil) == (key == nil) else {
      throw Failure(
        .usage, "\(options.place): the options 'tlsCertificate' and 'tlsKey' belong together; give both or neither")
    }
    guard !isServer || authorities == nil || certificate != nil else {
      throw Failure(
        .usage,
        "\(options.place): the option 'tlsAuthorities' says which clients may call, and without 'tlsCertificate' and 'tlsKey' there is "
          + "no TLS; give these as well")
    }
  }

  private static func path(_ name: String, _ options: inout ConnectorOptions) throws(Failure) -> String? {
    guard options.value(name) != nil else { return nil }
    return try options.requiredString(name, meaning: name == "tlsServerName" ? "a host's name" : "a file in PEM")
  }

  var isEmpty: Bool { authorities == nil && certificate == nil && key == nil && serverName == nil }

  func client(_ place: String, _ log: EventLog?) throws(Failure) -> TLSContext {
    do throws(Failure) {
      return try .client(
        authorities: authorities, certificate: certificate, key: key, protocols: ["h2"],
        report: Self.report(place, log))
    } catch { throw error.within(place) }
  }

  /// nil: bytes go in the clear.
  func server(_ place: String, _ log: EventLog?) throws(Failure) -> TLSContext? {
    guard let certificate, let key else { return nil }
    return try .server(
      certificate: certificate, key: key, clientAuthorities: authorities, protocols: ["h2"],
      report: Self.report(place, log))
  }

  /// Files that changed and cannot be used.
  private static func report(_ place: String, _ log: EventLog?) -> @Sendable (Failure) -> Void {
    { failure in log?.warning("flight.tls-files", "\(place): \(failure.message)", ["place": .string(place)]) }
  }
}
