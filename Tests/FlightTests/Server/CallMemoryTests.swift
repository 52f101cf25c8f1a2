import Arrow
import Base
import Networking
import TestSupport
import Testing

@testable import Flight

/// What a server keeps of many calls that do not come to their end.
@Suite("Memory of calls") struct CallMemoryTests {
  @Test("it counts, refuses beyond a quarter above its limit, and has calls looked through when it is tight")
  func counts() {
    let memory = CallMemory(limit: 1_000)
    let looks = Monitor(0)
    memory.onTight { looks.withLock { $0 += 1 } }
    #expect(memory.change(1_000) && looks.withLock { $0 } == 0)
    #expect(memory.change(250) && looks.withLock { $0 } == 1)
    #expect(!memory.change(1))
    #expect(memory.change(-251) && memory.byteCount == 1_000)
    #expect(memory.change(-1_000) && memory.byteCount == 0)
  }

  /// A connection that sends what it likes.
  private final class Attacker: HTTP2StreamHandler, @unchecked Sendable {  // On its loop.
    let connection: HTTP2Connection
    let ended: Monitor<[String]>

    init(_ connection: HTTP2Connection, _ ended: Monitor<[String]>) {
      self.connection = connection
      self.ended = ended
    }

    func call(_ path: String, _ fields: HTTPFields = [:], _ bytes: [UInt8] = []) {
      var all: HTTPFields = ["content-type": "application/grpc", "te": "trailers"]
      all.append(contentsOf: fields)
      let head = HTTPFields.request(method: "POST", path: path, authority: "x", all)
      guard let stream = try? connection.open(head, handler: self) else { return }
      bytes.withUnsafeBytes { stream.send(copying: $0) }
    }

    func received(head: HTTPFields, endsStream: Bool, on stream: HTTP2Stream) { note(head) }
    func received(trailers: HTTPFields, on stream: HTTP2Stream) { note(trailers) }
    func received(data: UnsafeRawBufferPointer, on stream: HTTP2Stream) { stream.consume(data.count) }
    func receivedEnd(on stream: HTTP2Stream) {}
    func closed(_ end: HTTP2StreamEnd, on stream: HTTP2Stream) {}

    private func note(_ fields: HTTPFields) {
      guard let status = fields["grpc-status"] else { return }
      ended.withLock { $0.append(status) }
      ended.broadcast()
    }
  }

  private static let put = "/arrow.flight.protocol.FlightService/DoPut"
  private static let handshake = "/arrow.flight.protocol.FlightService/Handshake"

  /// 90 KB of the body of a message of 256 KB, which never comes to its end.
  private static let unfinished: [UInt8] = {
    var writer = ProtobufWriter()
    writer.head(1_000, byteCount: 256 << 10)
    return GRPCPrefix.bytes(writer.bytes.count + 256 << 10) + writer.bytes + [UInt8](repeating: 7, count: 90_000)
  }()

  private func attack(
    _ server: LocalServer, on loop: EventLoop, _ body: @escaping @Sendable (Attacker) -> Void
  ) -> Monitor<[String]> {
    let ended = Monitor<[String]>([])
    var options = HTTP2ConnectionOptions()
    // On a slow machine it takes long until all has been sent and the server's answer is looked at.
    options.session.greetingTimeout = 600_000_000_000
    options.pingAfter = nil
    HTTP2Client.connect(
      to: server.endpoint, on: loop, options: options, ready: { body(Attacker($0, ended)) },
      onClosed: { _, failure in if let failure { ended.withLock { $0.append("\(failure)") } } })
    return ended
  }

  @Test(
    "messages that do not come to their end, on many streams, are bounded together, and others are served",
    .timeLimit(.minutes(10)))
  func unfinished() async throws {
    var options = FlightServerOptions()
    options.unfinishedLimit = 4 << 20
    let server = try LocalServer(EchoService(), options: options)
    let loop = try ClientLoop()
    let attacker = Monitor<HTTP2Connection?>(nil)
    let ended = attack(server, on: loop.loop) { made in
      attacker.withLock { $0 = made.connection }
      for _ in 0..<200 { made.call(Self.put, [:], Self.unfinished) }
    }
    // 200 would hold 25 MB in blocks of 128 KiB: 40 reach the limit with its quarter, and the others are refused.
    try await eventually { ended.withLock { $0.count >= 150 || $0.contains { $0 != "8" } } }
    #expect(ended.withLock { Set($0) } == ["8"])
    // One that is about to be refused is counted for a moment.
    #expect(server.server.unfinishedByteCount <= 5 << 20 + 256 << 10)
    // Once those that are left have been silent for a second, they make room for who comes.
    let client = FlightClient(to: server.endpoint, on: loop.loop)
    let large = [RecordBatch.numbers(50_000)]
    let refused = ended.withLock { $0.count }
    while await client.put("good", large).status != .ok {}
    // On a slow machine they may have done so before.
    try await eventually { ended.withLock { $0.count > refused || $0.count == 200 } }
    #expect(await client.put("good", large).status == .ok)
    // What was kept of those that are gone is given back.
    loop.loop.execute { attacker.withLock { $0 }?.close() }
    try await eventually { server.server.unfinishedByteCount < 4_096 }
  }

  @Test(
    "heads that are kept are bounded together, also of callers who have not said who they are", .timeLimit(.minutes(10))
  )
  func heads() async throws {
    var options = FlightServerOptions()
    options.unfinishedLimit = 1 << 20
    options.authenticator = FlightTokens(tokens: ["good": "somebody"])
    let server = try LocalServer(EchoService(), options: options)
    let loop = try ClientLoop()
    let ended = attack(server, on: loop.loop) { attacker in
      // The second and later ones refer to the table of fields, and so are a few bytes each.
      let fields: HTTPFields = ["x-large": String(repeating: "x", count: 3_000)]
      var many = HTTPFields()
      for _ in 0..<15 { many.append(contentsOf: fields) }
      for _ in 0..<1_000 { attacker.call(Self.handshake, many) }
    }
    try await eventually { ended.withLock { $0.count >= 900 || $0.contains { $0 != "8" } } }
    #expect(ended.withLock { Set($0) } == ["8"])
    #expect(server.server.unfinishedByteCount <= 5 << 18)
  }

  @Test("a question about health is small", .timeLimit(.minutes(10)))
  func health() async throws {
    let server = try LocalServer(EchoService())
    let loop = try ClientLoop()
    let client = FlightClient(to: server.endpoint, on: loop.loop)
    do {
      _ = try await client.health(of: String(repeating: "x", count: 5_000))
      Issue.record("a question of 5,000 bytes is taken")
    } catch { #expect(error.code == .resourceExhausted) }
    #expect(try await client.health() == .serving)
  }
}
