import Base
import Networking
import Synchronization

/// The connection of a client: made when it is needed, and again when the last one is over or takes no more calls.
///
/// Everything but the outer methods belongs to the loop's thread; that is what makes it `Sendable`.
final class ClientConnections: @unchecked Sendable {
  let loop: EventLoop
  private let endpoint: Endpoint
  private let options: FlightClientOptions
  private var current: HTTP2Connection?
  /// Who waits for the connection that is being made.
  private var waiting: [@Sendable (HTTP2Connection) -> Void] = []
  /// It was closed while somebody waits: they are served still.
  private var closesWhenMade = false

  init(_ endpoint: Endpoint, _ loop: EventLoop, _ options: FlightClientOptions) {
    self.endpoint = endpoint
    self.loop = loop
    self.options = options
  }

  func close() {
    loop.execute { [self] in
      current?.drain()
      current = nil
      closesWhenMade = !waiting.isEmpty
    }
  }

  /// Begins a call. From any thread.
  ///
  /// - Parameters:
  ///   - make: makes the call, on the loop. It is ended when it cannot begin.
  ///   - began: is given the call when its head is sent.
  /// - Returns: false when the loop has ended: then nothing is called.
  func begin<Call: GRPCClientCall>(
    _ path: GRPCPath, _ call: FlightCallOptions, make: @escaping @Sendable (HTTP2Connection) -> Call,
    began: @escaping @Sendable (Call) -> Void
  ) -> Bool {
    loop.execute { [self] in
      withConnection { connection in
        let made = make(connection)
        // Whoever waits for it may have given it up already.
        guard !made.isOver else { return }
        do throws(Failure) {
          try made.begin(try self.head(path, call), isSecure: connection.isSecure)
        } catch {
          return made.end(GRPCStatus(error))
        }
        began(made)
      }
    }
  }

  private func head(_ path: GRPCPath, _ call: FlightCallOptions) throws(Failure) -> GRPCRequestHead {
    var metadata = call.metadata
    if let credentials = options.credentials, metadata.text(FlightCredentials.metadataName) == nil {
      try metadata.add(FlightCredentials.metadataName, credentials.authorization)
      // Where Arrow's servers look for tokens that they gave in a handshake's message.
      if case .bearer(let token) = credentials, metadata.bytes(Self.tokenName) == nil {
        try metadata.add(Self.tokenName, bytes: Array(token.utf8))
      }
    }
    return GRPCRequestHead(
      path, authority: endpoint.description, timeout: call.timeout?.wholeNanoseconds, metadata: metadata)
  }

  private static let tokenName = "auth-token-bin"

  private func withConnection(_ body: @escaping @Sendable (HTTP2Connection) -> Void) {
    if let current, current.takesRequests { return body(current) }
    current = nil
    waiting.append(body)
    guard waiting.count == 1 else { return }
    HTTP2Client.connect(
      to: endpoint, on: loop, transport: options.transport, tls: options.tls,
      serverName: options.serverName, options: options.connection,
      ready: { [self] connection in
        current = connection
        let waited = waiting
        waiting = []
        for body in waited { body(connection) }
        guard closesWhenMade else { return }
        closesWhenMade = false
        if current === connection { current = nil }
        connection.drain()
      },
      onClosed: { [self] connection, _ in
        if current === connection { current = nil }
      })
  }
}

/// Lets a task's cancellation, which comes on any thread and at any time, end its call.
final class CallEnding: Sendable {
  private struct State {
    var call: GRPCClientCall?
    var isCancelled = false
  }

  private let state = Mutex(State())

  func set(_ call: GRPCClientCall) {
    let isLate = state.withLock { state in
      state.call = call
      return state.isCancelled
    }
    if isLate { Self.cancel(call) }
  }

  func cancel() {
    let call = state.withLock { state in
      state.isCancelled = true
      return state.call
    }
    if let call { Self.cancel(call) }
  }

  private static func cancel(_ call: GRPCClientCall) {
    call.execute { call.end(GRPCStatus(.cancelled, "the caller does not wait any more")) }
  }
}
