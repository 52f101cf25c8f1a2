import Base
import Glibc
import TestSupport
import Testing

@testable import Networking

/// Listening, limits, and being short of descriptors.
@Suite("Listener")
struct ListenerTests {
  private func withLoops(_ count: Int, _ body: (EventLoopGroup) throws -> Void) throws {
    let group = try EventLoopGroup(name: "test", count: count)
    defer { group.stop() }
    try body(group)
  }

  @Test("Connections are spread over the loops of the group")
  func spread() throws {
    try withLoops(3) { group in
      let server = try TestServer(group)
      let sockets = (0..<12).map { _ in PlainSocket.connected(to: server.endpoint) }
      var counts: [String: Int] = [:]
      for index in sockets.indices { counts[server.peer(index).channel.loop.name, default: 0] += 1 }
      #expect(counts.values.sorted() == [4, 4, 4])
      #expect(server.listener.connectionCount == 12)
    }
  }

  @Test("Port 0 is one free port for all addresses of a name, and names, digits and '*' can be listened at")
  func ports() throws {
    try withLoops(1) { group in
      for host in ["localhost", "127.0.0.1", "*", ""] {
        let server = try TestServer(group, at: host)
        let ports = Set(server.listener.addresses.map(\.port))
        #expect(ports.count == 1 && !ports.contains(0))
        let socket = PlainSocket.connected(to: Endpoint(host: "127.0.0.1", port: ports.first!))
        socket.write([1])
        #expect(server.peer().wait { $0.bytes == [1] })
        server.listener.close()
      }
      let both = try Listener(
        at: [Endpoint(host: "127.0.0.1", port: 0), Endpoint(host: "127.0.0.2", port: 0)], on: group, report: { _ in },
        handler: { _ in ByteChannelHandler() })
      #expect(both.addresses.map(\.host) == ["127.0.0.1", "127.0.0.2"])
    }
  }

  @Test("A port that is taken, and an address of another machine, are refused with a sentence")
  func refused() throws {
    try withLoops(1) { group in
      let other = PlainSocket.listening()
      func listen(_ endpoint: Endpoint) -> Failure? {
        #expect(throws: Failure.self) {
          try Listener(
            at: [Endpoint(host: "127.0.0.1", port: 0), endpoint], on: group, report: { _ in },
            handler: { _ in ByteChannelHandler() })
        }
      }
      let taken = listen(other.endpoint)
      #expect(taken?.message.contains("\(other.endpoint) cannot be listened at: another process") == true)
      let foreign = listen(Endpoint(host: "192.0.2.1", port: 0))
      #expect(foreign?.message.contains("no address of this machine") == true)
      let unknown = listen(Endpoint(host: "no-such-host.invalid", port: 0))
      #expect(unknown?.message.contains("'no-such-host.invalid'") == true)
    }
  }

  @Test("One connection above the limit is reset and reported, and there is room again when one closes")
  func limit() throws {
    try withLoops(2) { group in
      var options = ListenerOptions()
      options.connectionLimit = 3
      let server = try TestServer(group, options: options)
      let sockets = (0..<3).map { _ in PlainSocket.connected(to: server.endpoint) }
      #expect(server.peer(2).wait { $0.connected == 1 })
      let refused = PlainSocket.connected(to: server.endpoint)
      #expect(refused.read() == nil)
      let report = server.reports.wait(until: .now + TestPeer.patience) { $0.first }
      #expect(report?.message.contains("3 connections are open, which is the limit") == true)
      sockets[0].end()
      #expect(server.hasConnections(2))
      let next = PlainSocket.connected(to: server.endpoint)
      #expect(server.peer(3).wait { $0.connected == 1 })
      withExtendedLifetime((sockets, next)) {}
    }
  }

  @Test("A closed listener refuses, and leaves open connections alone")
  func closing() throws {
    try withLoops(1) { group in
      let server = try TestServer(group) { .echo() }
      let socket = PlainSocket.connected(to: server.endpoint)
      #expect(server.peer().wait { $0.connected == 1 })
      server.listener.close()
      #expect(onLoop(group.loops[0]) { group.loops[0].descriptorCount } == 1)
      socket.write([1, 2])
      #expect(socket.read(2) == [1, 2])
      let late = TestPeer.connect(to: server.endpoint, on: group.loops[0])
      #expect(late.wait { $0.closed == 1 } && late.now.connected == 0)
    }
  }

  @Test("A listener that nobody closed goes with its loops, and its connections with it")
  func goesWithLoops() throws {
    weak var listener: Listener?
    weak var channel: ByteChannel?
    do {
      let group = try EventLoopGroup(name: "test", count: 1)
      let server = try TestServer(group)
      let socket = PlainSocket.connected(to: server.endpoint)
      listener = server.listener
      channel = server.peer().channel
      #expect(server.hasConnections(1))
      group.stop()
      withExtendedLifetime(socket) {}
    }
    #expect(listener == nil && channel == nil)
  }

  @Test(
    "Without a descriptor left nothing spins, it is reported, and connections are accepted when there are some again")
  func outOfDescriptors() async {
    await #expect(processExitsWith: .success) {
      let group = try EventLoopGroup(name: "test", count: 1)
      let server = try TestServer(group)
      let loop = group.loops[0]
      let sockets = (0..<3).map { _ in
        socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      }
      // No descriptor above those that are open.
      let probe = dup(0)
      close(probe)
      var limits = rlimit(rlim_cur: 0, rlim_max: 0)
      getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
      let usual = limits.rlim_cur
      limits.rlim_cur = rlim_t(probe)
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
      let address = server.listener.addresses[0]
      for socket in sockets { precondition(address.withSockaddr { connect(socket, $0, $1) } == 0) }
      guard let report = server.reports.wait(until: .now + TestPeer.patience, for: { $0.first }) else {
        fatalError("nothing was reported")
      }
      precondition(report.message.contains("cannot be accepted (Too many open files"), report.message)
      let before = onLoop(loop) { loop.turnNumber }
      let start = MonotonicTime.now
      let turns = Monitor(0)
      loop.execute {
        loop.schedule(after: .milliseconds(300)) {
          turns.withLock { $0 = loop.turnNumber - before }
          turns.signal()
        }
      }
      let count = turns.wait { $0 > 0 ? $0 : nil } ?? 0
      let tenths = Int((MonotonicTime.now - start) / 100_000_000)
      precondition(count < 10 + 3 * tenths, "\(count) turns in \(tenths) tenths of a second")
      limits.rlim_cur = usual
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
      precondition(server.peer(2).wait { $0.connected == 1 })
      group.stop()
      precondition(server.reports.withLock { $0.count } == 1)
    }
  }
}
