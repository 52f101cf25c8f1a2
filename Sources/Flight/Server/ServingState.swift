import Base
import Networking
import Synchronization

/// What gRPC's health service answers: whether a server serves, told again to those who watch it.
/// Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
public final class ServingState: Sendable {
  private struct State {
    var statuses: [String: HealthCheckResponse.Status]
    var watchers: [ObjectIdentifier: (service: String, call: MessageServerCall)] = [:]
  }

  private let state: Mutex<State>

  /// - Parameter services: their names; "" is the server as a whole.
  public init(services: [String] = ["", FlightMethod.service], _ status: HealthCheckResponse.Status = .serving) {
    state = Mutex(State(statuses: Dictionary(uniqueKeysWithValues: services.map { ($0, status) })))
  }

  /// Sets the status of a service, and tells those who watch it. From any thread.
  public func set(_ status: HealthCheckResponse.Status, of service: String = "") {
    let told = state.withLock { state in
      guard state.statuses[service] != status else { return [MessageServerCall]() }
      state.statuses[service] = status
      return state.watchers.values.filter { $0.service == service }.map(\.call)
    }
    for call in told { call.execute { call.send(HealthCheckResponse(status: self.status(of: service))) } }
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
    state.withLock { $0.watchers[ObjectIdentifier(call)] = (request.service, call) }
    call.send(HealthCheckResponse(status: status(of: request.service)))
  }

  func forget(_ call: MessageServerCall) {
    _ = state.withLock { $0.watchers.removeValue(forKey: ObjectIdentifier(call)) }
  }
}
