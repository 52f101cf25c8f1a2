import Base

/// One request and its response on an HTTP/2 connection.
///
/// Belongs to its session's thread. It may be kept after it is closed: then nothing that is called has an effect. An idle
/// stream is this object and nothing else; nghttp2 adds about 400 bytes.
public final class HTTP2Stream {
  /// The stream's number; 0 as long as a client's request waits for the peer to take more streams.
  public internal(set) var id: Int32 = 0
  /// The session keeps its streams, and clears this before it goes or the stream is closed: so the reference is good or nil.
  unowned(unsafe) var session: HTTP2Session?
  /// Let go when the stream is closed, so that handler and stream may refer to each other.
  var handler: (any HTTP2StreamHandler)?
  /// The head of a client's request that waits.
  var waitingHead: HTTPFields?
  /// What ends the output.
  var trailers: HTTPFields?
  var output = OutputQueue()
  /// Bytes received that have not been consumed: at most the stream's window.
  var unconsumed = 0
  /// Bytes consumed that the peer has not been told of: below ``HTTP2Options/windowStep``.
  var kept = 0
  var state: State = []
  /// Why we ended the stream, if that says more than a code.
  var failure: Failure?

  struct State: OptionSet {
    var rawValue: UInt16
    /// nghttp2 has asked for data when there were none: it is told when there are.
    static let deferred = State(rawValue: 1)
    /// The head is sent; for a client's stream, always.
    static let headSent = State(rawValue: 2)
    /// Nothing follows what is in the output.
    static let outputEnds = State(rawValue: 4)
    /// The output has reached its mark and not fallen below it again.
    static let full = State(rawValue: 8)
    /// The peer's head has come.
    static let headReceived = State(rawValue: 16)
    /// The peer has sent all.
    static let inputEnded = State(rawValue: 32)
    /// The peer gave the stream up.
    static let resetByPeer = State(rawValue: 64)
    /// All output is handed over, with the stream's end.
    static let outputEnded = State(rawValue: 128)
  }

  init(_ session: HTTP2Session, handler: (any HTTP2StreamHandler)?) {
    self.session = session
    self.handler = handler
  }

  public var isOpen: Bool { session != nil }

  /// Bytes that wait to be sent.
  public var outputByteCount: Int { output.byteCount }

  /// Whether fewer bytes wait than ``HTTP2Options/streamOutputMark``: if not, wait for the handler's `hasRoom`.
  public var hasRoom: Bool { !state.contains(.full) }

  /// Whether all that this side sends, with the stream's end, has been handed over to the connection.
  public var hasSentAll: Bool { state.contains(.outputEnded) }

  /// Sends a response's head; once, before data.
  ///
  /// Fields that no peer would take (see ``HTTPFields``) reset the stream with INTERNAL_ERROR, and its handler is told why.
  public func send(head: HTTPFields, endsStream: Bool = false) {
    guard let session else { return }
    precondition(session.role == .server && !state.contains(.headSent), "a stream's head is sent once")
    session.send(head, endsStream: endsStream, on: self)
  }

  /// Sends what `body` appends to the queue; without copying what it references there.
  public func send(_ body: (inout OutputQueue) -> Void) {
    guard let session else { return }
    precondition(!state.contains(.outputEnds), "a stream sends nothing after its end")
    let before = output.byteCount
    body(&output)
    session.added(output.byteCount - before, on: self)
  }

  /// Sends a copy of the bytes.
  public func send(copying bytes: UnsafeRawBufferPointer) { send { $0.append(copying: bytes) } }

  /// Sends the bytes from where they lie; `owner` is kept until they are written.
  public func send(_ bytes: UnsafeRawBufferPointer, ownedBy owner: AnyObject) {
    send { $0.append(bytes, ownedBy: owner) }
  }

  /// Nothing follows but the trailers. Trailers that no peer would take reset the stream.
  public func end(trailers: HTTPFields? = nil) {
    guard let session, !state.contains(.outputEnds) else { return }
    precondition(state.contains(.headSent), "a stream's head is sent before its end")
    session.end(trailers: trailers, on: self)
  }

  /// Gives the stream up, and forgets what waits to be sent. The handler's `closed` is called before this returns, or, from
  /// within a call of the session, at the end of that.
  public func reset(_ code: HTTP2ErrorCode) { session?.reset(self, code) }

  /// Lets the peer send as many bytes again: those that the handler has received and has room for once more.
  public func consume(_ byteCount: Int) {
    guard let session else { return }
    precondition(byteCount >= 0 && byteCount <= unconsumed, "a stream consumes no more bytes than it received")
    session.consume(byteCount, on: self)
  }
}
