import Base
import Glibc
import TestSupport
import Testing

@testable import Networking

/// Connections through TLS between two of ours.
@Suite("TLS channel")
struct TLSChannelTests {
  private func withLoops(_ count: Int = 1, _ body: (EventLoopGroup) throws -> Void) throws {
    let group = try EventLoopGroup(name: "test", count: count)
    defer { group.stop() }
    try body(group)
  }

  @Test("Bytes of all sizes go both ways unharmed while readers pause", arguments: [1, 2])
  func transfers(_ loops: Int) throws {
    var random = SeededGenerator()
    let seed = random.description
    let authority = TestAuthority()
    let pair = authority.issue("server")
    try withLoops(loops) { group in
      let server = try TestServer(group, tls: authority.server(pair)) { .echo() }
      let client = try authority.client()
      for _ in 0..<6 {
        let peer = TestPeer.connect(to: server.endpoint, on: group.next(), tls: client)
        let content = pattern(
          [0, 1, 100, 70_000, 3_000_000].randomElement(using: &random)!, UInt64.random(in: 0 ... .max, using: &random))
        var start = 0
        while start < content.count {
          let end = min(content.count, start + [1, 511, 16_384, 300_000].randomElement(using: &random)!)
          peer.send(Array(content[start..<end]))
          start = end
          switch Int.random(in: 0..<4, using: &random) {
          case 0: peer.onLoop { $0.pauseReading() }
          case 1: peer.onLoop { $0.resumeReading() }
          default: break
          }
        }
        peer.onLoop { $0.resumeReading() }
        #expect(peer.wait { $0.bytes.count >= content.count && $0.connected == 1 }, "\(seed)")
        peer.onLoop { $0.close() }
        #expect(peer.wait { $0.closed == 1 }, "\(seed)")
        let log = peer.now
        #expect(log.bytes == content && log.failure == nil && log.wrongCalls == 0, "\(seed)")
        #expect(log.applicationProtocol == "h2")
      }
      #expect(server.hasConnections(0))
      for peer in server.accepted.withLock({ $0 }) {
        #expect(peer.now.closed == 1 && peer.now.failure == nil && peer.now.wrongCalls == 0, "\(seed)")
      }
    }
  }

  @Test("Peers that read nothing for a while get all when they read on, and little is encrypted for them before")
  func stalledPeers() throws {
    let authority = TestAuthority()
    let pair = authority.issue("server")
    try withLoops { group in
      let server = try TestServer(group, tls: authority.server(pair)) {
        var behaviour = TestPeer.Behaviour()
        behaviour.connected = { $0.pauseReading() }
        return TestPeer(behaviour)
      }
      let client = try authority.client()
      // More than what the kernel's buffers take on both sides.
      let content = pattern(24_000_000)
      let peers = (0..<3).map { _ in TestPeer.connect(to: server.endpoint, on: group.next(), tls: client) }
      for peer in peers { peer.send(content) }
      for peer in peers {
        #expect(peer.wait { $0.connected == 1 })
        let isStalled = Monitor<Bool?>(nil)
        let end = MonotonicTime.now + TestPeer.patience
        @Sendable func look(_ channel: ByteChannel) {
          let isFull = !channel.encrypted.isEmpty && !channel.mayWrite
          guard !isFull, .now < end else {
            isStalled.withLock { $0 = isFull }
            return isStalled.broadcast()
          }
          channel.loop.schedule(after: .milliseconds(5)) { look(channel) }
        }
        peer.onLoop { look($0) }
        #expect(isStalled.wait { $0 } == true)
        // A record has 22 bytes beside its own.
        let most = ByteChannel.mostEncryptedAtOnce * 101 / 100
        #expect(peer.onLoop { $0.encrypted.byteCount <= most && !$0.output.isEmpty })
      }
      for index in peers.indices { server.peer(index).onLoop { $0.resumeReading() } }
      for index in peers.indices {
        #expect(server.peer(index).wait { $0.bytes.count == content.count } && server.peer(index).now.bytes == content)
        peers[index].onLoop { $0.close() }
        #expect(peers[index].wait { $0.closed == 1 } && peers[index].now.failure == nil)
      }
    }
  }

  @Test("Both sides agree on a protocol and a version, and the server learns the name that was asked for")
  func agreement() throws {
    let authority = TestAuthority()
    let pair = authority.issue("server")
    try withLoops { group in
      let server = try TestServer(group, tls: authority.server(pair))
      let target = Endpoint(host: "localhost", port: server.endpoint.port)
      let peer = TestPeer.connect(
        to: target, on: group.next(), tls: try authority.client(protocols: ["http/1.1", "other"]))
      #expect(peer.wait { $0.connected == 1 } && peer.now.applicationProtocol == "http/1.1")
      #expect(server.peer().wait { $0.connected == 1 } && server.peer().now.applicationProtocol == "http/1.1")
      #expect(server.peer().onLoop { $0.requestedHost } == "localhost")
      #expect(peer.onLoop { $0.tlsVersion } == "TLSv1.3")
      let shown = peer.onLoop { $0.peerCertificate }
      #expect(shown?.subject == "CN=server,O=volley" && shown?.dnsNames == ["localhost"])
      #expect(shown?.addresses == ["127.0.0.1"])
      #expect(server.peer().onLoop { $0.peerCertificate } == nil)

      let other = TestPeer.connect(to: target, on: group.next(), tls: try authority.client(protocols: ["other"]))
      #expect(other.wait { $0.closed == 1 })
      #expect(other.now.failure?.message.contains("speaks none of the protocols") == true)
      #expect(server.peer(1).wait { $0.closed == 1 })
      #expect(server.peer(1).now.failure?.message.contains("offers none of the protocols") == true)
    }
  }

  /// How a client's certificate check is to fail.
  struct WrongServer: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var names = "DNS:localhost,IP:127.0.0.1"
    var start = "20200101000000Z"
    var end = "20990101000000Z"
    var isForeign = false
    var serverName: String?
    var message: String
    /// What the server is told by the client's alert.
    var alert: String
  }

  @Test(
    "A server's certificate that does not hold is refused with its reason, on both sides",
    arguments: [
      WrongServer(
        testDescription: "wrong authority", isForeign: true, message: "issued by nobody that is trusted here",
        alert: "trusts no authority"),
      WrongServer(
        testDescription: "wrong name", serverName: "example.com", message: "is not for 'example.com'",
        alert: "refused our certificate"),
      WrongServer(
        testDescription: "wrong address", names: "DNS:localhost,IP:127.0.0.9", message: "is not for '127.0.0.1'",
        alert: "refused our certificate"),
      WrongServer(
        testDescription: "expired", end: "20210101000000Z", message: "has expired", alert: "as expired"),
      WrongServer(
        testDescription: "not yet valid", start: "20900101000000Z", message: "not valid yet",
        alert: "refused our certificate"),
    ])
  func wrongServers(_ wrong: WrongServer) throws {
    let authority = TestAuthority()
    let pair = authority.issue("server", wrong.names, start: wrong.start, end: wrong.end)
    try withLoops { group in
      let server = try TestServer(group, tls: authority.server(pair))
      let trusted = wrong.isForeign ? TestAuthority() : authority
      let peer = TestPeer.connect(
        to: server.endpoint, on: group.next(), tls: try trusted.client(), serverName: wrong.serverName)
      #expect(peer.wait { $0.closed == 1 })
      #expect(peer.now.failure?.message.contains(wrong.message) == true, "\(peer.now.failure?.message ?? "")")
      #expect(peer.now.connected == 0)
      let accepted = server.peer()
      #expect(accepted.wait { $0.closed == 1 })
      #expect(accepted.now.failure?.message.contains(wrong.alert) == true, "\(accepted.now.failure?.message ?? "")")
    }
  }

  @Test("A name may end with the root's dot, and one that begins with a dot is none")
  func dots() throws {
    let authority = TestAuthority()
    let pair = authority.issue("server", "DNS:a.example")
    try withLoops { group in
      let server = try TestServer(group, tls: authority.server(pair))
      for name in ["a.example", "a.example."] {
        let peer = TestPeer.connect(
          to: server.endpoint, on: group.next(), tls: try authority.client(), serverName: name)
        #expect(peer.wait { $0.connected == 1 }, "\(name)")
      }
      #expect(server.peer(1).onLoop { $0.requestedHost } == "a.example")
      for name in [".example", ".", ""] {
        let peer = TestPeer.connect(
          to: server.endpoint, on: group.next(), tls: try authority.client(), serverName: name)
        #expect(peer.wait { $0.closed == 1 })
        #expect(peer.now.failure?.kind == .usage, "\(name): \(peer.now.failure?.message ?? "")")
      }
    }
  }

  @Test("A server that asks for client certificates knows who came, and refuses those without and those of others")
  func clientCertificates() throws {
    let authority = TestAuthority()
    let pair = authority.issue("server")
    let own = authority.issue("worker-1", "DNS:worker-1.local,URI:spiffe://volley/worker-1,email:a@b.c,IP:::1")
    let other = TestAuthority()
    let foreign = other.issue("intruder")
    try withLoops { group in
      let server = try TestServer(group, tls: authority.server(pair, clients: authority.certificate))
      let peer = TestPeer.connect(to: server.endpoint, on: group.next(), tls: try authority.client(own))
      #expect(server.peer().wait { $0.connected == 1 } && peer.wait { $0.connected == 1 })
      let shown = server.peer().onLoop { $0.peerCertificate }
      #expect(shown?.subject == "CN=worker-1,O=volley" && shown?.dnsNames == ["worker-1.local"])
      #expect(shown?.uris == ["spiffe://volley/worker-1"] && shown?.emails == ["a@b.c"])
      #expect(shown?.addresses == ["::1"])

      for (index, (client, told, alert)) in [
        (try authority.client(), "sent no client certificate", "ask for a client certificate"),
        (try authority.client(foreign), "issued by nobody that is trusted here", "refused our client certificate"),
      ].enumerated() {
        let refused = TestPeer.connect(to: server.endpoint, on: group.next(), tls: client)
        let accepted = server.peer(index + 1)
        #expect(accepted.wait { $0.closed == 1 } && accepted.now.connected == 0)
        #expect(accepted.now.failure?.message.contains(told) == true, "\(accepted.now.failure?.message ?? "")")
        #expect(refused.wait { $0.closed == 1 })
        #expect(refused.now.failure?.message.contains(alert) == true, "\(refused.now.failure?.message ?? "")")
      }
    }
  }

  @Test("Plain bytes to a port with TLS, and TLS to a port without, are told as what they are")
  func plainBytes() throws {
    let authority = TestAuthority()
    let pair = authority.issue("server")
    try withLoops { group in
      let server = try TestServer(group, tls: authority.server(pair))
      let socket = PlainSocket.connected(to: server.endpoint)
      socket.write(Array("GET / HTTP/1.1\r\n\r\n".utf8))
      #expect(server.peer().wait { $0.closed == 1 })
      #expect(server.peer().now.failure?.message.contains("sent 'GET / HTTP/1.1....': this is not TLS") == true)

      let listening = PlainSocket.listening()
      let client = try authority.client()
      let answered = TestPeer.connect(to: listening.endpoint, on: group.next(), tls: client)
      let first = listening.accept()
      first.write(Array("HTTP/1.1 400 Bad Request\r\n".utf8))
      #expect(answered.wait { $0.closed == 1 })
      #expect(answered.now.failure?.message.contains("this is not TLS; connect without TLS") == true)

      let hungUp = TestPeer.connect(to: listening.endpoint, on: group.next(), tls: client)
      let second = listening.accept()
      #expect(second.read(100)?.count == 100)
      second.end()
      #expect(hungUp.wait { $0.closed == 1 })
      let message = hungUp.now.failure?.message ?? ""
      #expect(message.contains("during the handshake") || message.contains("reset"), "\(message)")
    }
  }

  @Test("A handshake that does not go on is given up at the deadline, on both sides")
  func handshakeDeadline() throws {
    let authority = TestAuthority()
    let pair = authority.issue("server")
    try withLoops { group in
      var options = ListenerOptions()
      options.connection.handshakeDeadline = .milliseconds(40)
      let server = try TestServer(group, options: options, tls: authority.server(pair))
      let socket = PlainSocket.connected(to: server.endpoint)
      #expect(server.peer().wait { $0.closed == 1 })
      #expect(server.peer().now.failure?.message.contains("did not finish the handshake") == true)
      #expect(socket.read() == nil)
      let listening = PlainSocket.listening()
      let peer = TestPeer.connect(
        to: listening.endpoint, on: group.next(), options: options.connection, tls: try authority.client())
      let silent = listening.accept()
      #expect(peer.wait { $0.closed == 1 })
      #expect(peer.now.failure?.message.contains("did not finish the handshake") == true)
      withExtendedLifetime(silent) {}
      #expect(onLoop(group.loops[0]) { group.loops[0].timerCount } == 0)
    }
  }

  @Test("An end of TCP without one of TLS is a failure, unless the protocol above had ended", arguments: [false, true])
  func truncation(_ isAccepted: Bool) throws {
    let authority = TestAuthority()
    let pair = authority.issue("server")
    try withLoops { group in
      let server = try TestServer(group, tls: authority.server(pair))
      let peer = TestPeer.connect(to: server.endpoint, on: group.next(), tls: try authority.client())
      #expect(server.peer().wait { $0.connected == 1 })
      server.peer().onLoop { $0.acceptsTruncation = isAccepted }
      peer.onLoop { _ = shutdown($0.descriptor, Int32(SHUT_WR)) }
      #expect(server.peer().wait { $0.closed == 1 })
      let failure = server.peer().now.failure
      #expect(isAccepted ? failure == nil : failure?.message.contains("close_notify") == true)
    }
  }

  @Test("One side ends and the other goes on, through TLS too")
  func halfClose() throws {
    let authority = TestAuthority()
    let pair = authority.issue("server")
    try withLoops(2) { group in
      let server = try TestServer(group, tls: authority.server(pair)) {
        var behaviour = TestPeer.Behaviour()
        behaviour.afterEnd = .stayOpen
        return TestPeer(behaviour)
      }
      let peer = TestPeer.connect(to: server.endpoint, on: group.next(), tls: try authority.client())
      peer.onLoop { channel in
        channel.output.append(copying: [1, 2, 3])
        channel.endOutput()
      }
      let accepted = server.peer()
      #expect(accepted.wait { $0.ended == 1 } && accepted.now.bytes == [1, 2, 3])
      let content = pattern(2_000_000)
      accepted.onLoop { channel in
        channel.output.append(copying: content)
        channel.endOutput()
      }
      #expect(peer.wait { $0.closed == 1 } && accepted.wait { $0.closed == 1 })
      #expect(peer.now.bytes == content && peer.now.failure == nil && accepted.now.failure == nil)
    }
  }

  @Test(
    "Garbage in the place of TLS, and records that were changed on their way, never harm more than their connection")
  func garbage() throws {
    var random = SeededGenerator()
    let seed = random.description
    let authority = TestAuthority()
    let pair = authority.issue("server")
    try withLoops { group in
      let server = try TestServer(group, tls: authority.server(pair)) { .echo() }
      for index in 0..<60 {
        let socket = PlainSocket.connected(to: server.endpoint)
        var bytes: [UInt8] = [0x16, 0x03, UInt8.random(in: 0...4, using: &random)]
        let size = [0, 5, 300, 16_384].randomElement(using: &random)!
        bytes +=
          [UInt8(size >> 8), UInt8(size & 255), 1] + pattern(size, UInt64.random(in: 0 ... .max, using: &random))
        socket.write(bytes)
        socket.end()
        #expect(server.peer(index).wait { $0.closed == 1 }, "\(seed)")
        #expect(server.peer(index).now.failure != nil && server.peer(index).now.connected == 0, "\(seed)")
      }
      let peer = TestPeer.connect(to: server.endpoint, on: group.next(), tls: try authority.client())
      peer.send([1, 2, 3])
      #expect(peer.wait { $0.bytes == [1, 2, 3] }, "\(seed)")
    }
  }
}
