import Base
import Glibc
import Testing

@testable import Networking

/// Peers that do not read, and peers that are gone: the kernel's own view of the connection decides when to go on.
@Suite("Peers that acknowledge, and that do not")
struct WatchingTests {
  private static let limit = Duration.milliseconds(400)

  /// A channel with a short limit, and the socket at its other end, which reads nothing by itself.
  private func withPeers(_ body: (_ peer: TestPeer, _ socket: PlainSocket) throws -> Void) throws {
    let loop = try EventLoop(name: "test")
    defer { loop.stop() }
    let listening = PlainSocket.listening()
    var options = ConnectionOptions()
    options.unacknowledgedLimit = Self.limit
    let peer = TestPeer.connect(to: listening.endpoint, on: loop, options: options)
    let socket = listening.accept()
    try body(peer, socket)
  }

  /// Waits until the kernel's view of the connection is as the condition wants it; false when it never was, or the connection
  /// is gone.
  private func wait(_ peer: TestPeer, _ condition: @escaping @Sendable (tcp_info) -> Bool) -> Bool {
    let outcome = Monitor<Bool?>(nil)
    let end = MonotonicTime.now + TestPeer.patience
    @Sendable func look(_ channel: ByteChannel) {
      let state = SocketCalls.state(channel.descriptor)
      guard let state, !condition(state), .now < end else {
        outcome.withLock { $0 = state.map(condition) ?? false }
        return outcome.broadcast()
      }
      channel.loop.schedule(after: .milliseconds(5)) { look(channel) }
    }
    peer.onLoop { look($0) }
    return outcome.wait { $0 } ?? false
  }

  /// All that was sent is acknowledged, and more waits: the window is closed.
  private func waitForClosedWindow(_ peer: TestPeer) -> Bool {
    wait(peer) { $0.tcpi_unacked == 0 && $0.tcpi_backoff > 0 }
  }

  @Test("A peer that reads nothing for several times the limit is not gone, and gets all when it reads on")
  func closedWindow() throws {
    let content = pattern(20_000_000)
    try withPeers { peer, socket in
      peer.send(content)
      #expect(waitForClosedWindow(peer))
      let limits = UInt32(Self.limit.wholeNanoseconds / 1_000_000) * 5
      #expect(wait(peer) { $0.tcpi_last_data_sent > limits })
      #expect(peer.now.closed == 0 && peer.onLoop { !$0.output.isEmpty })
      #expect(socket.read(content.count) == content)
      peer.onLoop { $0.close() }
      socket.end()
      #expect(peer.wait { $0.closed == 1 } && peer.now.failure == nil)
    }
  }

  @Test("A peer that acknowledges nothing is given up")
  func silentPeer() throws {
    try withPeers { peer, socket in
      #expect(peer.wait { $0.connected == 1 })
      socket.vanish()
      peer.send([1, 2, 3])
      #expect(peer.wait { $0.closed == 1 })
      #expect(peer.now.failure?.message.contains("has not answered for too long") == true)
    }
  }

  @Test("A peer that vanishes while its window is closed is given up")
  func silentPeerWithClosedWindow() throws {
    let content = pattern(20_000_000)
    try withPeers { peer, socket in
      peer.send(content)
      #expect(waitForClosedWindow(peer))
      socket.vanish()
      #expect(peer.wait { $0.closed == 1 })
      #expect(peer.now.failure?.message.contains("has not answered for too long") == true)
    }
  }

  @Test("A connection over which nothing waits is not looked at")
  func idle() throws {
    try withPeers { peer, socket in
      peer.send([1, 2, 3])
      #expect(socket.read(3) == [1, 2, 3])
      let isWatched = Monitor<Bool?>(nil)
      @Sendable func look(_ channel: ByteChannel) {
        guard channel.isWatched else {
          isWatched.withLock { $0 = false }
          return isWatched.broadcast()
        }
        channel.loop.schedule(after: .milliseconds(5)) { look(channel) }
      }
      peer.onLoop { look($0) }
      #expect(isWatched.wait(until: .now + TestPeer.patience) { $0 } == false)
      peer.send([4])
      #expect(peer.onLoop { $0.isWatched } && peer.now.closed == 0)
    }
  }
}

extension PlainSocket {
  /// From now on the kernel drops all that comes for this socket before TCP sees it, as if its machine were gone.
  fileprivate func vanish() {
    // A classic BPF program of one instruction, "return 0 bytes": linux/filter.h.
    struct Instruction {
      var code: UInt16 = 0x06
      var jumps: UInt16 = 0
      var value: UInt32 = 0
    }
    struct Program {
      var count: UInt16
      var instructions: UnsafeMutablePointer<Instruction>
    }
    var instruction = Instruction()
    let status = withUnsafeMutablePointer(to: &instruction) { instructions in
      var program = Program(count: 1, instructions: instructions)
      return setsockopt(
        descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, socklen_t(MemoryLayout<Program>.size))
    }
    precondition(status == 0, "errno \(errno)")
  }
}
