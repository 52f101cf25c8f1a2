import Base
import CNGHTTP2

/// One end of an HTTP/2 connection: RFC 9113, by nghttp2. Pure: no sockets, no threads and no clock.
///
/// What the peer sent is handed to ``receive(_:at:)``, what it is to be sent is taken from ``produce(into:atMost:)``, after
/// each `receive` and when the handler is told that output is wanted. Belongs to one thread at a time.
///
/// Data are not copied in either direction: handlers get the very bytes that were received, and a stream's output moves to
/// the connection's queue by reference, with a head of 9 bytes a frame.
public final class HTTP2Session {
  public enum Role: Sendable { case client, server }

  public let role: Role
  public let options: HTTP2Options
  public weak var handler: (any HTTP2SessionHandler)?

  /// nghttp2's session; nil when this one is over. Its callbacks get this object without a reference: they are only called
  /// from within calls that we make, and it is deleted before we go.
  var native: OpaquePointer?
  /// The streams that are open for their handlers. nghttp2 refers to a stream by its address; it is told no stream that is not in
  /// here, and asks for none after `on_stream_close` or a reset, with which the stream leaves.
  var streams: [Int32: HTTP2Stream] = [:]
  /// A client's requests that wait for the peer to take more streams.
  var waiting: [HTTP2Stream] = []
  /// Streams that were reset within a call of nghttp2: their handlers are told at its end.
  var resetStreams: [(HTTP2Stream, HTTP2StreamEnd)] = []
  /// Bytes that wait on all streams.
  public internal(set) var outputByteCount = 0

  /// The head or trailers that are being received, and their size.
  var fields = HTTPFields()
  var fieldsByteCount = 0
  /// The queue that `produce` fills, and how much it may; nil outside of it.
  var target: UnsafeMutablePointer<OutputQueue>?
  var targetLimit = 0
  /// Whether nghttp2 is working: it must not be called for more of its kind, nor deleted.
  var isInside = false
  /// Whether the handler was told that output is wanted, and nobody has taken it since.
  var isOutputWanted = false
  /// What ends this session as soon as nghttp2 returns.
  var verdict: Verdict?
  /// Frames for the peer when nghttp2 is gone.
  var farewell: [UInt8] = []
  var hasProduced = false
  /// Why a side sent GOAWAY with an error.
  var goAwayFailure: Failure?
  var drain = Drain()
  var now = MonotonicTime(nanoseconds: 0)
  let createdAt: MonotonicTime
  var hasSettings = false
  /// What the peer lets us send on a new stream, and the largest window of an open one before its SETTINGS are processed.
  var peerStreamWindow: Int64 = 65_535
  var widestWindow: Int32 = 0
  var pings: [(id: UInt64, sentAt: MonotonicTime)] = []
  var lastPing: UInt64 = 0

  var scanner: HTTP2FrameScanner
  var endedStreams = HTTP2EndedStreams()
  /// What the peer did, as counted against ``HTTP2Options/flood``.
  public internal(set) var floods: HTTP2FloodGuard

  struct Verdict {
    /// What the peer is told; nil when it can be told nothing, or knows.
    var code: HTTP2ErrorCode?
    var failure: Failure?
  }

  /// - Parameter now: the time on the clock that later calls use.
  public init(_ role: Role, options: HTTP2Options = HTTP2Options(), at now: MonotonicTime) {
    options.check()
    self.role = role
    self.options = options
    self.createdAt = now
    self.now = now
    scanner = HTTP2FrameScanner(skipping: role == .server ? HTTP2Preface.client.count : 0)
    floods = HTTP2FloodGuard(options.flood)
    native = makeNative()
    greet()
  }

  deinit {
    if let native { nghttp2_session_del(native) }
    // Nobody can reach this session any more, and its streams must not.
    for stream in Array(streams.values) + waiting { stream.session = nil }
    let failure = failure("was given up")
    for stream in Array(streams.values) + waiting { stream.tell(.failed(failure)) }
  }

  /// Whether the connection is over: once what `produce` still has is written, close it.
  public var isEnded: Bool { native == nil }

  /// Streams that are open, with those that wait.
  public var streamCount: Int { streams.count + waiting.count }

  /// Takes what the peer sent. Call ``produce(into:atMost:)`` afterwards.
  public func receive(_ bytes: UnsafeRawBufferPointer, at now: MonotonicTime) {
    precondition(!isInside, "a session is not fed from within its own calls")
    self.now = now
    guard native != nil else { return }
    var offset = 0
    while true {
      let start = offset
      let wasInHead = scanner.isInHead
      guard let head = scanner.next(in: bytes, at: &offset) else { break }
      guard let (code, text) = judge(head) else { continue }
      // Where the head begins, if that is in these bytes: what comes before is worked on as if nothing had happened.
      feed(UnsafeRawBufferPointer(rebasing: bytes[..<(wasInHead ? start : offset - HTTP2FrameHead.byteCount)]))
      if code == .enhanceYourCalm { calm(text) } else { endForBrokenRule(code, text) }
      return settle()
    }
    feed(bytes)
    settle()
  }

  private func feed(_ bytes: UnsafeRawBufferPointer) {
    guard let native, verdict == nil, !bytes.isEmpty else { return }
    isInside = true
    let result = nghttp2_session_mem_recv(native, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
    isInside = false
    if result < 0 { receivingFailed(Int32(truncatingIfNeeded: result)) }
  }

  /// Who handles the streams that are open now.
  public var streamHandlers: [any HTTP2StreamHandler] { streams.values.compactMap(\.handler) }

  /// Appends what the peer is to be sent, until at least so many bytes are appended or nothing is left.
  ///
  /// `queue` is in use during the call: handlers, which may be told of room and of closed streams, must not touch it.
  ///
  /// - Returns: whether there is more; then call again when the queue has room.
  @discardableResult
  public func produce(into queue: inout OutputQueue, atMost limit: Int = .max) -> Bool {
    precondition(!isInside, "a session does not produce from within its own calls")
    isOutputWanted = false
    let end = queue.byteCount.addingReportingOverflow(limit)
    var hasMore = false
    if native != nil, limit > 0 {
      hasProduced = true
      hasMore = withUnsafeMutablePointer(to: &queue) { target in
        fill(target, upTo: end.overflow ? .max : end.partialValue)
      }
      settle()
    }
    if native == nil, !farewell.isEmpty {
      queue.append(copying: farewell)
      farewell = []
    }
    return native != nil && hasMore
  }

  private func fill(_ target: UnsafeMutablePointer<OutputQueue>, upTo limit: Int) -> Bool {
    self.target = target
    targetLimit = limit
    isInside = true
    defer {
      self.target = nil
      isInside = false
    }
    while verdict == nil, let native {
      guard target.pointee.byteCount < limit else { return nghttp2_session_want_write(native) != 0 }
      var bytes: UnsafePointer<UInt8>?
      let count = nghttp2_session_mem_send(native, &bytes)
      if count > 0 {
        target.pointee.append(copying: UnsafeRawBufferPointer(start: bytes, count: count))
      } else if count < 0 {
        sendingFailed(Int32(truncatingIfNeeded: count))
        return false
      } else if target.pointee.byteCount < limit {
        return false
      }
    }
    return false
  }

  /// Once nghttp2 is not working: what had to wait for that.
  func settle() {
    precondition(!isInside, "a session settles when nghttp2 is done")
    while let (stream, end) = resetStreams.popLast() { stream.tell(end) }
    if verdict == nil, let native, nghttp2_session_want_read(native) == 0, nghttp2_session_want_write(native) == 0 {
      verdict = Verdict(code: nil, failure: goAwayFailure)
    }
    if verdict != nil { finish() }
  }

  /// Asks for a call of `produce`, unless one is sure to come.
  func wantOutput() {
    guard !isInside, !isOutputWanted else { return }
    isOutputWanted = true
    handler?.wantsOutput(self)
  }

  /// Asks for a call of `produce` if nghttp2 has something to send.
  func wantOutputIfAny() {
    if !isInside, let native, nghttp2_session_want_write(native) != 0 { wantOutput() }
  }

  /// A failure of this connection; `text` follows its name.
  func failure(_ text: String, retryable: Bool = true) -> Failure {
    Failure(.io, domain: .external, retryable: retryable, "The HTTP/2 connection with \(options.peerName) \(text)")
  }
}
