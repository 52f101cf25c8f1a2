import Base
import Networking

/// Begins a client's calls on its connection.
final class ClientCalls: Sendable {
  private let connection: SharedConnection
  private let credentials: FlightCredentials?

  init(_ connection: SharedConnection, _ credentials: FlightCredentials?) {
    self.connection = connection
    self.credentials = credentials
  }

  var loop: EventLoop { connection.loop }

  func close() { connection.close() }

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
    connection.use { [self] connection in
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

  private func head(_ path: GRPCPath, _ call: FlightCallOptions) throws(Failure) -> GRPCRequestHead {
    var metadata = call.metadata
    if let credentials, metadata.text(FlightCredentials.metadataName) == nil {
      try metadata.add(FlightCredentials.metadataName, credentials.authorization)
      // Where Arrow's servers look for tokens that they gave in a handshake's message.
      if case .bearer(let token) = credentials, metadata.bytes(Self.tokenName) == nil {
        try metadata.add(Self.tokenName, bytes: Array(token.utf8))
      }
    }
    return GRPCRequestHead(
      path, authority: connection.endpoint.description, timeout: call.timeout?.wholeNanoseconds, metadata: metadata)
  }

  private static let tokenName = "auth-token-bin"
}

/// Lets a task's cancellation, which comes on any thread and at any time, end its call.
final class CallEnding: Sendable {
  private struct State {
    var call: GRPCClientCall?
    var isCancelled = false
  }

  private let state = Monitor(State())

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
