import Arrow
import Base
import Flight
import Networking
import TestSupport
import Testing

/// Certificates that are good, and that are not, between our ends and those of gRPC's C++, curl and h2load.
@Suite("Flight with TLS")
struct FlightTLSTests {
  /// Which certificates one side shows, and which it trusts.
  enum Fault: String, CaseIterable, Sendable {
    /// Nothing is wrong; with the second one both sides show a certificate.
    case none, mutual
    /// The server's.
    case authority, name, expired
    /// The client shows none to a server that asks for one, or one of an authority that the server does not know.
    case anonymous, stranger
  }

  private final class World {
    let authority = TestAuthority()
    let other = TestAuthority()
    let fault: Fault

    init(_ fault: Fault) { self.fault = fault }

    lazy var server: TestAuthority.Pair =
      switch fault {
      case .name: authority.issue("server", "DNS:elsewhere.example")
      case .expired: authority.issue("server", end: "20210101000000Z")
      default: authority.issue("server")
      }
    /// Whom the client trusts.
    var trusted: String { fault == .authority ? other.certificate : authority.certificate }
    /// Whom the server asks for.
    var asked: String? { [.mutual, .anonymous, .stranger].contains(fault) ? authority.certificate : nil }
    lazy var client: TestAuthority.Pair? =
      switch fault {
      case .mutual: authority.issue("client")
      case .stranger: other.issue("client")
      default: nil
      }

    func ourServer() throws -> LocalServer {
      var options = FlightServerOptions()
      options.tls = try .server(
        certificate: server.certificate, key: server.key, clientAuthorities: asked, protocols: ["h2"],
        report: { Issue.record("\($0)") })
      return try LocalServer(EchoService(), options: options)
    }
  }

  @Test("pyarrow's client at our server", .timeLimit(.minutes(10)), arguments: Fault.allCases)
  func server(_ fault: Fault) async throws {
    let world = World(fault)
    let server = try world.ourServer()
    let script = "\(TestEnvironment.repository)/Tests/FlightTests/Peers/tls.py"
    let shown = world.client.map { [$0.certificate, $0.key] } ?? []
    let peer = try await TestProcess.runAside(
      ["python3", script, "client", "\(server.port)", world.trusted] + shown)
    #expect(peer.status == 0, "\(peer.errors.suffix(3_000))")
    switch fault {
    case .none, .mutual: #expect(peer.output == "good\n")
    default: #expect(peer.output.hasPrefix("FlightUnavailableError"), "\(peer.output)")
    }
    // Whoever is refused leaves nothing behind.
    try await eventually { server.server.connectionCount == 0 }
  }

  @Test("our client at pyarrow's server", .timeLimit(.minutes(10)), arguments: Fault.allCases)
  func client(_ fault: Fault) async throws {
    let world = World(fault)
    let peer = try await PeerProcess.python(
      "tls.py", arguments: ["server", world.server.certificate, world.server.key] + (world.asked.map { [$0] } ?? []))
    var options = FlightClientOptions()
    options.tls = try .client(
      authorities: world.trusted, certificate: world.client?.certificate, key: world.client?.key, protocols: ["h2"],
      report: { Issue.record("\($0)") })
    let loop = try ClientLoop()
    let client = FlightClient(to: Endpoint(host: "localhost", port: peer.port), on: loop.loop, options: options)
    let batches = (1...20).map { RecordBatch.numbers($0 * 1_000) }
    let call = FlightCallOptions(timeout: .seconds(600))
    let put = await client.put("a", batches, call)
    let words: [String]
    switch fault {
    case .none, .mutual:
      #expect(put.status == .ok, "\(put.status.map { "\($0)" } ?? "")")
      let got = await client.get("a", call)
      #expect(got.status == .ok && got.batches.reduce(0) { $0 + $1.length } == 210_000)
      return
    case .authority: words = ["certificate", "authority"]
    case .name: words = ["certificate", "localhost"]
    case .expired: words = ["certificate", "expired"]
    // What the server says: with TLS 1.3 only after the handshake is done for the client.
    case .anonymous, .stranger: words = []
    }
    #expect(put.status?.code == .unavailable, "\(put.status.map { "\($0)" } ?? "")")
    for word in words { #expect(put.status?.message.contains(word) == true, "\(put.status.map { "\($0)" } ?? "")") }
  }

  @Test("curl and h2load, with HTTP/2 by ALPN", .timeLimit(.minutes(10)))
  func others() async throws {
    let world = World(.none)
    let server = try world.ourServer()
    let uri = "https://localhost:\(server.port)"
    let curl = try await TestProcess.runAside([
      "curl", "-sS", "--max-time", "600", "--cacert", world.trusted, "-w", "%{http_code} %{http_version}", uri,
    ])
    #expect(curl.output == "gRPC's calls are POST; this one is GET\n405 2", "\(curl.output) \(curl.errors)")
    let distrusting = try await TestProcess.runAside(["curl", "-sS", "--max-time", "600", uri])
    #expect(distrusting.status == 60 && distrusting.output.isEmpty, "\(distrusting.output) \(distrusting.errors)")
    let body = world.authority.folder.write("body", [0, 0, 0, 0, 0])
    let load = try await TestProcess.runAside([
      "h2load", "-n", "5000", "-c", "5", "-m", "20", "-d", body, "-H", "content-type: application/grpc", "-H",
      "te: trailers", "\(uri)/grpc.health.v1.Health/Check",
    ])
    #expect(load.output.contains("5000 succeeded, 0 failed, 0 errored, 0 timeout"), "\(load.output) \(load.errors)")
  }

  @Test(
    "clients without TLS, with garbage and with certificates that are none hold up nobody", .timeLimit(.minutes(10)))
  func garbage() async throws {
    let world = World(.mutual)
    let server = try world.ourServer()
    let (seed, port) = (SeededGenerator().seed, server.port)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<UInt64(40) {
        group.addTask {
          let peer = try await TestProcess.runAside(
            ["python3", "-c", Self.garbler, "\(port)", "\(seed &+ number)"])
          #expect(peer.status == 0, "VOLLEY_TEST_SEED=\(seed): \(peer.errors)")
        }
      }
      try await group.waitForAll()
    }
    let client = try await TestProcess.runAside(
      [
        "python3", "\(TestEnvironment.repository)/Tests/FlightTests/Peers/tls.py", "client", "\(port)", world.trusted,
        world.client!.certificate, world.client!.key,
      ])
    #expect(client.output == "good\n", "\(client.output) \(client.errors)")
    try await eventually { server.server.connectionCount == 0 }
  }

  /// Sends what is no TLS, or begins as TLS does and goes on otherwise, and waits until it is sent away.
  private static let garbler = """
    import random, socket, struct, sys
    port, seed = int(sys.argv[1]), int(sys.argv[2])
    source = random.Random(seed)
    noise = lambda count: bytes(source.randrange(256) for _ in range(count))
    record = lambda kind, body: bytes([kind, 3, 3]) + struct.pack('>H', len(body)) + body
    handshake = lambda kind, body: record(22, bytes([kind]) + struct.pack('>I', len(body))[1:] + body)
    # A message Certificate with a chain of noise, as TLS 1.2 has it.
    chain = lambda body: struct.pack('>I', len(body) + 3)[1:] + struct.pack('>I', len(body))[1:] + body
    sent = source.choice([
        lambda: b'PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n', lambda: b'GET / HTTP/1.1\\r\\nhost: a\\r\\n\\r\\n', lambda: noise(5000),
        lambda: handshake(1, noise(300)), lambda: handshake(11, chain(noise(2000))), lambda: record(22, noise(16000)),
        lambda: bytes([22, 3, 1, 255, 255]) + noise(65535), lambda: record(21, noise(2)) * 1000])()
    with socket.create_connection(('localhost', port)) as peer:
        peer.settimeout(600)
        try:
            peer.sendall(sent)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(4096): pass
        except (ConnectionResetError, BrokenPipeError, OSError) as error:
            if isinstance(error, TimeoutError): raise
    """
}
