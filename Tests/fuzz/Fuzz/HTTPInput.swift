import Base

@testable import Networking

/// Choices, and the bytes that a peer sends on a connection of HTTP/2, after its preface if that is chosen: each stream is told its end
/// once, and nothing is kept or sent beyond its bound.
func readHTTP2(_ input: UnsafeRawBufferPointer) {
  var choices = Choices(input)
  let choice = choices.next()
  let piece = 1 + choices.next()
  let peer = HTTP2FuzzPeer(choice & 1 == 0 ? .server : .client, answers: choice & 4 == 0)
  if choice & 2 == 0 {
    if choice & 1 == 0 { HTTP2Preface.client.withUnsafeBytes { peer.give($0) } }
    // Empty SETTINGS, and the answer to ours.
    let greeting: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0]
    greeting.withUnsafeBytes { peer.give($0) }
  }
  var rest = choices.rest
  while !rest.isEmpty {
    peer.give(UnsafeRawBufferPointer(rebasing: rest.prefix(piece)))
    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece))
  }
  peer.end()
}

/// A session and its streams, between which and a peer the fuzzer's bytes go.
private final class HTTP2FuzzPeer: HTTP2SessionHandler {
  private let session: HTTP2Session
  private let answers: Bool
  private var streams: [Stream] = []
  private var ends = 0
  private var now = MonotonicTime(nanoseconds: 0)

  final class Stream: HTTP2StreamHandler {
    let answers: Bool
    private(set) var ends = 0
    private var hasEnded = false

    init(answers: Bool) { self.answers = answers }

    func received(head: HTTPFields, endsStream: Bool, on stream: HTTP2Stream) {
      precondition(ends == 0, "nothing comes after the end")
      guard answers, stream.session?.role == .server else { return }
      stream.send(head: .response(status: 200))
    }

    func received(data: UnsafeRawBufferPointer, on stream: HTTP2Stream) {
      precondition(ends == 0 && !hasEnded, "nothing comes after the end")
      if answers { stream.consume(data.count) }
    }

    func receivedEnd(on stream: HTTP2Stream) {
      precondition(ends == 0 && !hasEnded, "the end comes once")
      hasEnded = true
      guard answers else { return }
      stream.send { $0.append(copying: [1, 2, 3]) }
      stream.end(trailers: ["a": "b"])
    }

    func closed(_ end: HTTP2StreamEnd, on stream: HTTP2Stream) {
      ends += 1
      precondition(ends == 1, "a stream is closed once")
    }
  }

  init(_ role: HTTP2Session.Role, answers: Bool) {
    var options = HTTP2Options()
    options.maxConcurrentStreams = 10
    options.streamWindow = 65_535
    self.answers = answers
    session = HTTP2Session(role, options: options, at: now)
    session.handler = self
    guard role == .client else { return }
    for _ in 0..<3 {
      let stream = Stream(answers: answers)
      guard (try? session.open(.request(method: "POST", path: "/", authority: "v"), handler: stream)) != nil else {
        preconditionFailure("a new session takes requests")
      }
      streams.append(stream)
    }
  }

  func give(_ bytes: UnsafeRawBufferPointer) {
    session.receive(bytes, at: now)
    take()
  }

  private func take() {
    var queue = OutputQueue()
    _ = session.produce(into: &queue)
    // A peer may ask for so much with a frame of nine bytes: an answer to SETTINGS or PING, or a reset.
    precondition(queue.byteCount <= 1 << 20, "\(queue.byteCount) bytes are sent at once")
  }

  func opened(_ stream: HTTP2Stream, head: HTTPFields, in session: HTTP2Session) -> (any HTTP2StreamHandler)? {
    precondition(ends == 0, "nothing is opened after the end")
    let handler = Stream(answers: answers)
    streams.append(handler)
    return handler
  }

  func wantsOutput(_ session: HTTP2Session) {}
  func ended(_ failure: Failure?, _ session: HTTP2Session) { ends += 1 }

  /// Time passes, and then the connection is gone.
  func end() {
    while let deadline = session.deadline, now < deadline {
      now = deadline
      session.handleTime(now)
      take()
    }
    session.close()
    take()
    precondition(session.isEnded && ends == 1, "a session ends once")
    precondition(streams.allSatisfy { $0.ends == 1 }, "each stream is told that it is over")
  }
}

/// A choice, and what a client sends on a connection of HTTP/1: its requests are the same however the bytes are cut.
func readHTTP1(_ input: UnsafeRawBufferPointer) {
  var choices = Choices(input)
  let piece = 1 + choices.next()
  let bytes = choices.rest
  let whole = HTTP1Reading(bytes, piece: max(1, bytes.count))
  let parts = HTTP1Reading(bytes, piece: piece)
  precondition(whole.requests == parts.requests, "requests in pieces are others than the whole")
  precondition(whole.answers == parts.answers, "answers to pieces are others than to the whole")
  // One more request may have begun than came whole.
  precondition(parts.wordCount <= parts.requests.count + 1, "a request is told more than once to go on")
}

private final class HTTP1Reading: HTTP1SessionHandler {
  private(set) var requests: [HTTP1Request] = []
  private(set) var sent: [UInt8] = []
  private let now = MonotonicTime(nanoseconds: 0)

  /// What was sent, without the word to go on: nobody gets it whose body is here already (RFC 9110, section 10.1.1).
  private(set) lazy var answers = split.answers
  /// How often that word was sent.
  private(set) lazy var wordCount = split.words
  private lazy var split = HTTP1Reading.split(sent)

  private static func split(_ sent: [UInt8]) -> (answers: [UInt8], words: Int) {
    let word = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
    var answers: [UInt8] = []
    var words = 0
    var rest = sent[...]
    while let first = rest.first {
      if rest.starts(with: word) {
        words += 1
        rest = rest.dropFirst(word.count)
      } else {
        answers.append(first)
        rest = rest.dropFirst()
      }
    }
    return (answers, words)
  }

  init(_ bytes: UnsafeRawBufferPointer, piece: Int) {
    var options = HTTP1Options()
    options.maxBody = 1 << 10
    let session = HTTP1Session(options: options, at: now)
    session.handler = self
    var rest = bytes
    while !rest.isEmpty {
      session.receive(UnsafeRawBufferPointer(rebasing: rest.prefix(piece)), at: now)
      take(session)
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece))
    }
    session.receiveEnd()
    take(session)
  }

  func received(_ request: HTTP1Request, in session: HTTP1Session) {
    requests.append(request)
    session.respond(HTTP1Response(status: 200, text: "good"), at: now)
  }

  func wantsOutput(_ session: HTTP1Session) {}

  private func take(_ session: HTTP1Session) {
    var queue = OutputQueue()
    session.produce(into: &queue)
    while !queue.isEmpty {
      _ = queue.write { vectors in
        var count = 0
        for vector in vectors {
          sent += UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len)
          count += vector.iov_len
        }
        return count
      }
    }
  }
}
