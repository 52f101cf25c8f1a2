import Base
import TestSupport
import Testing

@testable import Networking

/// The client of HTTP/2 for control planes, and the server of the Python package h2.
@Suite("HTTP client beside h2")
struct HTTPClientTests {
  /// A client on a loop of its own, beside a server that ends with it.
  private final class Peer: Sendable {
    let loop: EventLoop
    let process: PeerProcess
    let client: HTTPClient

    init(_ arguments: [String] = [], tls: TLSContext? = nil, bodyLimit: Int = 64 << 20) async throws {
      process = try await PeerProcess.python(script: "NetworkingTests/Client/server.py", arguments: arguments)
      loop = try EventLoop(name: "client")
      var options = SharedConnection.Options()
      options.tls = tls
      client = HTTPClient(
        to: Endpoint(host: "localhost", port: process.port), on: loop, options: options, bodyLimit: bodyLimit)
    }

    deinit { loop.stop() }

    func count(_ name: String) async throws -> Int? {
      Int(String(decoding: try await client.send(.patient("GET", "/count/\(name)")).body, as: UTF8.self))
    }
  }

  @Test("Requests have their parts, and answers theirs", .timeLimit(.minutes(10)))
  func parts() async throws {
    let peer = try await Peer()
    let client = peer.client
    let hello = try await client.send(.patient("DELETE", "/hello?q=1", ["x-user": "Zoë"]))
    let authority = "localhost:\(peer.process.port)"
    #expect(hello.status == 200 && hello.fields == ["content-type": "text/plain"] && hello.trailers.isEmpty)
    #expect(String(decoding: hello.body, as: UTF8.self) == "DELETE http \(authority) Zoë /hello?q=1")
    for status in [200, 204, 301, 404, 503] {
      let answer = try await client.send(.patient("GET", "/status/\(status)"))
      #expect(answer.status == status && answer.body.isEmpty)
    }
    // Beyond the windows of both sides.
    for size in [0, 1, 3_000_000] {
      let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      let echo = try await client.send(.patient("POST", "/echo", body: body))
      #expect(echo.body == body && echo.trailers == ["x-count": "\(size)"])
      #expect(echo.fields["x-length"] == (size == 0 ? "-" : "\(size)"))
    }
    let big = try await client.send(.patient("GET", "/big")).body
    #expect(big.count == 5_020_000 && big.enumerated().allSatisfy { $1 == UInt8($0 % 251) })
    #expect(try await peer.count("connections") == 1)
  }

  @Test("Requests are under way at once, on one connection", .timeLimit(.minutes(10)))
  func atOnce() async throws {
    let peer = try await Peer()
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for index in 0..<500 {
        group.addTask {
          let body = Array("number \(index)".utf8)
          return try await peer.client.send(.patient("POST", "/echo", body: body)).body == body
        }
      }
      for try await isRight in group { #expect(isRight) }
    }
    #expect(try await peer.count("connections") == 1)
  }

  @Test("By TLS", .timeLimit(.minutes(10)))
  func tls() async throws {
    let authority = TestAuthority()
    let pair = authority.issue("server")
    let peer = try await Peer([pair.certificate, pair.key], tls: try authority.client())
    let hello = try await peer.client.send(.patient("GET", "/hello"))
    #expect(String(decoding: hello.body, as: UTF8.self).hasPrefix("GET https localhost:"))
    let stranger = try await Peer([pair.certificate, pair.key], tls: try TestAuthority().client())
    let failure = await #expect(throws: Failure.self) { try await stranger.client.send(.patient("GET", "/hello")) }
    #expect(failure?.message.contains("certificate") == true, "\(failure?.message ?? "")")
  }

  @Test("An answer is taken as it comes", .timeLimit(.minutes(10)))
  func stream() async throws {
    let peer = try await Peer()
    let watch = try await peer.client.stream(.patient("GET", "/watch"))
    #expect(watch.status == 200)
    var seen = try await watch.next().map { String(decoding: $0, as: UTF8.self) }
    #expect(seen == "event 1\n")
    for number in 2...20 {
      #expect(
        try await peer.client.send(.patient("POST", "/tell", body: Array("event \(number)\n".utf8))).status == 204)
      seen = try await watch.next().map { String(decoding: $0, as: UTF8.self) }
      #expect(seen == "event \(number)\n")
    }
    #expect(try await peer.client.send(.patient("POST", "/tell", body: Array("end".utf8))).status == 204)
    #expect(try await watch.next() == Array("end".utf8))
    #expect(try await watch.next() == nil)
    #expect(try await watch.next() == nil)
  }

  @Test("A server sends no more than a window of what nobody takes", .timeLimit(.minutes(10)))
  func backpressure() async throws {
    let peer = try await Peer()
    let answer = try await peer.client.stream(.patient("GET", "/endless"))
    let window = HTTP2Options().streamWindow
    // The server sends all that it may before it answers anything else.
    while try await peer.count("/endless") != window {}
    #expect(try await peer.count("/endless") == window)
    var taken = 0
    while let bytes = try await answer.next() {
      #expect(!bytes.isEmpty && bytes.count <= window)
      taken += bytes.count
    }
    #expect(taken == 64 << 20)
  }

  @Test("What is let go is given up", .timeLimit(.minutes(10)))
  func letGo() async throws {
    let peer = try await Peer()
    _ = try await peer.client.stream(.patient("GET", "/endless"))
    while try await peer.count("resets") != 1 {}
    let answer = try await peer.client.stream(.patient("GET", "/endless"))
    answer.cancel()
    while try await peer.count("resets") != 2 {}
    let failure = await #expect(throws: Failure.self) { while try await answer.next() != nil {} }
    #expect(failure?.kind == .unavailable)
  }

  @Test("A task that is cancelled gives its request up", .timeLimit(.minutes(10)))
  func cancelled() async throws {
    let peer = try await Peer()
    let never = Task { try await peer.client.send(.patient("GET", "/never")) }
    while try await peer.count("requests") ?? 0 < 2 {}
    never.cancel()
    let failure = await #expect(throws: Failure.self) { try await never.value }
    #expect(failure?.kind == .unavailable && failure?.message.contains("/never") == true)
    while try await peer.count("resets") != 1 {}
    // Also one that is cancelled before it begins, and one that waits for the body.
    let late = Task { try await peer.client.send(.patient("GET", "/never")) }
    late.cancel()
    await #expect(throws: Failure.self) { try await late.value }
    let watch = Task {
      let watch = try await peer.client.stream(.patient("GET", "/watch"))
      while try await watch.next() != nil {}
    }
    while try await peer.client.send(.patient("POST", "/tell", body: [1])).status != 204 {}
    watch.cancel()
    await #expect(throws: Failure.self) { try await watch.value }
  }

  @Test("What does not come in time is given up", .timeLimit(.minutes(10)))
  func timeout() async throws {
    let peer = try await Peer()
    for path in ["/never", "/watch"] {
      // The whole answer has to be there, where it is gathered.
      let before = try await peer.count("resets")
      var timeout = Duration.milliseconds(200)
      // On a busy machine the time can be over before the request has left: then the server has nothing to see.
      while try await peer.count("resets") == before {
        try await giveUp(path, after: timeout, peer)
        timeout *= 2
      }
    }
    // Of one that is taken as it comes, only the head: what follows may take longer.
    var timeout = Duration.milliseconds(200)
    var found: HTTPResponseStream?
    while found == nil {
      timeout *= 2
      found = try? await peer.client.stream(HTTPRequest("GET", "/watch", timeout: timeout))
    }
    let watch = try #require(found)
    #expect(try await watch.next() == Array("event 1\n".utf8))
    try await giveUp("/never", after: timeout, peer)
    #expect(try await peer.client.send(.patient("POST", "/tell", body: Array("event 2\n".utf8))).status == 204)
    #expect(try await watch.next() == Array("event 2\n".utf8))
  }

  /// A request that is not answered in time.
  private func giveUp(_ path: String, after timeout: Duration, _ peer: Peer) async throws {
    let failure = await #expect(throws: Failure.self) {
      try await peer.client.send(HTTPRequest("GET", path, timeout: timeout))
    }
    #expect(failure?.message.contains("did not answer within \(timeout)") == true && failure?.retryable == true)
  }

  @Test("What a server has not begun with is sent again, and nothing else is", .timeLimit(.minutes(10)))
  func again() async throws {
    let peer = try await Peer()
    let client = peer.client
    #expect(try await client.send(.patient("GET", "/refused")).body == Array("at last".utf8))
    #expect(try await peer.count("connections") == 1)
    #expect(try await client.send(.patient("POST", "/elsewhere")).body == Array("on another connection".utf8))
    #expect(try await peer.count("connections") == 2)
    let refused = await #expect(throws: Failure.self) { try await client.send(.patient("GET", "/always-refused")) }
    #expect(refused?.retryable == true)
    for path in ["/reset", "/gone"] {
      let failure = await #expect(throws: Failure.self) { try await client.send(.patient("POST", path)) }
      #expect(failure?.retryable == true && failure?.message.contains("POST \(path) at localhost") == true)
      #expect(try await client.send(.patient("GET", "/status/204")).status == 204)
      #expect(try await peer.count(String(path.dropFirst())) == 1)
    }
  }

  @Test("A server that answers early is heard, and one that says too much is not", .timeLimit(.minutes(10)))
  func early() async throws {
    let peer = try await Peer(bodyLimit: 5_000_000)
    let body = [UInt8](repeating: 1, count: 30_000_000)
    let answer = try await peer.client.send(.patient("POST", "/early", body: body))
    #expect(answer.status == 413 && answer.body == Array("too large".utf8))
    let failure = await #expect(throws: Failure.self) { try await peer.client.send(.patient("GET", "/big")) }
    #expect(failure?.message.contains("more than the 5000000 bytes") == true)
    #expect(try await peer.client.send(.patient("GET", "/status/200")).status == 200)
  }

  @Test("Where no server is, or no loop, the failure says so", .timeLimit(.minutes(10)))
  func nobody() async throws {
    let loop = try EventLoop(name: "client")
    let port = PlainSocket.listening().endpoint.port
    let client = HTTPClient(to: Endpoint(host: "127.0.0.1", port: port), on: loop)
    let refused = await #expect(throws: Failure.self) { try await client.send(.patient("GET", "/")) }
    #expect(refused?.retryable == true && refused?.message.contains("nothing listens there") == true)
    let wrong = await #expect(throws: Failure.self) { try await client.send(.patient("GET", "/", ["A b": "c"])) }
    #expect(wrong?.kind == .usage)
    loop.stop()
    let ended = await #expect(throws: Failure.self) { try await client.send(.patient("GET", "/")) }
    #expect(ended?.message.contains("the loop 'client' has ended") == true)
  }

  @Test("A client that is closed ends its connection, and makes another when it is used", .timeLimit(.minutes(10)))
  func closed() async throws {
    let peer = try await Peer()
    for connections in 1...3 {
      #expect(try await peer.count("connections") == connections)
      peer.client.close()
      while onLoop(peer.loop, { peer.loop.descriptorCount }) != 0 { await Task.yield() }
    }
  }
}

extension HTTPRequest {
  /// One that waits as long as a test does.
  fileprivate static func patient(
    _ method: String, _ path: String, _ fields: HTTPFields = [:], body: [UInt8] = []
  ) -> HTTPRequest {
    HTTPRequest(method, path, fields: fields, body: body, timeout: .seconds(600))
  }
}
