import Base
import Networking

/// The server's end of a call of gRPC.
class GRPCServerCall: GRPCCall, @unchecked Sendable {
  /// Goes with the answer's head, which is sent with the first message.
  var headMetadata = GRPCMetadata()
  private var hasSentHead = false
  /// What the call was ended with; nil as long as it is not.
  private(set) var status: GRPCStatus?

  /// What this call's bytes are counted in; nil once they are given back.
  private var memory: CallMemory?
  /// Bytes of the head, and of what has come of a message that is not whole.
  private var headBytes = 0
  private var messageBytes = 0
  /// When the message that is not whole began, or else the call; and when the last bytes came.
  private var since = MonotonicTime.now
  private var lastBytes = MonotonicTime.now

  init(_ connection: HTTP2Connection, _ stream: HTTP2Stream, intake: GRPCIntake) {
    super.init(connection, intake: intake)
    self.stream = stream
  }

  // MARK: Memory

  /// Counts the head, and from now on what comes of messages.
  ///
  /// - Throws: RESOURCE_EXHAUSTED when there is no room for it.
  final func hold(_ head: HTTPFields, in memory: CallMemory) throws(GRPCStatus) {
    headBytes = head.listByteCount
    guard memory.change(headBytes) else {
      _ = memory.change(-headBytes)
      throw memory.exhausted
    }
    self.memory = memory
  }

  final override func took() {
    guard let memory else { return }
    lastBytes = connection.loop.now
    let count = intake.heldByteCount
    guard count != messageBytes else { return }
    if messageBytes == 0 { since = lastBytes }
    let change = count - messageBytes
    messageBytes = count
    if !memory.change(change) { end(memory.exhausted) }
  }

  final override func isNowOver() {
    _ = memory?.change(-(headBytes + messageBytes))
    memory = nil
  }

  /// Ends the call if it holds much, and its message does not come to its end.
  final func endIfStale(at now: MonotonicTime) {
    guard let memory, headBytes + messageBytes >= Self.much else { return }
    let isStale = now - lastBytes > Self.longestSilence || now - since > Self.longestMessage
    if isStale { end(memory.exhausted) }
  }

  /// Bytes; nanoseconds.
  private static let much = 4 << 10
  private static let longestSilence: Int64 = 1_000_000_000
  private static let longestMessage: Int64 = 30_000_000_000

  // MARK: The call

  /// The client's head has come: called once, before any message.
  func begin() {}

  final override func received(head: HTTPFields, endsStream: Bool, on stream: HTTP2Stream) { begin() }

  /// Sends the head, if it is not sent.
  final func sendHead() {
    guard !hasSentHead, !isOver else { return }
    hasSentHead = true
    stream?.send(head: HTTPFields(GRPCResponseHead(metadata: headMetadata).headers))
  }

  /// Sends messages.
  final func append<E: Error>(_ body: (inout OutputQueue) throws(E) -> Void) throws(E) {
    guard !isOver, let stream else { return }
    sendHead()
    try stream.append(body)
  }

  /// Ends the call. What was sent before arrives before the status.
  final override func end(_ status: GRPCStatus) {
    guard markOver() else { return }
    self.status = status
    let trailers = GRPCTrailers(status)
    if hasSentHead {
      stream?.end(trailers: HTTPFields(trailers.headers))
    } else {
      hasSentHead = true
      stream?.send(head: HTTPFields(GRPCTrailers(status, metadata: headMetadata).headersOnly), endsStream: true)
    }
    ended(status)
  }

  /// The call is over: called once, also when the client has given it up.
  func ended(_ status: GRPCStatus) {}

  /// The stream is gone: called once, after ``ended(_:)``.
  func gone(_ status: GRPCStatus) {}

  final override func closed(_ end: HTTP2StreamEnd, on stream: HTTP2Stream) {
    var status = GRPCStatus(end)
    if case .finished = end { status = self.status ?? .ok }
    if markOver() {
      self.status = status
      ended(status)
    }
    self.stream = nil
    gone(status)
  }
}

extension HTTP2Stream {
  /// `send`, for a body that throws.
  func append<E: Error>(_ body: (inout OutputQueue) throws(E) -> Void) throws(E) {
    var failure: E?
    send { queue in
      do throws(E) { try body(&queue) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}
