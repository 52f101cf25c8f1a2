import Base
import Glibc
import TestSupport
import Testing

@testable import Networking

/// Bytes over TCP, and how connections end.
@Suite("Byte channel")
struct ByteChannelTests {
  /// Runs `body` with loops that are stopped after it, and checks that nothing is left in them.
  private func withLoops(_ count: Int = 1, _ body: (EventLoopGroup) throws -> Void) throws {
    let group = try EventLoopGroup(name: "test", count: count)
    defer { group.stop() }
    try body(group)
  }

  @Test("Bytes of all sizes go both ways unharmed while readers pause", arguments: [1, 2])
  func transfers(_ loops: Int) throws {
    var random = SeededGenerator()
    let seed = random.description
    try withLoops(loops) { group in
      let server = try TestServer(group) { .echo() }
      for _ in 0..<6 {
        let sent = Monitor<[UInt8]>([])
        let peer = TestPeer.connect(to: server.endpoint, on: group.next())
        let content = pattern(
          [0, 1, 100, 70_000, 3_000_000].randomElement(using: &random)!, UInt64.random(in: 0 ... .max, using: &random))
        var start = 0
        while start < content.count {
          let end = min(content.count, start + [1, 511, 9_000, 300_000].randomElement(using: &random)!)
          let part = Array(content[start..<end])
          start = end
          peer.send(part)
          sent.withLock { $0 += part }
          switch Int.random(in: 0..<4, using: &random) {
          case 0: peer.onLoop { $0.pauseReading() }
          case 1: peer.onLoop { $0.resumeReading() }
          default: break
          }
        }
        peer.onLoop { $0.resumeReading() }
        #expect(peer.wait { $0.bytes.count >= content.count }, "\(seed)")
        peer.onLoop { $0.close() }
        #expect(peer.wait { $0.closed == 1 }, "\(seed)")
        let log = peer.now
        #expect(log.bytes == content && log.failure == nil && log.wrongCalls == 0, "\(seed)")
      }
      #expect(server.hasConnections(0))
      for peer in server.accepted.withLock({ $0 }) {
        #expect(peer.now.closed == 1 && peer.now.failure == nil && peer.now.wrongCalls == 0, "\(seed)")
      }
      for loop in group.loops { #expect(onLoop(loop) { loop.descriptorCount } <= 1) }
    }
  }

  @Test("Output that was appended while it connects is written, and close writes what waits")
  func closeDrains() throws {
    try withLoops { group in
      let listening = PlainSocket.listening()
      var behaviour = TestPeer.Behaviour()
      let content = pattern(5_000_000)
      behaviour.connected = { channel in
        channel.output.append(copying: content)
        channel.close()
      }
      let peer = TestPeer.connect(to: listening.endpoint, on: group.next(), behaviour)
      let socket = listening.accept()
      #expect(socket.read() == content)
      socket.end()
      #expect(peer.wait { $0.closed == 1 })
      #expect(peer.now.failure == nil && peer.now.wrongCalls == 0)
    }
  }

  @Test("What waits reaches a peer that goes on sending after we closed")
  func closeAgainstSender() throws {
    try withLoops { group in
      let listening = PlainSocket.listening()
      let content = pattern(300_000)
      var behaviour = TestPeer.Behaviour()
      behaviour.received = { channel, _ in
        guard channel.isOpen else { return }
        channel.output.append(copying: content)
        channel.close()
      }
      let peer = TestPeer.connect(to: listening.endpoint, on: group.next(), behaviour)
      let socket = listening.accept()
      socket.write(pattern(4_000_000))
      #expect(socket.read() == content)
      socket.end()
      #expect(peer.wait { $0.closed == 1 } && peer.now.failure == nil)
    }
  }

  @Test("A peer that does not take the last bytes is given up, with a sentence")
  func closeDeadline() throws {
    try withLoops { group in
      let listening = PlainSocket.listening()
      let peer = TestPeer.connect(to: listening.endpoint, on: group.next())
      let socket = listening.accept()
      peer.onLoop { channel in
        channel.output.append(copying: pattern(20_000_000))
        channel.close(within: .milliseconds(30))
      }
      #expect(peer.wait { $0.closed == 1 })
      #expect(peer.now.failure?.message.contains("did not take the last") == true)
      #expect(socket.read() == nil)
    }
  }

  @Test("A peer that never ends its side does not keep a closed channel")
  func partingDeadline() throws {
    try withLoops { group in
      let listening = PlainSocket.listening()
      let peer = TestPeer.connect(to: listening.endpoint, on: group.next())
      let socket = listening.accept()
      peer.onLoop { $0.close() }
      #expect(socket.read() == [])
      #expect(peer.wait { $0.closed == 1 } && peer.now.failure == nil)
    }
  }

  @Test("The peer's end is told once, and who stays open can still write and end for himself")
  func halfClose() throws {
    try withLoops { group in
      let server = try TestServer(group) {
        var behaviour = TestPeer.Behaviour()
        behaviour.afterEnd = .stayOpen
        return TestPeer(behaviour)
      }
      let socket = PlainSocket.connected(to: server.endpoint)
      socket.write([1, 2, 3])
      socket.end()
      let peer = server.peer()
      #expect(peer.wait { $0.ended == 1 })
      let content = pattern(3_000_000)
      peer.onLoop { channel in
        channel.output.append(copying: content)
        channel.endOutput()
      }
      #expect(socket.read() == content)
      #expect(peer.wait { $0.closed == 1 })
      let log = peer.now
      #expect(log.bytes == [1, 2, 3] && log.ended == 1 && log.failure == nil && log.wrongCalls == 0)
    }
  }

  @Test("Our end comes first: the peer's bytes are still received")
  func endOutputFirst() throws {
    try withLoops { group in
      let listening = PlainSocket.listening()
      let peer = TestPeer.connect(to: listening.endpoint, on: group.next())
      let socket = listening.accept()
      peer.onLoop { $0.endOutput() }
      #expect(socket.read() == [])
      let content = pattern(2_000_000)
      socket.write(content)
      socket.end()
      #expect(peer.wait { $0.closed == 1 })
      let log = peer.now
      #expect(log.bytes == content && log.ended == 1 && log.failure == nil)
    }
  }

  @Test("A reset is a failure that names the peer, while reading and while paused", arguments: [false, true])
  func resets(_ isPaused: Bool) throws {
    try withLoops { group in
      let server = try TestServer(group)
      let socket = PlainSocket.connected(to: server.endpoint)
      let name = SocketCalls.ownAddress(socket.descriptor)!.description
      let peer = server.peer()
      #expect(peer.wait { $0.connected == 1 })
      if isPaused { peer.onLoop { $0.pauseReading() } }
      socket.reset()
      #expect(peer.wait { $0.closed == 1 })
      let message = peer.now.failure?.message ?? ""
      #expect(message.contains(name) && message.contains("reset by the peer"))
      #expect(server.hasConnections(0))
    }
  }

  @Test("Writing to a peer that is gone is a failure, told after flush returned, and no signal")
  func brokenPipe() throws {
    try withLoops { group in
      let server = try TestServer(group) {
        var behaviour = TestPeer.Behaviour()
        behaviour.afterEnd = .stayOpen
        return TestPeer(behaviour)
      }
      let socket = PlainSocket.connected(to: server.endpoint)
      let peer = server.peer()
      #expect(peer.wait { $0.connected == 1 })
      socket.end()
      #expect(peer.wait { $0.ended == 1 })
      peer.onLoop { channel in
        // Within one task of the loop the reset is not noticed by reading: only the write can tell.
        socket.reset()
        for _ in 0..<3 {
          channel.output.append(copying: [1, 2, 3])
          channel.flush()
          #expect(peer.now.closed == 0)
        }
      }
      #expect(peer.wait { $0.closed == 1 })
      #expect(peer.now.failure?.message.contains("reset by the peer") == true && peer.now.wrongCalls == 0)
    }
  }

  @Test("An abort resets the connection, and the handler is told its reason")
  func abort() throws {
    try withLoops { group in
      let listening = PlainSocket.listening()
      let peer = TestPeer.connect(to: listening.endpoint, on: group.next())
      let socket = listening.accept()
      peer.onLoop { channel in
        channel.output.append(copying: pattern(100))
        channel.abort(Failure(.io, "because"))
        channel.abort(Failure(.io, "too late"))
        channel.close()
        channel.flush()
      }
      #expect(socket.read() == nil)
      #expect(peer.wait { $0.closed == 1 } && peer.now.failure?.message == "because")
    }
  }

  @Test("A full peer is told by hasRoom, and memory stays bounded by the low mark and what is appended on it")
  func room() throws {
    try withLoops(2) { group in
      let listening = PlainSocket.listening()
      let total = 30_000_000
      let left = Monitor(total)
      let most = Monitor(0)
      let block = pattern(400_000)
      var behaviour = TestPeer.Behaviour()
      let fill: @Sendable (ByteChannel) -> Void = { channel in
        while channel.output.byteCount <= channel.options.lowOutput {
          let part = left.withLock { left in
            let part = min(left, block.count)
            left -= part
            return part
          }
          guard part > 0 else { return channel.endOutput() }
          channel.output.append(copying: block[..<part])
          channel.flush()
          most.withLock { $0 = max($0, channel.output.byteCount) }
        }
      }
      behaviour.connected = fill
      behaviour.hasRoom = fill
      let peer = TestPeer.connect(to: listening.endpoint, on: group.next(), behaviour)
      let socket = listening.accept()
      #expect(peer.wait { $0.connected == 1 })
      let content = socket.read() ?? []
      #expect(content.count == total)
      #expect(stride(from: 0, to: total, by: 400_000).allSatisfy { content[$0..<($0 + 400_000)].elementsEqual(block) })
      #expect(most.withLock { $0 } <= 256 * 1024 + 400_000)
      #expect(peer.now.rooms > 0 && peer.now.wrongCalls == 0)
    }
  }

  @Test("Room is told too when the kernel was full before more than the low mark was appended")
  func roomAfterFull() throws {
    try withLoops { group in
      let listening = PlainSocket.listening()
      let peer = TestPeer.connect(to: listening.endpoint, on: group.next())
      let socket = listening.accept()
      #expect(peer.wait { $0.connected == 1 })
      // Step by step, until the kernel takes no more and less than the mark waits.
      var isFull = false
      while !isFull {
        isFull = peer.onLoop { channel in
          channel.output.append(copying: pattern(50_000))
          channel.flush()
          return !channel.mayWrite && !channel.output.isEmpty
        }
      }
      let waiting = peer.onLoop { channel in
        let before = channel.awaitsRoom
        channel.output.append(copying: pattern(400_000))
        channel.flush()
        return !before && channel.output.byteCount > 400_000
      }
      #expect(waiting && peer.now.rooms == 0)
      let reader = try OSThread(name: "reader") { _ = socket.read() }
      #expect(peer.wait { $0.rooms == 1 })
      peer.onLoop { $0.close() }
      reader.join()
      socket.end()
      #expect(peer.wait { $0.closed == 1 } && peer.now.failure == nil)
    }
  }

  @Test("Within this machine neither end paces what it sends, whatever the system would choose")
  func withinThisMachine() throws {
    try withLoops { group in
      let server = try TestServer(group) { TestPeer() }
      let client = TestPeer.connect(to: server.endpoint, on: group.loops[0])
      for peer in [client, server.peer(0)] {
        #expect(peer.wait { $0.connected == 1 })
        #expect(peer.onLoop { SocketCalls.congestionControl($0.descriptor) } == "reno")
      }
    }
  }

  @Test("A turn reads no more than its limit of a connection, so that others get theirs")
  func fairness() throws {
    try withLoops { group in
      let server = try TestServer(group) {
        var behaviour = TestPeer.Behaviour()
        behaviour.keepsBytes = false
        return TestPeer(behaviour)
      }
      let flood = PlainSocket.connected(to: server.endpoint)
      let peer = server.peer(0)
      #expect(peer.wait { $0.connected == 1 })
      peer.onLoop { $0.pauseReading() }
      // Fills the kernel's buffers while nothing is read, and goes on from a thread of its own.
      let endpoint = server.endpoint
      let descriptor = flood.descriptor
      let thread = try OSThread(name: "flood") {
        let block = pattern(1 << 20)
        for _ in 0..<64 {
          var done = 0
          while done < block.count {
            let count = block[done...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, 0) }
            precondition(count > 0)
            done += count
          }
        }
      }
      peer.onLoop { $0.resumeReading() }
      let small = PlainSocket.connected(to: endpoint)
      let other = server.peer(1)
      small.write([1])
      #expect(other.wait { $0.receivedAll == 1 })
      #expect(
        peer.wait { $0.perTurn.values.reduce(0, +) == 64 << 20 && $0.receivedAll == $0.received })
      thread.join()
      let log = peer.now
      #expect(log.perTurn.values.allSatisfy { $0 < ByteChannel.turnLimit + LoopBlocks.readSize })
    }
  }

  @Test("A TLS hello to a port without TLS is refused with a sentence where that is asked for")
  func hello() throws {
    try withLoops { group in
      var options = ListenerOptions()
      options.connection.refusesTLS = true
      let server = try TestServer(group, options: options)
      let socket = PlainSocket.connected(to: server.endpoint)
      socket.write([0x16, 0x03, 0x01, 0x02, 0x00])
      #expect(server.peer().wait { $0.closed == 1 })
      #expect(server.peer().now.failure?.message.contains("speaks TLS to a port without it") == true)
      let other = PlainSocket.connected(to: server.endpoint)
      other.write(Array("PRI".utf8))
      #expect(server.peer(1).wait { $0.bytes.count == 3 })
    }
  }

  @Test("A loop that stops closes its connections with a failure that says so")
  func loopStops() throws {
    let group = try EventLoopGroup(name: "test", count: 2)
    let server = try TestServer(group)
    let sockets = (0..<4).map { _ in PlainSocket.connected(to: server.endpoint) }
    for index in sockets.indices { #expect(server.peer(index).wait { $0.connected == 1 }) }
    group.stop()
    for index in sockets.indices {
      let log = server.peer(index).now
      #expect(log.closed == 1 && log.failure?.message.contains("stops") == true)
    }
    #expect(server.listener.connectionCount == 0)
  }

  @Test("Connections that end at any moment leave nothing behind")
  func randomEnds() async {
    await #expect(processExitsWith: .success) {
      var random = SeededGenerator()
      let seed = random.description
      func descriptors() -> Int {
        let directory = opendir("/proc/self/fd")!
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        return count
      }
      func run(_ count: Int) throws {
        let group = try EventLoopGroup(name: "test", count: 3)
        let server = try TestServer(group) { .echo() }
        var peers: [TestPeer] = []
        for _ in 0..<count {
          let peer = TestPeer.connect(to: server.endpoint, on: group.next())
          peers.append(peer)
          let size = [0, 10, 100_000, 2_000_000].randomElement(using: &random)!
          if Bool.random(using: &random) { peer.send(pattern(size)) }
          let victim = peers.randomElement(using: &random)!
          switch Int.random(in: 0..<4, using: &random) {
          case 0: victim.onLoop { $0.abort() }
          case 1: victim.onLoop { $0.close(within: .milliseconds(50)) }
          case 2: victim.onLoop { $0.endOutput() }
          default: break
          }
        }
        for peer in peers where Bool.random(using: &random) { peer.onLoop { $0.close() } }
        server.listener.close()
        group.stop()
        for peer in peers { precondition(peer.now.closed == 1 && peer.now.wrongCalls == 0, seed) }
        for peer in server.accepted.withLock({ $0 }) {
          precondition(peer.now.closed == 1 && peer.now.wrongCalls == 0, seed)
        }
        precondition(server.listener.connectionCount == 0, seed)
      }
      try run(5)
      let before = descriptors()
      for _ in 0..<4 { try run(60) }
      precondition(descriptors() == before, "\(seed): descriptors are left")
    }
  }
}
