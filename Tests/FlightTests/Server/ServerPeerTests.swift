import Arrow
import Base
import Flight
import Networking
import TestSupport
import Testing
import VolleyPlan

/// Volley's server, and clients that know nothing of Flight.
@Suite("Flight server beside grpcio, curl and h2load")
struct ServerPeerTests {
  private static func server() throws -> LocalServer {
    let service = EchoService()
    service.store("a", .init(schema: IPCSchema(RecordBatch.numbers(3).schema.fields), batches: [.numbers(3)]))
    return try LocalServer(service, state: service.state)
  }

  @Test(
    "grpcio's calls", .timeLimit(.minutes(10)), arguments: ["check", "watch", "poll", "gzip", "limit", "unknown"])
  func calls(_ name: String) async throws {
    let server = try Self.server()
    let script = "\(TestEnvironment.repository)/Tests/FlightTests/Peers/calls.py"
    let peer = try await TestProcess.runAside(["python3", script, "\(server.port)", name])
    #expect(peer.status == 0 && peer.output == "\(name)\n", "\(peer.errors.suffix(3_000))")
  }

  @Test("what is none of gRPC gets an HTTP status and a sentence", .timeLimit(.minutes(10)))
  func curl() async throws {
    let server = try Self.server()
    let calls: [([String], String)] = [
      ([], "gRPC's calls are POST; this one is GET\n405 2"),
      (
        ["-d", "x"],
        "the content type is 'application/x-www-form-urlencoded', where application/grpc is expected\n415 2"
      ),
    ]
    for (arguments, expected) in calls {
      let peer = try await TestProcess.runAside(
        ["curl", "-sS", "--max-time", "600", "--http2-prior-knowledge", "-w", "%{http_code} %{http_version}"]
          + arguments
          + ["http://127.0.0.1:\(server.port)/healthz"])
      #expect(peer.status == 0 && peer.output == expected, "\(peer.output) \(peer.errors)")
    }
  }

  @Test("h2load's requests are all answered", .timeLimit(.minutes(10)))
  func load() async throws {
    let server = try Self.server()
    let folder = TemporaryFolder()
    // A HealthCheckRequest without a field.
    let body = folder.write("body", [0, 0, 0, 0, 0])
    let uri = "http://127.0.0.1:\(server.port)/grpc.health.v1.Health/Check"
    let peer = try await TestProcess.runAside(
      [
        "h2load", "-n", "20000", "-c", "10", "-m", "20", "-d", body, "-H", "content-type: application/grpc", "-H",
        "te: trailers", uri,
      ])
    #expect(peer.status == 0, "\(peer.errors)")
    let lines = peer.output.split(separator: "\n")
    #expect(
      lines.contains(
        "requests: 20000 total, 20000 started, 20000 done, 20000 succeeded, 0 failed, 0 errored, 0 timeout"),
      "\(peer.output)")
    #expect(lines.contains("status codes: 20000 2xx, 0 3xx, 0 4xx, 0 5xx"))
    // Refusals too are answers.
    let refused = try await TestProcess.runAside(["h2load", "-n", "2000", "-c", "2", "-m", "20", uri])
    #expect(refused.output.contains("status codes: 0 2xx, 0 3xx, 2000 4xx, 0 5xx"), "\(refused.output)")
  }
}
