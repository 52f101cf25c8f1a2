import Base
import Glibc
import TestSupport
import Testing

@testable import Networking

/// Names, addresses in turn, deadlines.
@Suite("Connecting")
struct ConnectingTests {
  private func withLoop(_ body: (EventLoop) throws -> Void) throws {
    let loop = try EventLoop(name: "test")
    defer { loop.stop() }
    try body(loop)
  }

  /// A port of this machine at which nobody listens.
  private static func deadPort() -> UInt16 { PlainSocket.listening().endpoint.port }

  @Test("Where nobody listens, the failure names the address and what to do")
  func refused() throws {
    try withLoop { loop in
      let port = Self.deadPort()
      let peer = TestPeer.connect(to: Endpoint(host: "127.0.0.1", port: port), on: loop)
      #expect(peer.wait { $0.closed == 1 })
      let log = peer.now
      #expect(log.connected == 0 && log.failure?.retryable == true)
      #expect(log.failure?.message.contains("127.0.0.1:\(port): nothing listens there") == true)
      #expect(onLoop(loop) { loop.descriptorCount + loop.timerCount } == 0)
    }
  }

  @Test("A name's addresses are tried in turn, and a failure tells of all of them")
  func inTurn() throws {
    try withLoop { loop in
      let listening = PlainSocket.listening()
      let addresses = ["127.0.0.2", "127.0.0.3", "127.0.0.1"].map { SocketAddress(digits: $0, port: 0)! }
      let resolver = NameResolver(threads: 1) { name in
        #expect(name == "somewhere")
        return addresses
      }
      let target = Endpoint(host: "somewhere", port: listening.endpoint.port)
      let peer = TestPeer.connect(to: target, on: loop, resolver: resolver)
      let socket = listening.accept()
      #expect(peer.wait { $0.connected == 1 })
      #expect(peer.channel.peerName == "\(target) (127.0.0.1:\(target.port))")
      socket.write([7])
      #expect(peer.wait { $0.bytes == [7] })

      let dead = Endpoint(host: "somewhere", port: Self.deadPort())
      let other = TestPeer.connect(to: dead, on: loop, resolver: resolver)
      #expect(other.wait { $0.closed == 1 })
      let message = other.now.failure?.message ?? ""
      #expect(message.contains("no connection to somewhere:\(dead.port)"))
      for address in addresses { #expect(message.contains("\(address.host):\(dead.port): nothing listens there")) }
    }
  }

  @Test("The system's own names are found, and one that does not exist is told by name")
  func names() throws {
    try withLoop { loop in
      let listening = PlainSocket.listening()
      let peer = TestPeer.connect(to: Endpoint(host: "localhost", port: listening.endpoint.port), on: loop)
      _ = listening.accept()
      #expect(peer.wait { $0.connected == 1 })
      let other = TestPeer.connect(to: Endpoint(host: "no-such-host.invalid", port: 1), on: loop)
      #expect(other.wait { $0.closed == 1 })
      #expect(other.now.failure?.message.contains("'no-such-host.invalid'") == true)
    }
  }

  @Test("A resolver that does not answer is given up at the deadline, and does not keep the loop from anything")
  func hangingResolver() throws {
    try withLoop { loop in
      let gate = Monitor(false)
      defer {
        gate.withLock { $0 = true }
        gate.broadcast()
      }
      let resolver = NameResolver(threads: 1) { _ in
        _ = gate.wait { $0 ? true : nil }
        return []
      }
      var options = ConnectionOptions()
      options.connectDeadline = .milliseconds(30)
      // The second one waits behind the first and has its own deadline all the same.
      let peers = (0..<2).map { _ in
        TestPeer.connect(to: Endpoint(host: "slow", port: 1), on: loop, options: options, resolver: resolver)
      }
      for peer in peers {
        #expect(peer.wait { $0.closed == 1 })
        #expect(peer.now.failure?.message.contains("the address of 'slow' was not found in time") == true)
      }
    }
  }

  @Test("A server that does not answer is given up at the deadline")
  func deadline() throws {
    try withLoop { loop in
      // The kernel drops what comes to a full queue of connections that nobody accepts.
      let listening = PlainSocket.listening(backlog: 0)
      let waiting = PlainSocket.connected(to: listening.endpoint)
      var options = ConnectionOptions()
      options.connectDeadline = .milliseconds(80)
      let peer = TestPeer.connect(to: listening.endpoint, on: loop, options: options)
      #expect(peer.wait { $0.closed == 1 })
      #expect(peer.now.failure?.message.contains("did not answer in time") == true)
      #expect(onLoop(loop) { loop.descriptorCount + loop.timerCount } == 0)
      withExtendedLifetime(waiting) {}
    }
  }

  @Test("A channel that is closed while it connects ends without a failure")
  func closedEarly() throws {
    try withLoop { loop in
      let gate = Monitor(false)
      let resolver = NameResolver(threads: 1) { _ in
        _ = gate.wait { $0 ? true : nil }
        return []
      }
      let peer = TestPeer.connect(to: Endpoint(host: "slow", port: 1), on: loop, resolver: resolver)
      peer.onLoop { $0.close() }
      #expect(peer.wait { $0.closed == 1 } && peer.now.failure == nil && peer.now.connected == 0)
      #expect(onLoop(loop) { loop.timerCount } == 0)
      gate.withLock { $0 = true }
      gate.broadcast()
    }
  }

  @Test(
    "What nobody can connect to is refused at once",
    arguments: [Endpoint(host: "", port: 80), Endpoint(host: "127.0.0.1", port: 0)])
  func nowhere(_ target: Endpoint) throws {
    try withLoop { loop in
      let peer = TestPeer.connect(to: target, on: loop)
      #expect(peer.wait { $0.closed == 1 })
      #expect(peer.now.failure?.message.contains("cannot be connected to") == true)
    }
  }
}
