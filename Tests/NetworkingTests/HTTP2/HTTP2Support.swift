import Base
import TestSupport
import Testing

@testable import Networking

/// Writes down what happens on a stream, checks its order, and answers as a test wants.
final class StreamRecorder: HTTP2StreamHandler {
  var head: HTTPFields?
  var data: [UInt8] = []
  var trailers: HTTPFields?
  var hasEnded = false
  var end: HTTP2StreamEnd?
  var roomCalls = 0
  /// Bytes to be consumed as they come; others wait for the test.
  var consumesAtOnce = true
  /// Called after each event is written down.
  var onHead: (HTTP2Stream) -> Void = { _ in }
  var onData: (HTTP2Stream) -> Void = { _ in }
  var onEnd: (HTTP2Stream) -> Void = { _ in }
  var onRoom: (HTTP2Stream) -> Void = { _ in }
  var onClosed: (HTTP2Stream) -> Void = { _ in }

  func received(head: HTTPFields, endsStream: Bool, on stream: HTTP2Stream) {
    #expect(self.head == nil && data.isEmpty && !hasEnded && end == nil && stream.isOpen)
    self.head = head
    onHead(stream)
  }

  func received(data: UnsafeRawBufferPointer, on stream: HTTP2Stream) {
    #expect(head != nil && trailers == nil && !hasEnded && end == nil && stream.isOpen && !data.isEmpty)
    self.data.append(contentsOf: data)
    if consumesAtOnce { stream.consume(data.count) }
    onData(stream)
  }

  func received(trailers: HTTPFields, on stream: HTTP2Stream) {
    #expect(head != nil && self.trailers == nil && !hasEnded && end == nil && stream.isOpen)
    self.trailers = trailers
  }

  func receivedEnd(on stream: HTTP2Stream) {
    #expect(head != nil && !hasEnded && end == nil && stream.isOpen)
    hasEnded = true
    onEnd(stream)
  }

  func hasRoom(on stream: HTTP2Stream) {
    #expect(end == nil && stream.isOpen && stream.hasRoom)
    roomCalls += 1
    onRoom(stream)
  }

  func closed(_ end: HTTP2StreamEnd, on stream: HTTP2Stream) {
    #expect(self.end == nil && !stream.isOpen)
    self.end = end
    onClosed(stream)
    // They may refer to this recorder, and nothing is called any more.
    (onHead, onData, onEnd, onRoom, onClosed) = ({ _ in }, { _ in }, { _ in }, { _ in }, { _ in })
  }
}

/// One end of a connection in memory.
final class SessionPeer: HTTP2SessionHandler {
  let session: HTTP2Session
  /// The streams that the other side opened, in order.
  var opened: [(stream: HTTP2Stream, recorder: StreamRecorder)] = []
  /// What is done with a stream that the other side opened; nil refuses it.
  var makeRecorder: (HTTP2Stream, HTTPFields) -> StreamRecorder? = { _, _ in StreamRecorder() }
  var answers: [(id: UInt64, nanoseconds: Int64)] = []
  var drains = 0
  var end: Failure??
  var wants = 0
  /// Bytes for the other side.
  var output = OutputQueue(keepsBlock: true)

  init(_ role: HTTP2Session.Role, _ options: HTTP2Options = HTTP2Options(), at now: Int64 = 0) {
    session = HTTP2Session(role, options: options, at: MonotonicTime(nanoseconds: now))
    session.handler = self
  }

  func opened(_ stream: HTTP2Stream, head: HTTPFields, in session: HTTP2Session) -> (any HTTP2StreamHandler)? {
    guard let recorder = makeRecorder(stream, head) else { return nil }
    opened.append((stream, recorder))
    return recorder
  }

  func wantsOutput(_ session: HTTP2Session) { wants += 1 }

  func answered(ping id: UInt64, after nanoseconds: Int64, in session: HTTP2Session) {
    answers.append((id, nanoseconds))
  }

  func peerDrains(_ session: HTTP2Session) { drains += 1 }

  func ended(_ failure: Failure?, _ session: HTTP2Session) {
    #expect(end == nil && session.isEnded && session.streamCount == 0)
    end = .some(failure)
  }

  /// Takes all that the session has for the other side.
  func take(atMost limit: Int = .max) -> [UInt8] {
    session.produce(into: &output, atMost: limit)
    var bytes: [UInt8] = []
    while output.byteCount > 0 {
      output.write { vectors in
        for vector in vectors {
          bytes.append(contentsOf: UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len))
        }
        return vectors.reduce(0) { $0 + $1.iov_len }
      }
    }
    return bytes
  }

  func give(_ bytes: some Collection<UInt8>, at now: Int64 = 0) {
    Array(bytes).withUnsafeBytes { session.receive($0, at: MonotonicTime(nanoseconds: now)) }
  }
}

/// Two ends, joined.
final class TestPair {
  let client: SessionPeer
  let server: SessionPeer
  var now: Int64 = 0

  init(client: HTTP2Options = HTTP2Options(), server: HTTP2Options = HTTP2Options()) {
    self.client = SessionPeer(.client, client)
    self.server = SessionPeer(.server, server)
  }

  /// Carries bytes both ways until none are left. `cut` says how many of those that are left go at once.
  func exchange(cut: (Int) -> Int = { $0 }) {
    while true {
      let toServer = client.take()
      carry(toServer, to: server, cut)
      let toClient = server.take()
      carry(toClient, to: client, cut)
      if toServer.isEmpty && toClient.isEmpty { return }
    }
  }

  func carry(_ bytes: [UInt8], to peer: SessionPeer, _ cut: (Int) -> Int) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = max(1, min(rest.count, cut(rest.count)))
      peer.give(rest.prefix(count), at: now)
      rest.removeFirst(count)
    }
  }

  /// Opens a stream and returns what happens on the client's side.
  func open(_ head: HTTPFields = .get, endsStream: Bool = false) throws -> (
    stream: HTTP2Stream, recorder: StreamRecorder
  ) {
    let recorder = StreamRecorder()
    return (try client.session.open(head, endsStream: endsStream, handler: recorder), recorder)
  }
}

extension HTTPFields {
  static var get: HTTPFields { .request(method: "GET", path: "/", authority: "volley") }
  static var post: HTTPFields { .request(method: "POST", path: "/x", authority: "volley", ["te": "trailers"]) }
}

extension HTTP2StreamEnd {
  var failed: Failure? { if case .failed(let failure) = self { failure } else { nil } }
  var unprocessed: Failure? { if case .unprocessed(let failure) = self { failure } else { nil } }
}

extension HTTP2Stream {
  func send(_ bytes: [UInt8]) { bytes.withUnsafeBytes { send(copying: $0) } }
}
