import Base
import Networking

/// How a Flight client calls.
public struct FlightClientOptions: Sendable {
  public var transport = ConnectionOptions()
  /// A client's; nil for bytes in the clear.
  public var tls: TLSContext?
  /// What the server's certificate has to be for; nil: the endpoint's host.
  public var serverName: String?
  public var connection = HTTP2ConnectionOptions()
  /// Bytes of a message with batches at most.
  public var messageLimit = 256 << 20
  /// Bytes of all answers of a call without batches at most.
  public var answerLimit = 64 << 20
  /// What every call says of who calls.
  public var credentials: FlightCredentials?

  public init() {
    // Servers of gRPC end the connections of clients that send PING frames more often than every five minutes while no data
    // flow. Machines and networks that are gone are noticed by TCP's keepalive.
    connection.pingAfter = .seconds(330)
    // A burst of calls may come before the server has said how many it takes at a time.
    connection.session.maxWaitingRequests = 100_000
  }

  fileprivate var shared: SharedConnection.Options {
    var shared = SharedConnection.Options()
    shared.transport = transport
    shared.tls = tls
    shared.serverName = serverName
    shared.connection = connection
    return shared
  }
}

/// What goes with one call.
public struct FlightCallOptions: Sendable {
  /// How long the whole call may take; nil: for ever.
  public var timeout: Duration?
  public var metadata = GRPCMetadata()

  public init(timeout: Duration? = nil, metadata: GRPCMetadata = GRPCMetadata()) {
    self.timeout = timeout
    self.metadata = metadata
  }
}

/// A client of Arrow Flight: one connection, which is made when it is needed, and made again after it broke.
///
/// May be used from any thread; all calls run on one loop.
public final class FlightClient: Sendable {
  public let endpoint: Endpoint
  private let calls: ClientCalls
  private let options: FlightClientOptions

  public init(to endpoint: Endpoint, on loop: EventLoop, options: FlightClientOptions = FlightClientOptions()) {
    self.endpoint = endpoint
    self.options = options
    calls = ClientCalls(SharedConnection(to: endpoint, on: loop, options: options.shared), options.credentials)
  }

  deinit { calls.close() }

  public var loop: EventLoop { calls.loop }

  /// Lets calls that are under way end, and closes the connection. A later call makes a new one.
  public func close() { calls.close() }

  // MARK: Calls with messages

  public func listFlights(
    _ criteria: Criteria = Criteria(), _ call: FlightCallOptions = FlightCallOptions()
  ) async throws(GRPCStatus) -> [FlightInfo] {
    try await answers(FlightMethod.listFlights.path, criteria, call)
  }

  public func flightInfo(
    _ descriptor: FlightDescriptor, _ call: FlightCallOptions = FlightCallOptions()
  ) async throws(GRPCStatus) -> FlightInfo {
    try await answer(FlightMethod.getFlightInfo.path, descriptor, call)
  }

  public func pollFlightInfo(
    _ descriptor: FlightDescriptor, _ call: FlightCallOptions = FlightCallOptions()
  ) async throws(GRPCStatus) -> PollInfo {
    try await answer(FlightMethod.pollFlightInfo.path, descriptor, call)
  }

  public func schema(
    _ descriptor: FlightDescriptor, _ call: FlightCallOptions = FlightCallOptions()
  ) async throws(GRPCStatus) -> SchemaResult {
    try await answer(FlightMethod.getSchema.path, descriptor, call)
  }

  public func actionTypes(
    _ call: FlightCallOptions = FlightCallOptions()
  ) async throws(GRPCStatus) -> [ActionType] {
    try await answers(FlightMethod.listActions.path, Empty(), call)
  }

  public func act(
    _ action: Action, _ call: FlightCallOptions = FlightCallOptions()
  ) async throws(GRPCStatus) -> [ActionResult] {
    try await answers(FlightMethod.doAction.path, action, call)
  }

  /// Whether a service of the server serves; "" asks for the server as a whole.
  public func health(
    of service: String = "", _ call: FlightCallOptions = FlightCallOptions()
  ) async throws(GRPCStatus) -> HealthCheckResponse.Status {
    let answer: HealthCheckResponse = try await answer(
      HealthMethod.check.path, HealthCheckRequest(service: service), call)
    return answer.status
  }

  /// Shakes hands.
  ///
  /// - Returns: the token that the server gave for user and password, to be sent with later calls.
  public func handshake(
    user: String, password: String, _ call: FlightCallOptions = FlightCallOptions()
  ) async throws(GRPCStatus) -> FlightCredentials {
    var call = call
    do throws(Failure) {
      try call.metadata.add(
        FlightCredentials.metadataName, FlightCredentials.basic(user: user, password: password).authorization)
    } catch {
      throw GRPCStatus(.invalidArgument, error.message)
    }
    let request = HandshakeRequest(
      protocolVersion: 0, payload: BasicAuth(username: user, password: password).serialized())
    let answer = try await exchange(FlightMethod.handshake.path, request, call)
    if let text = answer.metadata.text(FlightCredentials.metadataName),
      let credentials = FlightCredentials(authorization: text)
    {
      return credentials
    }
    guard let message = answer.messages.first else {
      throw GRPCStatus(.internal, "\(endpoint) took the handshake, and gave no token")
    }
    return .bearer(String(decoding: try HandshakeResponse(answer: message).payload, as: UTF8.self))
  }

  private func answers<Answer: ProtobufMessage>(
    _ path: GRPCPath, _ message: some ProtobufMessage, _ call: FlightCallOptions
  ) async throws(GRPCStatus) -> [Answer] {
    var answers: [Answer] = []
    for message in try await exchange(path, message, call).messages { answers.append(try Answer(answer: message)) }
    return answers
  }

  private func answer<Answer: ProtobufMessage>(
    _ path: GRPCPath, _ message: some ProtobufMessage, _ call: FlightCallOptions
  ) async throws(GRPCStatus) -> Answer {
    let answers: [Answer] = try await answers(path, message, call)
    guard answers.count == 1 else {
      throw GRPCStatus(.internal, "\(endpoint) gave \(answers.count) answers to \(path.method), where one is expected")
    }
    return answers[0]
  }

  /// One message for any number. A task that is cancelled gives the call up.
  private func exchange(
    _ path: GRPCPath, _ message: some ProtobufMessage, _ call: FlightCallOptions
  ) async throws(GRPCStatus) -> MessageClientCall.Answer {
    let bytes = message.serialized()
    let ending = CallEnding()
    let deadline = call.timeout.map { MonotonicTime.now + $0.wholeNanoseconds }
    let result: Result<MessageClientCall.Answer, GRPCStatus> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        exchange(path, bytes, call, ending, deadline, tries: Self.tries) { continuation.resume(returning: $0) }
      }
    } onCancel: {
      ending.cancel()
    }
    return try result.get()
  }

  /// How often a call with messages is made in all, as long as the server says that it has not begun with it
  /// (gRPC's "transparent retries").
  static let tries = 3

  private func exchange(
    _ path: GRPCPath, _ bytes: [UInt8], _ call: FlightCallOptions, _ ending: CallEnding, _ deadline: MonotonicTime?,
    tries: Int, _ finish: @escaping @Sendable (Result<MessageClientCall.Answer, GRPCStatus>) -> Void
  ) {
    let limit = options.answerLimit
    var call = call
    call.timeout = deadline.map { .nanoseconds(max(0, $0 - .now)) }
    let again = call
    let isRunning = calls.begin(path, call) { connection in
      let made = MessageClientCall(connection, limit: limit) { [self] result, isUnprocessed in
        guard isUnprocessed, tries > 1 else { return finish(result) }
        exchange(path, bytes, again, ending, deadline, tries: tries - 1, finish)
      }
      ending.set(made)
      return made
    } began: { call in
      call.append { GRPCMessages.append(bytes, to: &$0) }
      call.endOutput()
    }
    guard !isRunning else { return }
    finish(.failure(GRPCStatus(.unavailable, "the client's loop '\(calls.loop.name)' has ended")))
  }

  // MARK: Streams of batches

  /// - Parameter make: makes the stream's handler, on the loop, before anything is sent.
  /// - Returns: false when the loop has ended: then `make` is never called.
  @discardableResult
  public func get(
    _ ticket: Ticket, _ call: FlightCallOptions = FlightCallOptions(),
    _ make: @escaping @Sendable (FlightStream) -> FlightStreamHandler
  ) -> Bool {
    stream(.doGet, call, make) { call in
      call.append { GRPCMessages.append(ticket, to: &$0) }
      call.endOutput()
    }
  }

  /// As ``get(_:_:_:)``. The descriptor goes with the first message: see ``FlightBatchWriter``.
  @discardableResult
  public func put(
    _ call: FlightCallOptions = FlightCallOptions(), _ make: @escaping @Sendable (FlightStream) -> FlightStreamHandler
  ) -> Bool {
    stream(.doPut, call, make) { _ in }
  }

  /// As ``get(_:_:_:)``. The descriptor goes with the first message: see ``FlightBatchWriter``.
  @discardableResult
  public func exchange(
    _ call: FlightCallOptions = FlightCallOptions(), _ make: @escaping @Sendable (FlightStream) -> FlightStreamHandler
  ) -> Bool {
    stream(.doExchange, call, make) { _ in }
  }

  private func stream(
    _ method: FlightMethod, _ call: FlightCallOptions,
    _ make: @escaping @Sendable (FlightStream) -> FlightStreamHandler,
    _ began: @escaping @Sendable (StreamClientCall) -> Void
  ) -> Bool {
    let limit = options.messageLimit
    let deadline = call.timeout.map { MonotonicTime.now + $0.wholeNanoseconds }
    return calls.begin(method.path, call) { connection in
      let context = FlightCallContext(
        method, peerName: connection.peerName, metadata: call.metadata, deadline: deadline)
      return StreamClientCall(connection, context, limit: limit, make)
    } began: { (call: StreamClientCall) in
      began(call)
      call.started()
    }
  }
}

extension ProtobufMessage {
  /// - Throws: INTERNAL when what a server answered is no message.
  fileprivate init(answer: [UInt8]) throws(GRPCStatus) {
    do throws(Failure) { self = try Self(protobuf: answer) } catch { throw GRPCStatus(.internal, error.message) }
  }
}
