import Base
import Glibc
import Observability
import Testing

@testable import Host

/// The server over real sockets.
@Suite struct HealthServerTests {
  /// A socket that listens at a free port of this machine.
  private static func listening() -> (descriptor: Int32, port: UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        precondition(bind(descriptor, pointer, length) == 0 && listen(descriptor, 16) == 0, "errno \(errno)")
        getsockname(descriptor, pointer, &length)
      }
    }
    return (descriptor, UInt16(bigEndian: address.sin_port))
  }

  private static func connected(_ port: UInt16) -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = port.bigEndian
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    precondition(status == 0, "errno \(errno)")
    // A test that would hang fails.
    var patience = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    return descriptor
  }

  private static func write(_ text: String, _ descriptor: Int32) {
    let bytes = Array(text.utf8)
    precondition(send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count, "errno \(errno)")
  }

  /// What comes until the end, or until so many bytes have.
  private static func read(_ descriptor: Int32, atMost limit: Int = .max) -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < limit {
      let count = recv(descriptor, &chunk, min(chunk.count, limit - bytes.count), 0)
      if count <= 0 { break }
      bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func request(_ path: String, _ more: String = "") -> String {
    "GET \(path) HTTP/1.1\r\nHost: x\r\n\(more)\r\n"
  }

  @Test(
    "those who have asked when the server stops have their answers, and the next server of the socket takes the others")
  func stops() throws {
    let (descriptor, port) = Self.listening()
    defer { close(descriptor) }
    var server = try HealthServer(dup(descriptor), HealthService(between: "server 0"))
    for number in 0..<3 {
      let staying = Self.connected(port)
      defer { close(staying) }
      Self.write(Self.request("/readyz"), staying)
      #expect(Self.read(staying, atMost: 12) == "HTTP/1.1 503")
      let asking = Self.connected(port)
      defer { close(asking) }
      Self.write(Self.request("/healthz", "Connection: close\r\n"), asking)
      server.stop()
      #expect(
        Self.read(staying).hasSuffix("not ready: server \(number)\n"), "a connection that stays ends with its server")
      let late = Self.connected(port)
      defer { close(late) }
      Self.write(Self.request("/readyz", "Connection: close\r\n"), late)
      server = try HealthServer(dup(descriptor), HealthService(between: "server \(number + 1)"))
      // By the one or the other.
      #expect(Self.read(asking).hasSuffix("\r\n\r\nok\n"))
      #expect(Self.read(late).hasSuffix("not ready: server \(number + 1)\n"))
    }
    server.stop()
  }

  @Test("a client that asks and does not read holds a few answers, however often it asks, and then has them all")
  func greedy() throws {
    let made = Monitor(0)
    let body = String(repeating: "0123456789abcde\n", count: 16_384)
    let service = HealthService(
      objection: { nil },
      metrics: {
        made.withLock { $0 += 1 }
        return body
      })
    let (descriptor, port) = Self.listening()
    let server = try HealthServer(descriptor, service)
    defer { server.stop() }
    let greedy = Self.connected(port)
    defer { close(greedy) }
    Self.write(String(repeating: Self.request("/metrics"), count: 199), greedy)
    Self.write(Self.request("/metrics", "Connection: close\r\n"), greedy)
    // Others are answered, which takes turns of the loop in which it could go on with the greedy one.
    for _ in 0..<50 {
      let other = Self.connected(port)
      Self.write(Self.request("/healthz", "Connection: close\r\n"), other)
      #expect(Self.read(other).hasSuffix("ok\n"))
      close(other)
    }
    // What the kernel's buffers hold at the most, in answers of 256 KiB, is far below what it asked for.
    #expect(made.withLock { $0 } < 100)
    let text = Self.read(greedy)
    #expect(text.utf8.count > 200 * body.utf8.count && made.withLock { $0 } == 200)
    #expect(text.hasSuffix(body))
  }

  @Test("however many connect and ask nothing, who asks is answered")
  func silent() throws {
    let (descriptor, port) = Self.listening()
    let server = try HealthServer(descriptor, HealthService(objection: { nil }, metrics: { "m 1\n" }))
    defer { server.stop() }
    let asked = Self.connected(port)
    defer { close(asked) }
    Self.write(Self.request("/healthz"), asked)
    #expect(Self.read(asked, atMost: 15) == "HTTP/1.1 200 OK")
    let silent = (0..<(HealthPeers.limit + 44)).map { _ in Self.connected(port) }
    defer { for descriptor in silent { close(descriptor) } }
    for _ in 0..<3 {
      let asking = Self.connected(port)
      defer { close(asking) }
      Self.write(Self.request("/metrics", "Connection: close\r\n"), asking)
      #expect(Self.read(asking).hasSuffix("m 1\n"))
    }
    // Room was made by those that had been silent for longest.
    #expect(Self.read(silent[0]) == "")
  }

  @Test("who asks hundreds of times at once does not keep others waiting for their answers")
  func pipelined() throws {
    let made = Monitor(0)
    let hasAsked = Monitor(false)
    let service = HealthService(
      objection: { nil },
      metrics: {
        let count = made.withLock { made in
          made += 1
          return made
        }
        made.broadcast()
        // The other one's request is there before the loop goes on.
        if count == 1 { _ = hasAsked.wait(until: .now + 60_000_000_000) { $0 ? true : nil } }
        return "m 1\n"
      })
    let (descriptor, port) = Self.listening()
    let server = try HealthServer(descriptor, service)
    defer { server.stop() }
    let other = Self.connected(port)
    defer { close(other) }
    let greedy = Self.connected(port)
    defer { close(greedy) }
    Self.write(String(repeating: Self.request("/metrics"), count: 400), greedy)
    #expect(made.wait(until: .now + 60_000_000_000) { $0 > 0 ? true : nil } == true)
    Self.write(Self.request("/healthz", "Connection: close\r\n"), other)
    hasAsked.withLock { $0 = true }
    hasAsked.broadcast()
    #expect(Self.read(other).hasSuffix("ok\n"))
    #expect(made.withLock { $0 } < 200)
  }

  @Test("only GET and HEAD are answered, and a HEAD without its body")
  func methods() throws {
    let (descriptor, port) = Self.listening()
    let server = try HealthServer(descriptor, HealthService(objection: { nil }, metrics: { "m 1\n" }))
    defer { server.stop() }
    for (line, head, end) in [
      ("HEAD /metrics HTTP/1.1", "HTTP/1.1 200 OK\r\n", "\r\n\r\n"),
      ("GET /metrics HTTP/1.1", "HTTP/1.1 200 OK\r\n", "\r\n\r\nm 1\n"),
      ("POST /metrics HTTP/1.1", "HTTP/1.1 405 Method Not Allowed\r\n", "ask with GET\n"),
      ("DELETE /metrics HTTP/1.1", "HTTP/1.1 501 Not Implemented\r\n", ".\n"),
      ("GET /other HTTP/1.1", "HTTP/1.1 404 Not Found\r\n", "/metrics\n"),
      ("GET /metrics HTTP/1.0", "HTTP/1.1 200 OK\r\n", "\r\n\r\nm 1\n"),
    ] {
      let client = Self.connected(port)
      Self.write("\(line)\r\nHost: x\r\nConnection: close\r\n\r\n", client)
      let answer = Self.read(client)
      #expect(answer.hasPrefix(head) && answer.hasSuffix(end), "\(line): \(answer)")
      close(client)
    }
  }

  @Test("a port that is taken ends the run when the user named it, and is done without when nobody did")
  func ports() throws {
    let (taken, port) = Self.listening()
    defer { close(taken) }
    let events = Monitor([LogEvent]())
    let log = EventLog { event in events.withLock { $0.append(event) } }
    let refused = failure(of: { () throws(Failure) in
      _ = try HealthPort.open(HealthOptions(port: port, isGiven: true), log: log)
    })
    #expect(refused?.kind.exitCode == 69)
    #expect(
      refused?.message.contains("is \(port), on which this machine does not let one listen: another process") == true)
    #expect(events.withLock { $0.isEmpty })
    #expect(try HealthPort.open(HealthOptions(port: port, isGiven: false), log: log) == nil)
    #expect(events.withLock { $0.map(\.name) } == ["health.unavailable"])
    #expect(try HealthPort.open(HealthOptions(port: 0, isGiven: true), log: log) == nil)
    #expect(events.withLock { $0.count } == 1)
  }
}
