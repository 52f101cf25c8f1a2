import Base
import Networking

/// How a Flight server is offered.
public struct FlightServerOptions: Sendable {
  public var listener = ListenerOptions()
  /// A server's; nil for bytes in the clear.
  public var tls: TLSContext?
  public var connection = HTTP2ConnectionOptions()
  /// Bytes of a message at most.
  public var messageLimit = 256 << 20
  /// Bytes of a message without batches at most.
  public var smallMessageLimit = 16 << 20
  /// Bytes of heads and of messages that are not whole, of all calls together. Beyond it calls are ended with
  /// RESOURCE_EXHAUSTED: first those of which nothing has come for a second, or a message for half a minute.
  public var unfinishedLimit = 512 << 20
  /// Who may call; nil: everybody.
  public var authenticator: (any FlightAuthenticator)?

  public init() {}
}

/// A server of Arrow Flight, and of gRPC's health service.
/// Source: https://arrow.apache.org/docs/format/Flight.html
public final class FlightServer: Sendable {
  private let server: HTTP2Server
  private let memory: CallMemory
  /// What its health service answers.
  public let state: ServingState

  /// Listens at all of the endpoints, or fails. May block while names are looked up, so not on a loop's thread.
  ///
  /// - Parameter report: is told, on a loop's thread, of connections that failed.
  public init(
    _ service: any FlightService, at endpoints: [Endpoint], on group: EventLoopGroup,
    options: FlightServerOptions = FlightServerOptions(), state: ServingState = ServingState(),
    report: @escaping @Sendable (Failure) -> Void = { _ in }
  ) throws(Failure) {
    self.state = state
    let memory = CallMemory(limit: options.unfinishedLimit)
    let server = try HTTP2Server(
      at: endpoints, on: group, listener: options.listener, tls: options.tls,
      connection: options.connection, report: report,
      requests: FlightRequests(service, options, state, memory))
    self.server = server
    self.memory = memory
    memory.onTight { [weak server] in
      server?.forEachConnection { connection in
        let now = MonotonicTime.now
        for handler in connection.session.streamHandlers { (handler as? GRPCServerCall)?.endIfStale(at: now) }
      }
    }
  }

  /// Where it listens, with the port that it was given where 0 was asked for.
  public var addresses: [SocketAddress] { server.addresses }

  public var connectionCount: Int { server.connectionCount }

  /// Bytes of heads and of messages that are not whole, of all calls that are under way.
  public var unfinishedByteCount: Int { memory.byteCount }

  /// Takes no more calls, lets those that are under way end for so long, and ends the rest. Returns at once.
  ///
  /// - Parameter whenDone: called once, on any thread, when no connection is open.
  public func stop(within limit: Duration = .seconds(5), whenDone: @escaping @Sendable () -> Void = {}) {
    state.set(all: .notServing)
    server.stop(within: limit, whenDone: whenDone)
  }
}

/// Finds out what a call is for. Nothing in it changes.
private final class FlightRequests: HTTP2RequestHandler {
  private let service: any FlightService
  private let options: FlightServerOptions
  private let state: ServingState
  private let memory: CallMemory

  init(
    _ service: any FlightService, _ options: FlightServerOptions, _ state: ServingState, _ memory: CallMemory
  ) {
    self.service = service
    self.options = options
    self.state = state
    self.memory = memory
  }

  func opened(
    _ stream: HTTP2Stream, head: HTTPFields, on connection: HTTP2Connection
  ) -> (any HTTP2StreamHandler)? {
    do throws(GRPCRefusal) {
      let request = try GRPCRequestHead(head.headers)
      do throws(GRPCStatus) {
        let call = try call(request, stream, connection)
        try call.hold(head, in: memory)
        call.setDeadline(request.timeout)
        return call
      } catch {
        throw .status(error)
      }
    } catch {
      return RefusedCall(error)
    }
  }

  private func call(
    _ request: GRPCRequestHead, _ stream: HTTP2Stream, _ connection: HTTP2Connection
  ) throws(GRPCStatus) -> GRPCServerCall {
    if let method = HealthMethod(request.path) { return health(method, request, stream, connection) }
    guard let method = FlightMethod(request.path) else {
      throw GRPCStatus(.unimplemented, "there is no method '\(request.path.text)'")
    }
    if method == .handshake {
      guard let authenticator = options.authenticator else {
        throw GRPCStatus(.unimplemented, "this server takes calls of everybody, without a handshake")
      }
      return HandshakeServerCall(
        connection, stream, authenticator, request.metadata, encoding: request.encoding)
    }
    let context = FlightCallContext(
      method, peerName: connection.peerName, identity: try identity(request.metadata), metadata: request.metadata,
      deadline: request.timeout.map { .now + min($0, Int64.max / 4) })
    guard [.doGet, .doPut, .doExchange].contains(method) else {
      return message(context, request, stream, connection)
    }
    return StreamServerCall(
      connection, stream, service, context, limit: options.messageLimit, encoding: request.encoding)
  }

  /// Who calls.
  private func identity(_ metadata: GRPCMetadata) throws(GRPCStatus) -> String? {
    guard let authenticator = options.authenticator else { return nil }
    switch try FlightCredentials.of(metadata) {
    case nil:
      throw GRPCStatus(
        .unauthenticated, "the call does not say who calls; shake hands first, or send 'authorization: Bearer …'")
    case .bearer(let token):
      if let identity = authenticator.identity(token: token) { return identity }
      throw GRPCStatus(.unauthenticated, "the token is unknown, or is not good any more")
    case .basic(let user, let password):
      if authenticator.token(user: user, password: password) != nil { return user }
      throw GRPCStatus(.unauthenticated, "there is no user '\(user)' with that password")
    }
  }

  private func health(
    _ method: HealthMethod, _ request: GRPCRequestHead, _ stream: HTTP2Stream, _ connection: HTTP2Connection
  ) -> GRPCServerCall {
    let state = state
    // Everybody may ask, so that nobody may send much.
    return MessageServerCall(
      connection, stream, limit: min(options.smallMessageLimit, HealthCheckRequest.byteLimit),
      encoding: request.encoding
    ) { call, bytes throws(GRPCStatus) in
      let question = try HealthCheckRequest(message: bytes)
      switch method {
      case .check:
        call.send(try state.check(question))
        call.end(.ok)
        return {}
      case .watch:
        state.watch(question, call)
        return { state.forget(call) }
      }
    }
  }

  /// A call with one message, which the service answers in a task.
  private func message(
    _ context: FlightCallContext, _ request: GRPCRequestHead, _ stream: HTTP2Stream, _ connection: HTTP2Connection
  ) -> GRPCServerCall {
    let service = service
    return MessageServerCall(
      connection, stream, limit: options.smallMessageLimit, encoding: request.encoding
    ) { call, bytes throws(GRPCStatus) in
      let answers: @Sendable () async throws(GRPCStatus) -> [any ProtobufMessage]
      switch context.method {
      case .listFlights:
        let criteria = try Criteria(message: bytes)
        answers = { () async throws(GRPCStatus) in try await service.listFlights(criteria, context) }
      case .getFlightInfo:
        let descriptor = try FlightDescriptor(message: bytes)
        answers = { () async throws(GRPCStatus) in [try await service.flightInfo(descriptor, context)] }
      case .pollFlightInfo:
        let descriptor = try FlightDescriptor(message: bytes)
        answers = { () async throws(GRPCStatus) in [try await service.pollFlightInfo(descriptor, context)] }
      case .getSchema:
        let descriptor = try FlightDescriptor(message: bytes)
        answers = { () async throws(GRPCStatus) in [try await service.schema(descriptor, context)] }
      case .listActions: answers = { () async throws(GRPCStatus) in try await service.actionTypes(context) }
      case .doAction:
        let action = try Action(message: bytes)
        answers = { () async throws(GRPCStatus) in
          try await service.act(action, context, FlightActionResults(call: call))
          return []
        }
      case .handshake, .doGet, .doPut, .doExchange: preconditionFailure("these have calls of their own")
      }
      let task = Task {
        do throws(GRPCStatus) {
          let answers = try await answers()
          call.execute {
            for answer in answers { call.send(any: answer) }
            call.end(.ok)
          }
        } catch {
          call.execute { call.end(error) }
        }
      }
      return { task.cancel() }
    }
  }
}

extension ProtobufMessage {
  /// - Throws: INVALID_ARGUMENT when the bytes are no message.
  init(message: [UInt8]) throws(GRPCStatus) {
    do throws(Failure) { self = try Self(protobuf: message) } catch {
      throw GRPCStatus(.invalidArgument, error.message)
    }
  }
}
