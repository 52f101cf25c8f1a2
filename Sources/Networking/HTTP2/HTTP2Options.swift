/// What one end of an HTTP/2 connection offers its peer, and the bounds that it sets it.
public struct HTTP2Options: Sendable {
  /// Who is at the other end, for messages.
  public var peerName = "the peer"
  /// Bytes that the peer may send on a stream before its handler consumes them (SETTINGS_INITIAL_WINDOW_SIZE).
  public var streamWindow = 1 << 20
  /// As many bytes of a stream's window are given back at once: few enough that the peer goes on sending while others are
  /// consumed, and enough that it is not woken for each frame.
  var windowStep: Int { max(1, streamWindow / 8) }
  /// Bytes that the peer may have on the way on all streams. The window is given back as bytes arrive, so it bounds what is
  /// in the air and not what handlers hold.
  public var connectionWindow = 16 << 20
  /// Streams that the peer may have open at once.
  public var maxConcurrentStreams = 100_000
  /// Bytes of a received head, decoded, with 32 bytes a field. A longer one resets its stream, and counts as a
  /// ``HTTP2FloodGuard/Act/mistake``.
  public var maxHeaderListSize = 64 * 1024
  /// Bytes of a frame's payload that the peer may send: 16,384 to 16,777,215.
  public var maxFrameSize = 256 * 1024
  /// Bytes of HPACK's table of fields that the peer may refer to.
  public var headerTableSize = 4_096
  /// Bytes of a DATA frame's payload that we send, if the peer takes frames so large: others wait for as long.
  public var maxSentFrameSize = 256 * 1024
  /// A stream's handler is told that there is room when fewer bytes than these wait, after as many or more did.
  public var streamOutputMark = 256 * 1024
  /// Bytes that may wait on all streams together; with more, the connection is ended: handlers that heed
  /// ``HTTP2Stream/hasRoom`` do not come near.
  public var maxOutput = 1 << 30
  /// Requests of a client that may wait for the peer to take more streams.
  public var maxWaitingRequests = 1_000
  /// How often a peer may do what costs us more than itself.
  public var flood = HTTP2FloodGuard.Limits()
  /// Nanoseconds that the peer has for its first SETTINGS frame.
  public var greetingTimeout: Int64 = 10_000_000_000
  /// Nanoseconds that the peer has to answer the PING that ends the first phase of draining.
  public var drainTimeout: Int64 = 5_000_000_000

  public init() {}

  /// Bugs, not input: the caller's flags have bounds of their own.
  func check() {
    precondition((0...0x7FFF_FFFF).contains(streamWindow), "a stream's window is at most 2^31 - 1 bytes")
    precondition((65_535...0x7FFF_FFFF).contains(connectionWindow), "a connection's window is 65,535 to 2^31 - 1 bytes")
    precondition((16_384...16_777_215).contains(maxFrameSize), "a frame is at most 16,384 to 16,777,215 bytes")
    precondition(maxSentFrameSize >= 16_384 && maxSentFrameSize <= 16_777_215, "a sent frame is at most 2^24 - 1 bytes")
    precondition((0...0x7FFF_FFFF).contains(maxConcurrentStreams), "streams are counted in 31 bits")
    precondition((1...0x0FFF_FFFF).contains(maxHeaderListSize), "a head has a bound below 256 MiB")
    precondition((0...0x0FFF_FFFF).contains(headerTableSize), "a table of fields has a bound below 256 MiB")
  }
}
