import Base
import Glibc
import TestSupport
import Testing

@testable import Networking

/// What streams and bytes cost, where a bound is promised.
@Suite("HTTP/2 costs", .serialized)
struct HTTP2CostTests {
  /// A handler that keeps nothing.
  private final class Handler: HTTP2StreamHandler {
    func received(head: HTTPFields, endsStream: Bool, on stream: HTTP2Stream) {}
    /// Where data should lie, and how many did and did not.
    var expected: UnsafeRawBufferPointer?
    var inPlace = 0
    var copied = 0

    func received(data: UnsafeRawBufferPointer, on stream: HTTP2Stream) {
      stream.consume(data.count)
      guard let expected, let start = expected.baseAddress, let address = data.baseAddress else { return }
      let offset = address - start
      if offset >= 0, offset + data.count <= expected.count { inPlace += data.count } else { copied += data.count }
    }
    func receivedEnd(on stream: HTTP2Stream) {}
    func closed(_ end: HTTP2StreamEnd, on stream: HTTP2Stream) {}
  }

  /// Two joined sessions whose bytes are handed over where they lie.
  private final class Joined: HTTP2SessionHandler {
    let client: HTTP2Session
    let server: HTTP2Session
    var opened: [HTTP2Stream] = []
    private var toServer = OutputQueue(keepsBlock: true)
    private var toClient = OutputQueue(keepsBlock: true)
    private let now = MonotonicTime(nanoseconds: 0)

    init() {
      client = HTTP2Session(.client, at: now)
      server = HTTP2Session(.server, at: now)
      server.handler = self
    }

    func opened(_ stream: HTTP2Stream, head: HTTPFields, in session: HTTP2Session) -> (any HTTP2StreamHandler)? {
      opened.append(stream)
      return Handler()
    }
    func wantsOutput(_ session: HTTP2Session) {}
    func ended(_ failure: Failure?, _ session: HTTP2Session) {}

    func exchange() {
      repeat {
        client.produce(into: &toServer)
        server.produce(into: &toClient)
        Self.hand(&toServer, to: server, now)
        Self.hand(&toClient, to: client, now)
        client.produce(into: &toServer)
        server.produce(into: &toClient)
      } while !toServer.isEmpty || !toClient.isEmpty
    }

    private static func hand(_ queue: inout OutputQueue, to session: HTTP2Session, _ now: MonotonicTime) {
      while !queue.isEmpty {
        queue.write { vectors in
          var count = 0
          for vector in vectors {
            session.receive(UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len), at: now)
            count += vector.iov_len
          }
          return count
        }
      }
    }
  }

  private final class Block: Sendable {
    nonisolated(unsafe) let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 64)
    init() { bytes.initializeMemory(as: UInt8.self, repeating: 1) }
    deinit { bytes.deallocate() }
  }

  /// In a process of its own, as the memory of one that runs other tests at the same time says nothing.
  @Test("Ten thousand idle streams that have been used cost less than 100 MB at both ends together")
  func idleStreams() async throws {
    await #expect(processExitsWith: .success) {
      let joined = Joined()
      joined.exchange()
      let before = ProcessMemory.residentBytes
      var streams: [HTTP2Stream] = []
      for _ in 0..<10_000 {
        streams.append(try joined.client.open(.post, handler: Handler()))
        if streams.count % 100 == 0 { joined.exchange() }
      }
      for index in streams.indices {
        streams[index].send([UInt8](repeating: 1, count: 100))
        joined.opened[index].send(head: .response(status: 200))
        joined.opened[index].send([UInt8](repeating: 2, count: 100))
        if index % 100 == 99 { joined.exchange() }
      }
      joined.exchange()
      let used = ProcessMemory.residentBytes - before
      print("10,000 idle streams: \(used / 10_000) bytes each for both ends")
      #expect(joined.client.streamCount == 10_000 && joined.server.streamCount == 10_000)
      #expect(joined.client.outputByteCount == 0 && joined.server.outputByteCount == 0)
      #expect(used < ProcessMemory.bound(60 << 20))
    }
  }

  @Test("Ten thousand streams with a little output that waits keep 256 bytes each for it")
  func slowStreams() throws {
    let joined = Joined()
    joined.exchange()
    var streams: [HTTP2Stream] = []
    for _ in 0..<10_000 {
      streams.append(try joined.client.open(.post, handler: Handler()))
      if streams.count % 100 == 0 { joined.exchange() }
    }
    for stream in streams { stream.send([UInt8](repeating: 1, count: 100)) }
    #expect(joined.client.outputByteCount == 1_000_000)
    #expect(streams.reduce(0) { $0 + $1.output.copiedCapacity } == 10_000 * 256)
    joined.exchange()
    #expect(joined.client.outputByteCount == 0)
    #expect(streams.allSatisfy { $0.output.copiedCapacity == 0 })
  }

  @Test("Handlers get data from where the other side's handlers had them, not a copy")
  func nothingIsCopied() throws {
    let joined = Joined()
    let stream = try joined.client.open(.post, handler: Handler())
    joined.exchange()
    let there = try #require(joined.opened.first?.handler as? Handler)
    let block = Block()
    there.expected = UnsafeRawBufferPointer(block.bytes)
    for _ in 0..<40 {
      stream.send(UnsafeRawBufferPointer(block.bytes), ownedBy: block)
      joined.exchange()
    }
    // A frame may end within the last 512 bytes of a block, which are then copied.
    #expect(there.inPlace + there.copied == 40 * block.bytes.count && there.copied < 40 * OutputQueue.copiedBelow)
    #expect(stream.outputByteCount == 0)
  }
}
