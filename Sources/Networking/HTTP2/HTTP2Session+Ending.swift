import Base
import CNGHTTP2

/// How far a connection is on its way to its end.
struct Drain {
  /// We take, or send, no new requests.
  var weDrain = false
  /// The peer has said that it takes none.
  var peerDrains = false
  /// The PING whose answer tells that the client knows, and by when it is expected.
  fileprivate var ping: UInt64?
  fileprivate var deadline: MonotonicTime?

  var isDraining: Bool { weDrain || peerDrains }

  fileprivate static let id = UInt64.max

  /// Whether this PING's answer is the one that draining waits for.
  mutating func isAnswered(by id: UInt64) -> Bool {
    guard let ping, ping == id else { return false }
    self.ping = nil
    deadline = nil
    return true
  }
}

extension HTTP2Session {
  /// Asks the peer for an answer, which the handler is told of.
  ///
  /// - Returns: the number by which the handler is told; nil when eight are unanswered, or the connection is over.
  public func ping(at now: MonotonicTime) -> UInt64? {
    guard native != nil, verdict == nil, pings.count < 8 else { return nil }
    lastPing += 1
    pings.append((lastPing, now))
    submitPing(lastPing)
    return lastPing
  }

  private func submitPing(_ id: UInt64) {
    withUnsafeBytes(of: id.bigEndian) { bytes in
      _ = nghttp2_submit_ping(
        native, UInt8(NGHTTP2_FLAG_NONE.rawValue), bytes.bindMemory(to: UInt8.self).baseAddress)
    }
    wantOutput()
  }

  /// Lets open streams end, takes or sends no new requests, and ends when the last one has: RFC 9113 section 6.8. A server
  /// first says that it will, so that requests on their way are served, and names its last stream when the client has
  /// answered a PING or ``HTTP2Options/drainTimeout`` is over.
  public func startDrain(at now: MonotonicTime) {
    guard native != nil, verdict == nil, !drain.weDrain else { return }
    drain.weDrain = true
    switch role {
    case .client:
      refuseWaiting()
      announceLastStream()
    case .server:
      nghttp2_submit_shutdown_notice(native)
      drain.ping = Drain.id
      drain.deadline = now + options.drainTimeout
      submitPing(Drain.id)
    }
  }

  func announceLastStream() {
    guard let native else { return }
    nghttp2_submit_goaway(
      native, UInt8(NGHTTP2_FLAG_NONE.rawValue), nghttp2_session_get_last_proc_stream_id(native),
      HTTP2ErrorCode.noError.rawValue, nil, 0)
    wantOutput()
  }

  /// When ``handleTime(_:)`` has something to do next; nil when nothing is awaited.
  public var deadline: MonotonicTime? {
    guard native != nil else { return nil }
    let greeting = hasSettings ? nil : createdAt + options.greetingTimeout
    guard let greeting, let draining = drain.deadline else { return greeting ?? drain.deadline }
    return min(greeting, draining)
  }

  /// Does what is due at ``deadline``.
  public func handleTime(_ now: MonotonicTime) {
    guard native != nil, verdict == nil else { return }
    if !hasSettings, now >= createdAt + options.greetingTimeout {
      let seconds = options.greetingTimeout / 1_000_000_000
      end(.settingsTimeout, failure("was ended: no SETTINGS came within \(seconds) s"))
      return settleOutside()
    }
    if let due = drain.deadline, now >= due {
      drain.deadline = nil
      drain.ping = nil
      announceLastStream()
    }
  }

  /// Ends the connection now: streams are told `failure`, or that this side gave up. With a code, the peer is told that;
  /// without one nothing is sent, as when the socket is closed.
  public func close(_ code: HTTP2ErrorCode? = nil, _ failure: Failure? = nil) {
    end(code, failure ?? self.failure("was closed"))
    settleOutside()
  }

  /// The first verdict stands. Takes effect when nghttp2 is not working.
  func end(_ code: HTTP2ErrorCode?, _ failure: Failure) {
    if verdict == nil { verdict = Verdict(code: code, failure: failure) }
  }

  /// The peer did what it may not.
  func endForBrokenRule(_ code: HTTP2ErrorCode, _ text: String) {
    end(code, failure("was ended because the peer broke the rules: \(text) (\(code))"))
  }

  /// The peer does too much of something.
  func calm(_ excess: String) {
    end(
      .enhanceYourCalm,
      failure("was ended because the peer asks too much: \(excess) (\(HTTP2ErrorCode.enhanceYourCalm))"))
  }

  func settleOutside() { if !isInside { settle() } }

  func receivingFailed(_ error: Int32) {
    let text = String(cString: nghttp2_strerror(error))
    switch error {
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue:
      end(.protocolError, failure("was ended because the peer does not begin with HTTP/2's greeting"))
    case NGHTTP2_ERR_FLOODED.rawValue:
      calm("it leaves answers to its PING and SETTINGS frames unread")
    default:
      end(.internalError, failure("was ended because received frames could not be processed: \(text)"))
    }
  }

  func sendingFailed(_ error: Int32) {
    let text = String(cString: nghttp2_strerror(error))
    end(.internalError, failure("was ended because frames could not be made: \(text)"))
  }

  /// Does what the verdict says: nghttp2 goes, the peer's last frame is prepared, all handlers are told.
  func finish() {
    guard let native, let verdict else { return }
    let lastStream = nghttp2_session_get_last_proc_stream_id(native)
    nghttp2_session_del(native)
    self.native = nil
    if let code = verdict.code { makeFarewell(code, lastStream, verdict.failure) }
    let failure = verdict.failure ?? goAwayFailure
    let open = streams.values.sorted { $0.id < $1.id } + waiting
    streams = [:]
    waiting = []
    for stream in open {
      forgetOutput(of: stream)
      stream.tell(.failed(failure ?? self.failure("was closed")))
    }
    fields.removeAll()
    pings = []
    // One object stays inside until here: what a handler does in its last call may not end the session again.
    let handler = handler
    self.handler = nil
    handler?.ended(failure, self)
  }

  private func makeFarewell(_ code: HTTP2ErrorCode, _ lastStream: Int32, _ failure: Failure?) {
    if !hasProduced {
      // A connection begins with SETTINGS whatever comes then.
      farewell = (role == .client ? HTTP2Preface.client : []) + [0, 0, 0, HTTP2FrameType.settings, 0, 0, 0, 0, 0]
    }
    let text = Array((failure?.message ?? "").utf8.prefix(400))
    func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
    let length = 8 + text.count
    farewell += [0, UInt8(length >> 8), UInt8(length & 255), HTTP2FrameType.goAway, 0, 0, 0, 0, 0]
    farewell += word(UInt32(max(0, lastStream))) + word(code.rawValue) + text
  }
}
