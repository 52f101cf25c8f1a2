import VolleyPlan

/// What of a server of Arrow Flight is read.
public enum FlightTarget: Sendable {
  /// A flight by the parts of its path, whose endpoints are read.
  case path([String])
  /// What a command gives, for instance a query, in a form of the server's own.
  case command(String)
  /// One stream, by what the server knows it by.
  case ticket(String)

  fileprivate var option: (String, JSONValue) {
    switch self {
    case .path(let parts): ("path", .array(parts.map { .string($0) }))
    case .command(let text): ("command", .string(text))
    case .ticket(let text): ("ticket", .string(text))
    }
  }
}

/// How a server of Arrow Flight is told who calls.
public enum FlightLogin: Sendable {
  case none
  case token(String)
  /// Shakes hands.
  case user(String, password: String)

  fileprivate var options: [(String, JSONValue)] {
    switch self {
    case .none: []
    case .token(let token): [("token", .string(token))]
    case .user(let user, let password): [("user", .string(user)), ("password", .string(password))]
    }
  }
}

/// TLS of a connector of Arrow Flight: paths of files in PEM, which are read again when they have changed.
public struct FlightTLS: Sendable {
  /// Who vouches for the other side: for a server's certificate, nil: whom the system trusts; of one that listens, for clients, who must show a
  /// certificate then.
  public var authorities: String?
  /// What the connector shows, with those of its issuers, and its private key: needed by one that listens, else only by servers that ask.
  public var certificate: String?
  public var key: String?
  /// What a server's certificate has to be for; nil: the host of its URI.
  public var serverName: String?

  public init(
    authorities: String? = nil, certificate: String? = nil, key: String? = nil, serverName: String? = nil
  ) {
    self.authorities = authorities
    self.certificate = certificate
    self.key = key
    self.serverName = serverName
  }

  fileprivate var options: [(String, JSONValue)] {
    let files = [
      ("tlsAuthorities", authorities), ("tlsCertificate", certificate), ("tlsKey", key), ("tlsServerName", serverName),
    ]
    return files.compactMap { name, value in value.map { (name, .string($0)) } }
  }
}

extension Source {
  /// Rows of a server of Arrow Flight.
  ///
  /// With checkpoints each row counts once if the server gives the same rows in the same order when it is asked again.
  ///
  /// - Parameters:
  ///   - uri: the server, such as "grpc://localhost:50051", or with TLS "grpc+tls://data.example:50051".
  ///   - schema: the columns to take; nil: all that there are, as the server says when the plan is built.
  ///   - live: the rows are given once only, by a stream that one subscribes to: what was given before a restart is not
  ///     asked for again.
  ///   - tls: for a URI that begins with "grpc+tls".
  public static func flight(
    _ uri: String, _ target: FlightTarget, schema: Schema? = nil, login: FlightLogin = .none, live: Bool = false,
    tls: FlightTLS = FlightTLS()
  ) -> Source {
    connector(
      "flight", schema: schema ?? .inferred,
      options: [("uri", .string(uri)), target.option] + login.options + (live ? [("live", true)] : [])
        + tls.options)
  }

  /// Rows that clients of Arrow Flight put (DoPut), many of them at a time, to the path `stream`.
  ///
  /// - Parameters:
  ///   - address: where it listens; a port of 0 is a free one, which the log tells.
  ///   - clients: after so many have put all that they have it ends; nil: when it is told to, by the action `end` with the
  ///     stream's name.
  ///   - token: what clients have to show; nil: nothing.
  ///   - tls: with a certificate and key clients come with TLS; without, in the clear.
  public static func flightListen(
    _ stream: String, at address: String = "localhost:50051", schema: Schema, clients: Int? = nil, token: String? = nil,
    tls: FlightTLS = FlightTLS()
  ) -> Source {
    connector(
      "flight-listen", schema: schema,
      options: [("address", .string(address)), ("stream", .string(stream))]
        + (clients.map { [("clients", .int(Int64($0)))] } ?? []) + (token.map { [("token", .string($0))] } ?? [])
        + tls.options)
  }
}

extension Sink {
  /// What becomes of a subscriber who reads more slowly than rows come.
  public enum SlowSubscriber: String, Sendable {
    /// The pipeline waits.
    case wait
    /// He is ended, and told why.
    case drop
  }

  /// Puts rows to a path of a server of Arrow Flight.
  ///
  /// - Parameters:
  ///   - uri: the server, such as "grpc://localhost:50051", or with TLS "grpc+tls://data.example:50051".
  ///   - path: the flight's path, in parts.
  ///   - acknowledges: the server acknowledges each message of one stream; else what was put counts as stored when the
  ///     server has ended a stream, and each pause of the input ends one.
  ///   - spool: a folder where the rows of a checkpoint wait until it is complete, when they are put: each row is stored once by
  ///     a server that keeps epochs, as the README says. nil: rows are put as they come.
  ///   - tls: for a URI that begins with "grpc+tls".
  public static func flight(
    _ uri: String, path: [String], login: FlightLogin = .none, acknowledges: Bool = false, spool: String? = nil,
    tls: FlightTLS = FlightTLS()
  ) -> Sink {
    connector(
      "flight",
      options: [("uri", .string(uri)), ("path", .array(path.map { .string($0) }))] + login.options
        + (acknowledges ? [("acknowledges", true)] : []) + (spool.map { [("spool", .string($0))] } ?? [])
        + tls.options)
  }

  /// A stream of rows that clients of Arrow Flight subscribe to: DoGet with its name as the ticket. Each gets the rows from when
  /// he subscribes.
  ///
  /// - Parameters:
  ///   - address: where it listens; a port of 0 is a free one, which the log tells. Streams at the same address share it.
  ///   - subscribers: as many are waited for before the first row.
  ///   - token: what clients have to show; nil: nothing.
  ///   - tls: with a certificate and key clients come with TLS; without, in the clear.
  public static func flightServe(
    _ stream: String, at address: String = "localhost:50051", slow: SlowSubscriber = .wait, subscribers: Int = 0,
    token: String? = nil, tls: FlightTLS = FlightTLS()
  ) -> Sink {
    connector(
      "flight-serve",
      options: [
        ("address", .string(address)), ("stream", .string(stream)), ("slow", .string(slow.rawValue)),
        ("subscribers", .int(Int64(subscribers))),
      ] + (token.map { [("token", .string($0))] } ?? []) + tls.options)
  }
}
