import Base
import Glibc
import TestSupport
import Testing

@testable import Networking

/// Sockets that listen already, and go from one listener to the next.
@Suite("Inherited listener")
struct InheritedListenerTests {
  /// Says its number to whoever connects.
  private func listener(_ number: UInt8, _ descriptor: Int32, _ group: EventLoopGroup) throws -> Listener {
    var behaviour = TestPeer.Behaviour()
    behaviour.connected = { channel in
      channel.output.append(copying: [number])
      channel.flush()
      channel.close()
    }
    let peer = TestPeer(behaviour)
    return try Listener(inheriting: descriptor, on: group, report: { _ in }, handler: { peer.handler($0) })
  }

  @Test("Who connects between two listeners of one socket waits for the second one, and the port is never free")
  func takenOver() throws {
    let socket = PlainSocket.listening()
    for number: UInt8 in 1...3 {
      // Nobody accepts yet.
      let waiting = PlainSocket.connected(to: socket.endpoint)
      let group = try EventLoopGroup(name: "test", count: 1)
      defer { group.stop() }
      let copy = dup(socket.descriptor)
      let listener = try listener(number, copy, group)
      #expect(listener.addresses.map(\.port) == [socket.endpoint.port])
      #expect(fcntl(copy, F_GETFD) & FD_CLOEXEC != 0 && fcntl(copy, F_GETFL) & O_NONBLOCK != 0)
      #expect(waiting.read() == [number])
      #expect(PlainSocket.connected(to: socket.endpoint).read() == [number])
      listener.close()
    }
  }

  @Test("What is no socket is refused, and closed")
  func refused() throws {
    let group = try EventLoopGroup(name: "test", count: 1)
    defer { group.stop() }
    let null = open("/dev/null", O_RDONLY)
    #expect(throws: Failure.self) { try listener(1, null, group) }
    #expect(throws: Failure.self) { try listener(1, -1, group) }
  }
}
