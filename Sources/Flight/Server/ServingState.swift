import Base
import Networking

/// What gRPC's health service answers: whether a server serves, told again to those who watch it.
/// Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
public final class ServingState: Sendable {
  private struct Watcher {
    var service: String
    var call: MessageServerCall
    /// What it was told last.
    var told: HealthCheckResponse.Status?
  }

  private struct State {
    var statuses: [String: HealthCheckResponse.Status]
    var watchers: [ObjectIdentifier: Watcher] = [:]
  }

  private let state: Monitor<State>

  /// - Parameter services: their names; "" is the server as a whole.
  public init(services: [String] = ["", FlightMethod.service], _ status: HealthCheckResponse.Status = .serving) {
    state = Monitor(State(statuses: Dictionary(uniqueKeysWithValues: services.map { ($0, status) })))
  }

  /// Sets the status of a service, and tells those who watch it. From any thread.
  public func set(_ status: HealthCheckResponse.Status, of service: String = "") {
    let told = state.withLock { state in
      guard state.statuses[service] != status else { return [MessageServerCall]() }
      state.statuses[service] = status
      return state.watchers.values.filter { $0.service == service }.map(\.call)
    }
    for call in told { call.execute { self.tell(call) } }
  }

  /// Sets the status of all services.
  public func set(all status: HealthCheckResponse.Status) {
    for service in state.withLock({ Array($0.statuses.keys) }) { set(status, of: service) }
  }

  public func status(of service: String) -> HealthCheckResponse.Status {
    state.withLock { $0.statuses[service] } ?? .serviceUnknown
  }

  /// - Throws: NOT_FOUND for a service that nobody knows.
  func check(_ request: HealthCheckRequest) throws(GRPCStatus) -> HealthCheckResponse {
    let status = status(of: request.service)
    guard status != .serviceUnknown else {
      throw GRPCStatus(.notFound, "there is no service '\(request.service)'")
    }
    return HealthCheckResponse(status: status)
  }

  /// Answers now and whenever the answer changes, until the client has enough. On the call's loop.
  func watch(_ request: HealthCheckRequest, _ call: MessageServerCall) {
    state.withLock { $0.watchers[ObjectIdentifier(call)] = Watcher(service: request.service, call: call) }
    tell(call)
  }

  /// Sends what is new for a client. One that does not read is told the newest when it has room. On the call's loop.
  private func tell(_ call: MessageServerCall) {
    guard !call.isWaiting, let status = takeNews(call) else { return }
    call.send(HealthCheckResponse(status: status)) { [self] hasRoom in if hasRoom { tell(call) } }
  }

  private func takeNews(_ call: MessageServerCall) -> HealthCheckResponse.Status? {
    let id = ObjectIdentifier(call)
    return state.withLock { state in
      guard let watcher = state.watchers[id] else { return nil }
      let status = state.statuses[watcher.service] ?? .serviceUnknown
      guard status != watcher.told else { return nil }
      state.watchers[id]?.told = status
      return status
    }
  }

  func forget(_ call: MessageServerCall) {
    _ = state.withLock { $0.watchers.removeValue(forKey: ObjectIdentifier(call)) }
  }
}
