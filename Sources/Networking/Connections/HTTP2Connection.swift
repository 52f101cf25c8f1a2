import Base

/// Who gets the requests of a server's connections. Called on each connection's loop.
public protocol HTTP2RequestHandler: AnyObject, Sendable {
  /// A client opened a stream; the handler that is returned is given the head next.
  ///
  /// - Returns: nil refuses the stream: the client may try elsewhere.
  func opened(
    _ stream: HTTP2Stream, head: HTTPFields, on connection: HTTP2Connection
  ) -> (any HTTP2StreamHandler)?
}

/// How a connection is watched, and what it offers.
public struct HTTP2ConnectionOptions: Sendable {
  public var session = HTTP2Options()
  /// After how long a silence the peer is sent a PING; nil: never. Only while streams are open: an idle connection is left to
  /// TCP's keepalive.
  public var pingAfter: Duration? = .seconds(10)
  /// How long the PING may take to be answered, or anything else to come.
  public var pingTimeout: Duration = .seconds(10)
  /// Bytes of frames that wait for the socket at most, beside one frame.
  public var outputMark = 512 * 1024

  public init() {}
}

/// A connection of HTTP/2 over TCP, with TLS or without.
///
/// Belongs to its channel's loop, where everything but ``execute(_:)`` is called; that is what makes it `Sendable`. It keeps
/// itself alive until it is closed.
public final class HTTP2Connection: ByteChannelHandler, @unchecked Sendable {
  public let channel: ByteChannel
  public let session: HTTP2Session
  public let options: HTTP2ConnectionOptions
  private let requests: (any HTTP2RequestHandler)?
  /// Told once, when the connection is gone.
  private let onClosed: (HTTP2Connection, Failure?) -> Void

  /// Whether it came about: TCP, and TLS if there is one, are or were there. Nothing is sent before.
  public private(set) var wasConnected = false
  /// One side has said that it takes no new streams.
  private var isDraining = false
  /// The session is to be told that it drains, once a client's requests are sent: nghttp2 drops those that are behind GOAWAY.
  private var isDrainDue = false
  /// Whether a call of `pump` is sure to come.
  private var isPumpDue = false
  /// Runs `pump`; made once, so that asking for it allocates nothing.
  private var pumpLater: () -> Void = {}
  /// Runs out when the session or the watch over the peer has something to do.
  private var timer: LoopTimer?
  /// What ended it, told when the channel is gone.
  private var failure: Failure?
  private var lastHeard: MonotonicTime
  /// When the PING that is unanswered was sent.
  private var pingSentAt: MonotonicTime?

  /// - Parameters:
  ///   - requests: a server's; nil for a client.
  ///   - onClosed: told on the loop, once, after all streams.
  init(
    _ channel: ByteChannel, _ role: HTTP2Session.Role, options: HTTP2ConnectionOptions,
    requests: (any HTTP2RequestHandler)?, onClosed: @escaping (HTTP2Connection, Failure?) -> Void
  ) {
    self.channel = channel
    self.options = options
    self.requests = requests
    self.onClosed = onClosed
    lastHeard = channel.loop.now
    var session = options.session
    session.peerName = channel.peerName
    self.session = HTTP2Session(role, options: session, at: channel.loop.now)
    super.init()
    self.session.handler = self
    // It may be due when the connection is already gone.
    pumpLater = { [weak self] in
      self?.isPumpDue = false
      self?.pump()
    }
  }

  public var loop: EventLoop { channel.loop }

  /// Whether new requests may be made on it.
  public var takesRequests: Bool { !session.isEnded && !isDraining }

  /// Whether the bytes are encrypted.
  public var isSecure: Bool { channel.tlsContext != nil }

  /// Who is at the other end, for messages.
  public var peerName: String { channel.peerName }

  /// Runs `body` on the connection's loop. From any thread.
  ///
  /// - Returns: false when the loop has ended: then it never runs.
  @discardableResult
  public func execute(_ body: @escaping @Sendable () -> Void) -> Bool { loop.execute(body) }

  /// Sends a request, or keeps it until the connection is there.
  ///
  /// - Throws: see ``HTTP2Session/open(_:endsStream:handler:)``.
  public func open(
    _ head: HTTPFields, endsStream: Bool = false, handler: any HTTP2StreamHandler
  ) throws(Failure) -> HTTP2Stream {
    loop.assertCurrent()
    return try session.open(head, endsStream: endsStream, handler: handler)
  }

  /// Lets open streams end, takes no new ones, and closes.
  public func drain() {
    loop.assertCurrent()
    isDraining = true
    isDrainDue = true
    pumpSoon()
  }

  /// Ends all streams with a failure and closes.
  public func close(_ code: HTTP2ErrorCode = .noError, _ failure: Failure? = nil) {
    loop.assertCurrent()
    session.close(code, failure)
    pumpSoon()
  }

  // MARK: The channel

  public override func connected(applicationProtocol: String?) {
    // With TLS both sides have to mean HTTP/2 (RFC 9113, section 3.2); a peer without ALPN is taken at its word.
    if let applicationProtocol, applicationProtocol != "h2" {
      session.close(nil, Failure(.io, "\(peerName) speaks '\(applicationProtocol)', where HTTP/2 is expected"))
      return channel.abort(failure)
    }
    wasConnected = true
    lastHeard = loop.now
    pump()
  }

  public override func received(_ bytes: UnsafeRawBufferPointer) {
    lastHeard = loop.now
    pingSentAt = nil
    session.receive(bytes, at: loop.now)
  }

  public override func receivedAll() { pump() }

  public override func receivedEnd() -> AfterEnd {
    endSession(Failure(.io, retryable: true, "\(peerName) ended the connection"))
    return .close
  }

  public override func hasRoom() { pump() }

  public override func closed(_ failure: Failure?) {
    timer?.cancel()
    timer = nil
    if let failure { self.failure = self.failure ?? failure }
    endSession(failure ?? Failure(.io, retryable: true, "the connection with \(peerName) was closed"))
    onClosed(self, self.failure)
  }

  /// Ends what is open, without a word to the peer, who is gone. A connection without streams has lost nothing.
  private func endSession(_ failure: Failure) {
    guard !session.isEnded else { return }
    // A peer that said why says more than the end of its connection.
    let failure = session.goAwayFailure ?? failure
    let told = self.failure ?? (session.streamCount > 0 ? failure : nil)
    session.close(nil, failure)
    self.failure = told
  }

  // MARK: Output

  /// Calls ``pump()`` later in this turn, or in the next, once for all who ask.
  private func pumpSoon() {
    guard !isPumpDue else { return }
    isPumpDue = true
    loop.runSoon(pumpLater)
  }

  /// Moves frames to the channel until that is full or nothing is left.
  private func pump() {
    guard wasConnected else { return }
    moveOutput()
    if isDrainDue {
      isDrainDue = false
      session.startDrain(at: loop.now)
      moveOutput()
    }
    if session.isEnded { return channel.close() }
    watch()
  }

  private func moveOutput() {
    while channel.isOpen {
      let room = options.outputMark - channel.output.byteCount
      // The channel tells when there is room: it does so below its own mark, which is lower.
      guard room > 0 else { break }
      let hasMore = session.produce(into: &channel.output, atMost: room)
      channel.flush()
      guard hasMore, channel.output.byteCount <= channel.options.lowOutput else { break }
    }
  }

  // MARK: Time

  /// Sets the timer to what is due next.
  private func watch() {
    var next = session.deadline
    if let due = peerDeadline { next = min(next ?? due, due) }
    guard let next else { return timer?.cancel() ?? () }
    if let timer, timer.isSet, timer.deadline <= next { return }
    let timer = timer ?? loop.timer { [unowned self] in timeIsUp() }
    self.timer = timer
    timer.set(at: next)
  }

  /// When the peer is to be asked whether it lives, or is given up.
  private var peerDeadline: MonotonicTime? {
    guard let silence = options.pingAfter, session.streamCount > 0 else { return nil }
    if let pingSentAt { return pingSentAt + options.pingTimeout.wholeNanoseconds }
    return lastHeard + silence.wholeNanoseconds
  }

  private func timeIsUp() {
    let now = MonotonicTime.now
    session.handleTime(now)
    if let due = peerDeadline, now >= due {
      if pingSentAt == nil {
        // Eight that are unanswered are asked by others: they do as well.
        _ = session.ping(at: now)
        pingSentAt = now
      } else {
        let failure = Failure(
          .io, retryable: true,
          "\(peerName) has sent nothing for \(options.pingTimeout), not even an answer to a PING; it is gone, or the network is"
        )
        self.failure = failure
        session.close(nil, failure)
        return channel.abort(failure)
      }
    }
    pump()
  }
}

extension HTTP2Connection: HTTP2SessionHandler {
  public func opened(
    _ stream: HTTP2Stream, head: HTTPFields, in session: HTTP2Session
  ) -> (any HTTP2StreamHandler)? {
    requests?.opened(stream, head: head, on: self)
  }

  public func peerDrains(_ session: HTTP2Session) { isDraining = true }

  public func wantsOutput(_ session: HTTP2Session) { pumpSoon() }

  public func ended(_ failure: Failure?, _ session: HTTP2Session) {
    self.failure = self.failure ?? failure
    pumpSoon()
  }
}
