/// What a Flight server serves.
///
/// The methods that answer with messages are asynchronous and are called on any thread; their task is cancelled when the client gives
/// the call up or its deadline passes. Those with batches are called on the connection's loop, must not block, and return who gets
/// what happens on the stream. What is not implemented is answered with UNIMPLEMENTED.
public protocol FlightService: AnyObject, Sendable {
  func listFlights(_ criteria: Criteria, _ call: FlightCallContext) async throws(GRPCStatus) -> [FlightInfo]
  func flightInfo(_ descriptor: FlightDescriptor, _ call: FlightCallContext) async throws(GRPCStatus) -> FlightInfo
  /// By default the flight's information, complete.
  func pollFlightInfo(_ descriptor: FlightDescriptor, _ call: FlightCallContext) async throws(GRPCStatus) -> PollInfo
  /// By default the schema of the flight's information.
  func schema(_ descriptor: FlightDescriptor, _ call: FlightCallContext) async throws(GRPCStatus) -> SchemaResult
  func actionTypes(_ call: FlightCallContext) async throws(GRPCStatus) -> [ActionType]
  /// - Parameter results: where results go, one after the other.
  func act(_ action: Action, _ call: FlightCallContext, _ results: FlightActionResults) async throws(GRPCStatus)

  func get(_ ticket: Ticket, _ stream: FlightStream) throws(GRPCStatus) -> FlightStreamHandler
  /// The descriptor is in the first message.
  func put(_ stream: FlightStream) throws(GRPCStatus) -> FlightStreamHandler
  /// The descriptor is in the first message.
  func exchange(_ stream: FlightStream) throws(GRPCStatus) -> FlightStreamHandler
}

extension FlightService {
  public func listFlights(_ criteria: Criteria, _ call: FlightCallContext) async throws(GRPCStatus) -> [FlightInfo] {
    throw .isNotServed(call.method)
  }

  public func flightInfo(
    _ descriptor: FlightDescriptor, _ call: FlightCallContext
  ) async throws(GRPCStatus) -> FlightInfo {
    throw .isNotServed(call.method)
  }

  public func pollFlightInfo(
    _ descriptor: FlightDescriptor, _ call: FlightCallContext
  ) async throws(GRPCStatus) -> PollInfo {
    PollInfo(info: try await flightInfo(descriptor, call), progress: 1)
  }

  public func schema(
    _ descriptor: FlightDescriptor, _ call: FlightCallContext
  ) async throws(GRPCStatus) -> SchemaResult {
    SchemaResult(schema: try await flightInfo(descriptor, call).schema)
  }

  public func actionTypes(_ call: FlightCallContext) async throws(GRPCStatus) -> [ActionType] { [] }

  public func act(
    _ action: Action, _ call: FlightCallContext, _ results: FlightActionResults
  ) async throws(GRPCStatus) {
    throw GRPCStatus(.unimplemented, "there is no action '\(action.type)'; ListActions lists those that there are")
  }

  public func get(_ ticket: Ticket, _ stream: FlightStream) throws(GRPCStatus) -> FlightStreamHandler {
    throw .isNotServed(.doGet)
  }

  public func put(_ stream: FlightStream) throws(GRPCStatus) -> FlightStreamHandler { throw .isNotServed(.doPut) }

  public func exchange(_ stream: FlightStream) throws(GRPCStatus) -> FlightStreamHandler {
    throw .isNotServed(.doExchange)
  }
}

extension GRPCStatus {
  static func isNotServed(_ method: FlightMethod) -> GRPCStatus {
    GRPCStatus(.unimplemented, "this server does not serve \(method.rawValue)")
  }
}

/// Where an action's results go. From any thread, one call after the other.
public struct FlightActionResults: Sendable {
  let call: MessageServerCall

  /// Sends a result, and waits until there is room for more.
  ///
  /// - Throws: CANCELLED when nobody waits for it any more.
  public func send(_ body: [UInt8]) async throws(GRPCStatus) {
    let call = call
    let isTaken = await withCheckedContinuation { continuation in
      let isQueued = call.connection.execute {
        call.send(ActionResult(body: body)) { continuation.resume(returning: $0) }
      }
      if !isQueued { continuation.resume(returning: false) }
    }
    if !isTaken { throw GRPCStatus(.cancelled, "the client does not wait for results any more") }
  }
}
