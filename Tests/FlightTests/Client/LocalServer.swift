import Base
import Flight
import Networking
import TestSupport

/// A server in this process, with loops of its own that end with it.
final class LocalServer: Sendable {
  let group: EventLoopGroup
  let server: FlightServer

  init(
    _ service: some FlightService, port: UInt16 = 0, options: FlightServerOptions = FlightServerOptions(),
    state: ServingState = ServingState()
  ) throws {
    group = try EventLoopGroup(name: "server", count: 2)
    server = try FlightServer(
      service, at: [Endpoint(host: "127.0.0.1", port: port)], on: group, options: options, state: state)
  }

  deinit { group.stop() }

  var port: UInt16 { server.addresses[0].port }
  var endpoint: Endpoint { Endpoint(host: "127.0.0.1", port: port) }

  /// Returns when no connection is open.
  func stop() async {
    // As long as a test may take: on a busy machine five seconds pass between two of its lines.
    await withCheckedContinuation { continuation in server.stop(within: .seconds(600)) { continuation.resume() } }
  }
}

/// A loop for clients, which ends with this.
final class ClientLoop: Sendable {
  let loop: EventLoop
  init() throws { loop = try EventLoop(name: "client") }
  deinit { loop.stop() }
}

/// Returns when something is so: for what nobody tells. The test's time limit ends it.
func eventually(_ condition: () -> Bool) async throws {
  // Asks again after a moment, to leave the processor to those who are waited for.
  while !condition() { try await Task.sleep(for: .milliseconds(1)) }
}
