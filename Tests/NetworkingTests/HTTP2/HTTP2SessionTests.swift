import Base
import TestSupport
import Testing

@testable import Networking

/// Two sessions, joined in memory.
@Suite("HTTP/2 session")
struct HTTP2SessionTests {
  /// One request with a body, one response with a body and trailers; checks both sides.
  private static func exchange(_ pair: TestPair, cut: (Int) -> Int) throws {
    pair.server.makeRecorder = { _, _ in
      let recorder = StreamRecorder()
      recorder.onEnd = { stream in
        stream.send(head: .response(status: 200, ["content-type": "text/plain"]))
        stream.send([4, 5, 6, 7])
        stream.end(trailers: ["grpc-status": "0", "note": "fine"])
      }
      return recorder
    }
    let (stream, recorder) = try pair.open(.post)
    stream.send([1, 2, 3])
    stream.end()
    pair.exchange(cut: cut)
    let seen = try #require(pair.server.opened.first?.recorder)
    #expect(seen.head == .post && seen.data == [1, 2, 3] && seen.hasEnded && seen.end == .finished)
    #expect(recorder.head == .response(status: 200, ["content-type": "text/plain"]) && recorder.data == [4, 5, 6, 7])
    #expect(
      recorder.trailers == ["grpc-status": "0", "note": "fine"] && recorder.hasEnded && recorder.end == .finished)
    #expect(pair.client.session.streamCount == 0 && pair.server.session.streamCount == 0)
    #expect(pair.client.session.outputByteCount == 0 && pair.server.session.outputByteCount == 0)
  }

  @Test("A request and its response come through with all that belongs to them, cut at every place")
  func everyCut() throws {
    try Self.exchange(TestPair(), cut: { $0 })
    try Self.exchange(TestPair(), cut: { _ in 1 })
    for place in 1..<300 {
      var isFirst = true
      try Self.exchange(TestPair()) { count in
        defer { isFirst = false }
        return isFirst ? place : count
      }
    }
  }

  @Test("A head that ends its stream needs no data frame on either side")
  func headsOnly() throws {
    let pair = TestPair()
    pair.server.makeRecorder = { _, _ in
      let recorder = StreamRecorder()
      recorder.onEnd = { $0.send(head: .response(status: 204), endsStream: true) }
      return recorder
    }
    let (_, recorder) = try pair.open(endsStream: true)
    pair.exchange()
    #expect(recorder.head == .response(status: 204) && recorder.end == .finished && recorder.data.isEmpty)
    #expect(pair.server.opened[0].recorder.end == .finished)
  }

  @Test("A stream sends no more than its window until the other side's handler consumes, and others go on")
  func streamWindow() throws {
    var options = HTTP2Options()
    options.streamWindow = 100_000
    let pair = TestPair(server: options)
    pair.server.makeRecorder = { _, head in
      let recorder = StreamRecorder()
      recorder.consumesAtOnce = head.path == "/free"
      return recorder
    }
    let (held, _) = try pair.open(.request(method: "POST", path: "/held", authority: "v"))
    let (free, _) = try pair.open(.request(method: "POST", path: "/free", authority: "v"))
    let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
    pair.exchange()
    held.send(bytes)
    free.send(bytes)
    pair.exchange()
    let (heldThere, heldSeen) = pair.server.opened[0]
    #expect(heldSeen.data == Array(bytes[..<100_000]) && held.outputByteCount == 900_000)
    #expect(pair.server.opened[1].recorder.data == bytes && free.outputByteCount == 0)
    // Less than an eighth of a window is not announced.
    heldThere.consume(12_499)
    pair.exchange()
    #expect(heldSeen.data.count == 100_000)
    let wants = pair.server.wants
    heldThere.consume(1)
    #expect(pair.server.wants == wants + 1)
    pair.exchange()
    #expect(heldSeen.data.count == 112_500)
    heldThere.consume(37_500)
    pair.exchange()
    #expect(heldSeen.data.count == 150_000)
    heldSeen.consumesAtOnce = true
    heldThere.consume(100_000)
    pair.exchange()
    #expect(heldSeen.data == bytes && held.outputByteCount == 0)
  }

  @Test("A handler that fills its stream is told when there is room, once for each time that it was full")
  func room() throws {
    var options = HTTP2Options()
    options.streamOutputMark = 10_000
    let pair = TestPair(client: options)
    let (stream, recorder) = try pair.open(.post)
    #expect(stream.hasRoom)
    stream.send([UInt8](repeating: 1, count: 9_999))
    #expect(stream.hasRoom)
    stream.send([2])
    #expect(!stream.hasRoom && recorder.roomCalls == 0)
    recorder.onRoom = { if recorder.roomCalls < 5 { $0.send([UInt8](repeating: 3, count: 20_000)) } else { $0.end() } }
    pair.exchange()
    #expect(recorder.roomCalls == 5)
    let seen = pair.server.opened[0].recorder
    #expect(seen.data.count == 90_000 && seen.hasEnded)
  }

  @Test("What is produced stops at the caller's limit and goes on from there")
  func limit() throws {
    let pair = TestPair()
    let (stream, _) = try pair.open(.post)
    pair.exchange()
    let bytes = (0..<500_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    stream.send(bytes)
    var parts = 0
    while true {
      let part = pair.client.take(atMost: 50_000)
      if part.isEmpty { break }
      #expect(part.count <= 50_000 + 16_384 + 9)
      pair.server.give(part)
      parts += 1
    }
    #expect(parts >= 8 && pair.server.opened[0].recorder.data == bytes)
  }

  @Test("Large data keep their place in memory on the way to the connection's queue")
  func references() throws {
    final class Block: Sendable {
      nonisolated(unsafe) let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 300_000, alignment: 64)
      init() { bytes.initializeMemory(as: UInt8.self, repeating: 9) }
      deinit { bytes.deallocate() }
    }
    let pair = TestPair()
    let (stream, _) = try pair.open(.post)
    pair.exchange()
    weak var watched: Block?
    do {
      let block = Block()
      watched = block
      stream.send(UnsafeRawBufferPointer(block.bytes), ownedBy: block)
    }
    let start = try #require(watched?.bytes.baseAddress)
    pair.client.session.produce(into: &pair.client.output)
    var data = 0
    pair.client.output.write { vectors in
      for vector in vectors where vector.iov_len > 9 {
        #expect(vector.iov_base == start + data)
        data += vector.iov_len
      }
      return vectors.reduce(0) { $0 + $1.iov_len }
    }
    #expect(data == 300_000 && watched == nil)
  }

  @Test("Streams take turns when they have more to send than goes at once")
  func fairness() throws {
    for fromServer in [false, true] {
      let pair = TestPair()
      var senders: [HTTP2Stream] = []
      for _ in 0..<4 { senders.append(try pair.open(.post).stream) }
      pair.exchange()
      if fromServer {
        senders = pair.server.opened.map(\.stream)
        for stream in senders { stream.send(head: .response(status: 200)) }
        pair.exchange()
      }
      for stream in senders { stream.send([UInt8](repeating: 1, count: 1_000_000)) }
      let sender = fromServer ? pair.server : pair.client
      _ = sender.take(atMost: 8 * 50_000)
      _ = sender.take(atMost: 2_000_000)
      let left = senders.map(\.outputByteCount)
      #expect(left.max()! - left.min()! <= 2 * 256 * 1024, "\(left)")
    }
  }

  @Test("A stream given up by either side is closed on both, with the code, and its bytes are forgotten")
  func reset() throws {
    let pair = TestPair()
    let (stream, recorder) = try pair.open(.post)
    let (other, otherRecorder) = try pair.open(.post)
    pair.exchange()
    stream.send([UInt8](repeating: 1, count: 100))
    stream.reset(.cancel)
    #expect(recorder.end == .reset(.cancel, byPeer: false) && !stream.isOpen && stream.outputByteCount == 0)
    #expect(pair.client.session.outputByteCount == 0)
    // What is called afterwards has no effect.
    stream.send([1])
    stream.end()
    stream.consume(0)
    stream.reset(.noError)
    pair.exchange()
    #expect(pair.server.opened[0].recorder.end == .reset(.cancel, byPeer: true))
    pair.server.opened[1].stream.reset(.internalError)
    pair.exchange()
    #expect(otherRecorder.end == .reset(.internalError, byPeer: true) && !other.isOpen)
    #expect(!pair.client.session.isEnded && pair.client.session.streamCount == 0)
  }

  @Test("A refused request says that it may be sent again")
  func refused() throws {
    let pair = TestPair()
    pair.server.makeRecorder = { _, _ in nil }
    let (_, recorder) = try pair.open(.post)
    pair.exchange()
    let failure = try #require(recorder.end?.unprocessed)
    #expect(failure.retryable && failure.message.contains("did not begin with the request"))
  }

  @Test("Requests beyond what the peer takes at once wait their turn, in order, up to a bound, and can be given up")
  func waiting() throws {
    var options = HTTP2Options()
    options.maxConcurrentStreams = 2
    var clientOptions = HTTP2Options()
    clientOptions.maxWaitingRequests = 3
    let pair = TestPair(client: clientOptions, server: options)
    pair.exchange()
    var requests: [(stream: HTTP2Stream, recorder: StreamRecorder)] = []
    for index in 0..<5 {
      requests.append(try pair.open(.request(method: "POST", path: "/\(index)", authority: "v")))
      requests[index].stream.send([UInt8(index)])
      requests[index].stream.end(trailers: index == 3 ? ["x": "y"] : nil)
    }
    let excess = #expect(throws: Failure.self) { try pair.open() }
    #expect(excess?.retryable == true && excess?.message.contains("as many as the peer takes") == true)
    pair.exchange()
    #expect(pair.server.opened.count == 2 && requests[2].stream.id == 0)
    requests[2].stream.reset(.cancel)
    #expect(requests[2].recorder.end == .reset(.cancel, byPeer: false))
    for index in 0..<4 {
      #expect(pair.server.opened.count == min(4, index + 2))
      let (stream, recorder) = pair.server.opened[index]
      #expect(recorder.hasEnded && recorder.data == [UInt8([0, 1, 3, 4][index])])
      stream.send(head: .response(status: 200), endsStream: true)
      pair.exchange()
    }
    #expect(pair.server.opened[2].recorder.trailers == ["x": "y"])
    #expect(requests.enumerated().allSatisfy { $0.offset == 2 || $0.element.recorder.end == .finished })
  }

  @Test("A PING comes back with its number and its time")
  func pings() throws {
    let pair = TestPair()
    pair.exchange()
    let first = try #require(pair.client.session.ping(at: MonotonicTime(nanoseconds: 100)))
    let second = try #require(pair.client.session.ping(at: MonotonicTime(nanoseconds: 150)))
    pair.now = 1_100
    pair.exchange()
    #expect(
      pair.client.answers.map(\.id) == [first, second] && pair.client.answers.map(\.nanoseconds) == [1_000, 950])
    for _ in 0..<8 { #expect(pair.server.session.ping(at: MonotonicTime(nanoseconds: 0)) != nil) }
    #expect(pair.server.session.ping(at: MonotonicTime(nanoseconds: 0)) == nil)
  }

  @Test("A server that drains serves what was on its way, then ends; the client opens nothing new")
  func serverDrains() throws {
    let pair = TestPair()
    let (open, recorder) = try pair.open(.post)
    pair.exchange()
    let (late, lateRecorder) = try pair.open(.post)
    pair.server.session.startDrain(at: MonotonicTime(nanoseconds: 0))
    // The notice and the PING reach the client after it has sent another request.
    let notice = pair.server.take()
    let request = pair.client.take()
    pair.client.give(notice)
    #expect(pair.client.drains == 1)
    let refused = #expect(throws: Failure.self) { try pair.open() }
    #expect(refused?.retryable == true && refused?.message.contains("drains") == true)
    pair.server.give(request)
    pair.exchange()
    #expect(pair.server.opened.count == 2 && pair.server.session.deadline == nil)
    for (stream, _) in pair.server.opened { stream.send(head: .response(status: 200), endsStream: true) }
    pair.exchange()
    #expect(recorder.head != nil && lateRecorder.head != nil && pair.client.end == nil)
    open.end()
    late.end()
    pair.exchange()
    #expect(recorder.end == .finished && lateRecorder.end == .finished)
    #expect(pair.client.end == .some(nil) && pair.server.end == .some(nil))
  }

  @Test("A client that does not answer the PING of draining is told the last stream when its time is over")
  func drainTimeout() throws {
    let pair = TestPair()
    pair.exchange()
    pair.server.session.startDrain(at: MonotonicTime(nanoseconds: 1_000))
    _ = pair.server.take()
    #expect(pair.server.session.deadline == MonotonicTime(nanoseconds: 5_000_001_000))
    pair.server.session.handleTime(MonotonicTime(nanoseconds: 5_000_000_999))
    #expect(pair.server.take().isEmpty && pair.server.end == nil)
    pair.server.session.handleTime(MonotonicTime(nanoseconds: 5_000_001_000))
    #expect(!pair.server.take().isEmpty && pair.server.end == .some(nil) && pair.server.session.deadline == nil)
  }

  @Test("A client that drains refuses its waiting requests and ends after the open ones")
  func clientDrains() throws {
    var options = HTTP2Options()
    options.maxConcurrentStreams = 1
    let pair = TestPair(server: options)
    pair.exchange()
    let (stream, recorder) = try pair.open(.post)
    let (_, waiting) = try pair.open(.post)
    pair.exchange()
    pair.client.session.startDrain(at: MonotonicTime(nanoseconds: 0))
    let failure = try #require(waiting.end?.unprocessed)
    #expect(failure.retryable)
    pair.exchange()
    pair.server.opened[0].stream.send(head: .response(status: 200), endsStream: true)
    stream.end()
    pair.exchange()
    #expect(recorder.end == .finished && pair.client.end == .some(nil) && pair.server.end == .some(nil))
  }

  @Test("A session that is closed tells each stream once and the peer why; the streams can be called and do nothing")
  func close() throws {
    let pair = TestPair()
    let (stream, recorder) = try pair.open(.post)
    pair.exchange()
    let failure = Failure(.io, "the socket broke")
    pair.client.session.close(.cancel, failure)
    #expect(recorder.end == .failed(failure) && pair.client.end == .some(failure))
    stream.send([1])
    stream.reset(.cancel)
    pair.exchange()
    #expect(pair.server.drains == 1)
    pair.server.opened[0].stream.reset(.cancel)
    pair.exchange()
    let end = try #require(pair.server.end)
    #expect(end?.message.contains("ended by the peer: CANCEL, 'the socket broke'") == true)
    #expect(throws: Failure.self) { try pair.open() }
  }

  @Test("A handler may close the session, or reset its stream, from within each of its calls", arguments: 0..<12)
  func insideCalls(_ number: Int) throws {
    let pair = TestPair()
    // It refers to the pair.
    defer { pair.server.makeRecorder = { _, _ in nil } }
    let resets = number % 2 == 0
    let recorder = StreamRecorder()
    let act: (HTTP2Stream) -> Void = { stream in
      if resets { stream.reset(.cancel) } else { stream.session?.close(.cancel) }
      #expect(recorder.end == nil || number / 2 == 4)
    }
    let server = StreamRecorder()
    pair.server.makeRecorder = { stream, _ in
      if number / 2 == 5 { if resets { stream.reset(.cancel) } else { pair.server.session.close(.cancel) } }
      return server
    }
    switch number / 2 {
    case 0: recorder.onHead = act
    case 1: recorder.onData = act
    case 2: recorder.onEnd = act
    case 3: recorder.onRoom = act
    case 4: recorder.onClosed = { _ in if !resets { pair.client.session.close() } }
    default: break
    }
    server.onHead = {
      $0.send(head: .response(status: 200))
      $0.send([UInt8](repeating: 1, count: 300_000))
      $0.end(trailers: ["a": "b"])
    }
    let stream = try pair.client.session.open(.post, handler: recorder)
    stream.send([UInt8](repeating: 2, count: 600_000))
    stream.end()
    pair.exchange()
    // As when a socket closes.
    if pair.client.session.isEnded { pair.server.session.close() }
    if pair.server.session.isEnded { pair.client.session.close() }
    #expect(recorder.end != nil && (server.head == nil || server.end != nil))
    if number < 8 && resets { #expect(recorder.end == .reset(.cancel, byPeer: false)) }
    if number < 8 && !resets { #expect(pair.client.session.isEnded && pair.client.end != nil) }
  }

  @Test("A session that goes tells its streams, which may be kept")
  func givenUp() throws {
    let recorder = StreamRecorder()
    var session: HTTP2Session? = HTTP2Session(.client, at: MonotonicTime(nanoseconds: 0))
    let stream = try session!.open(.post, handler: recorder)
    stream.send([1])
    session = nil
    let failure = try #require(recorder.end?.failed)
    #expect(failure.message.contains("given up") && !stream.isOpen)
    stream.send([1])
    stream.end()
  }

  @Test("Fields that a peer would refuse, or take for others, are refused with their name")
  func invalidFields() throws {
    let pair = TestPair()
    for (name, value) in [("Upper", "x"), ("", "x"), ("a b", "x"), ("x", "a\r\nb: c"), ("x", " a"), ("x", "a\u{0}")] {
      let failure = #expect(throws: Failure.self) {
        try pair.open(.request(method: "GET", path: "/", authority: "v", HTTPFields(dictionaryLiteral: (name, value))))
      }
      #expect(failure?.message.contains("'\(name)'") == true)
    }
    let large = String(repeating: "x", count: 70_000)
    let failure = #expect(throws: Failure.self) {
      try pair.open(.request(method: "GET", path: "/", authority: "v", ["x": large]))
    }
    #expect(failure?.message.contains("at most 65536") == true)
    // On a server's stream there is nobody to throw to: the stream is given up.
    let (_, recorder) = try pair.open(.post)
    pair.exchange()
    let (stream, seen) = pair.server.opened[0]
    stream.send(head: .response(status: 200, ["x": "a\nb"]))
    let told = try #require(seen.end?.failed)
    #expect(told.message.contains("'x'"))
    pair.exchange()
    #expect(recorder.end == .reset(.internalError, byPeer: true))
  }

  @Test("More output than the bound ends the connection")
  func outputBound() throws {
    var options = HTTP2Options()
    options.maxOutput = 100_000
    let pair = TestPair(client: options)
    let (stream, recorder) = try pair.open(.post)
    stream.send([UInt8](repeating: 0, count: 100_000))
    #expect(recorder.end == nil)
    stream.send([0])
    let failure = try #require(recorder.end?.failed)
    #expect(failure.message.contains("100001 bytes wait") && pair.client.session.isEnded)
    pair.exchange()
    #expect(pair.client.session.outputByteCount == 0)
  }

  @Test("A peer that does not greet in time is sent away")
  func greeting() throws {
    let peer = SessionPeer(.server, at: 1)
    #expect(peer.session.deadline == MonotonicTime(nanoseconds: 10_000_000_001))
    peer.session.handleTime(MonotonicTime(nanoseconds: 10_000_000_000))
    #expect(peer.end == nil)
    peer.session.handleTime(MonotonicTime(nanoseconds: 10_000_000_001))
    #expect(peer.end??.message.contains("no SETTINGS came within 10 s") == true)
    let pair = TestPair()
    pair.exchange()
    #expect(pair.client.session.deadline == nil && pair.server.session.deadline == nil)
  }
}
