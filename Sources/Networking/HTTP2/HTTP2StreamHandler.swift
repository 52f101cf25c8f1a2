import Base

/// What happens on a stream of an HTTP/2 connection, told on the thread to which the session belongs.
///
/// A handler may call anything of its stream and of the session, also from within these calls, but for
/// ``HTTP2Session/receive(_:at:)`` and ``HTTP2Session/produce(into:atMost:)``. The order is: a head, data, trailers, end; of
/// these, trailers are seldom there, and a client's stream may be closed before any. Nothing comes after `closed`.
public protocol HTTP2StreamHandler: AnyObject {
  /// A request's or a response's head is complete. `endsStream` says that nothing follows it.
  func received(head: HTTPFields, endsStream: Bool, on stream: HTTP2Stream)
  /// Bytes of the body, valid during the call. The peer may send as many again once they are consumed:
  /// ``HTTP2Stream/consume(_:)``.
  func received(data: UnsafeRawBufferPointer, on stream: HTTP2Stream)
  /// The fields behind the body.
  func received(trailers: HTTPFields, on stream: HTTP2Stream)
  /// The peer has sent all: told once, after head, data or trailers.
  func receivedEnd(on stream: HTTP2Stream)
  /// Fewer bytes than ``HTTP2Options/streamOutputMark`` wait to be sent, after as many or more did.
  func hasRoom(on stream: HTTP2Stream)
  /// The stream is over: told once, and the last call.
  func closed(_ end: HTTP2StreamEnd, on stream: HTTP2Stream)
}

extension HTTP2StreamHandler {
  public func received(trailers: HTTPFields, on stream: HTTP2Stream) {}
  public func hasRoom(on stream: HTTP2Stream) {}
}

/// How a stream ended.
public enum HTTP2StreamEnd: Sendable, Hashable {
  /// Both sides sent all.
  case finished
  /// One side gave it up: the peer, or we, by ``HTTP2Stream/reset(_:)`` or because what came broke the rules.
  case reset(HTTP2ErrorCode, byPeer: Bool)
  /// The peer says that it has not begun with the request, or it was never sent: it may be sent again elsewhere.
  case unprocessed(Failure)
  /// The connection ended, or what was to be sent could not be.
  case failed(Failure)
}

/// What happens on an HTTP/2 connection as a whole, told on the thread to which the session belongs.
public protocol HTTP2SessionHandler: AnyObject {
  /// A client opened a stream on this server. Called before the returned handler is given the head.
  ///
  /// - Returns: nil refuses the stream (REFUSED_STREAM: the client may try again elsewhere).
  func opened(_ stream: HTTP2Stream, head: HTTPFields, in session: HTTP2Session) -> (any HTTP2StreamHandler)?
  /// There is something to send: call ``HTTP2Session/produce(into:atMost:)`` soon, but not from within this call. Told once
  /// until then, and not from within `receive`, after which the caller produces anyway.
  func wantsOutput(_ session: HTTP2Session)
  /// The peer has answered a ``HTTP2Session/ping(at:)`` after so many nanoseconds.
  func answered(ping id: UInt64, after nanoseconds: Int64, in session: HTTP2Session)
  /// The peer takes no new streams: open the next one on another connection.
  func peerDrains(_ session: HTTP2Session)
  /// The connection is over: told once and last, after all streams were closed. What ``HTTP2Session/produce(into:atMost:)``
  /// has left is to be written, then the connection closed. nil when both sides had finished.
  func ended(_ failure: Failure?, _ session: HTTP2Session)
}

extension HTTP2SessionHandler {
  public func opened(_ stream: HTTP2Stream, head: HTTPFields, in session: HTTP2Session) -> (any HTTP2StreamHandler)? {
    nil
  }
  public func answered(ping id: UInt64, after nanoseconds: Int64, in session: HTTP2Session) {}
  public func peerDrains(_ session: HTTP2Session) {}
}
