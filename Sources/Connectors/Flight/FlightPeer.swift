import Base
import Flight
import Networking
import Observability

/// A Flight server as a connector's options name it: `uri`, who calls, and `timeout`.
struct FlightPeer: Sendable {
  /// Who calls.
  enum Login: Sendable {
    case nobody
    case token(String)
    /// The user shakes hands, and shows the token that he is given; a server without handshakes is shown name and password.
    case user(String, password: String)
  }

  /// "source 'orders' (flight)": leads every message.
  let place: String
  let location: FlightLocation
  let login: Login
  /// For connecting, and for each call that is answered with messages. Streams of batches may take for ever.
  let timeout: Duration
  let tls: FlightTLS
  /// Where certificates that cannot be used are told.
  let log: EventLog?

  init(_ options: inout ConnectorOptions, _ log: EventLog?) throws(Failure) {
    self.log = log
    place = options.place
    let uri = try options.requiredString("uri", meaning: "the server's location, such as grpc://localhost:50051")
    do throws(Failure) { location = try FlightLocation(uri) } catch {
      throw error.within("\(options.place): option 'uri'")
    }
    tls = try FlightTLS(&options, isServer: false)
    guard location.isSecure || tls.isEmpty else {
      throw Failure(
        .usage,
        "\(place): the options 'tls…' need TLS, and '\(uri)' is in the clear; expected grpc+tls://HOST:PORT, or none of them"
      )
    }
    login = try Self.login(&options)
    timeout = .nanoseconds(try options.seconds("timeout") ?? 30_000_000_000)
  }

  private static func login(_ options: inout ConnectorOptions) throws(Failure) -> Login {
    let place = options.place
    let token = try options.string("token")
    let user = try options.string("user")
    let password = try options.string("password")
    guard token == nil || (user == nil && password == nil) else {
      throw Failure(.usage, "\(place): the option 'token' excludes 'user' and 'password'; give one of the two ways")
    }
    if let token {
      guard !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
        throw Failure(.usage, "\(place): option 'token' is empty, or not printable ASCII without spaces")
      }
      return .token(token)
    }
    guard user != nil || password != nil else { return .nobody }
    guard let user, let password, !user.isEmpty, !user.utf8.contains(0x3A) else {
      throw Failure(
        .usage, "\(place): the options 'user' and 'password' belong together, and a user's name has no colon")
    }
    return .user(user, password: password)
  }
}

/// A connector's connections to a Flight server, and to others that it names. One thread at a time, which may wait.
final class FlightSession {
  let peer: FlightPeer
  private let loop: EventLoop
  private var clients: [FlightLocation: FlightClient] = [:]
  private var credentials: FlightCredentials?
  /// nil: the server, and so those that it names, has none.
  private let tls: TLSContext?

  init(_ peer: FlightPeer) throws(Failure) {
    self.peer = peer
    tls = peer.location.isSecure ? try peer.tls.client(peer.place, peer.log) : nil
    loop = try FlightLoops.group().next()
    if case .token(let token) = peer.login { credentials = .bearer(token) }
  }

  /// The client of a server. The credentials go to every server that the first one names, as clusters of Flight have it.
  func client(at location: FlightLocation? = nil) -> FlightClient {
    let location = location ?? peer.location
    if let client = clients[location] { return client }
    var options = FlightClientOptions()
    options.transport.connectDeadline = peer.timeout
    if location.isSecure {
      options.tls = tls
      if location == peer.location { options.serverName = peer.tls.serverName }
    }
    let client = FlightClient(to: location.endpoint, on: loop, options: options)
    clients[location] = client
    return client
  }

  /// Lets connections go once their calls have ended.
  func close() {
    for client in clients.values { client.close() }
    clients = [:]
  }

  /// What goes with each call.
  ///
  /// - Parameter isStream: whether it may take for ever.
  func callOptions(isStream: Bool) throws(Failure) -> FlightCallOptions {
    var call = FlightCallOptions(timeout: isStream ? nil : peer.timeout)
    if let credentials { try call.metadata.add(FlightCredentials.metadataName, credentials.authorization) }
    return call
  }

  /// Shakes hands if that is needed.
  ///
  /// - Returns: false when the connector was stopped in the meantime.
  func logIn(_ intake: FlightIntake) throws(Failure) -> Bool {
    guard case .user(let user, let password) = peer.login, credentials == nil else { return true }
    let client = client()
    let call = FlightCallOptions(timeout: peer.timeout)
    do throws(GRPCStatus) {
      credentials = try intake.wait { () async throws(GRPCStatus) in
        try await client.handshake(user: user, password: password, call)
      }
    } catch {
      guard error.code == .unimplemented else { throw failure(error, "Handshake of the user '\(user)'") }
      credentials = .basic(user: user, password: password)
    }
    return credentials != nil
  }

  /// Calls, and waits for the answer.
  ///
  /// - Parameter what: as messages name the call: "GetFlightInfo of the path 'orders'".
  /// - Returns: nil when the connector was stopped in the meantime.
  func ask<Answer: Sendable>(
    _ what: String, _ intake: FlightIntake,
    _ body: @escaping @Sendable (FlightClient, FlightCallOptions) async throws(GRPCStatus) -> Answer
  ) throws(Failure) -> Answer? {
    guard try logIn(intake) else { return nil }
    let client = client()
    let call = try callOptions(isStream: false)
    do throws(GRPCStatus) {
      return try intake.wait { () async throws(GRPCStatus) in try await body(client, call) }
    } catch { throw failure(error, what) }
  }

  /// What a call that did not go well is for the job.
  func failure(_ status: GRPCStatus, _ what: String, at location: FlightLocation? = nil) -> Failure {
    Failure(status, at: "\(peer.place): \(location ?? peer.location), \(what)")
  }
}
