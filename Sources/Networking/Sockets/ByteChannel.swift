import Base
import CPlatform
import Glibc

/// One connection's bytes, over TCP, with or without TLS.
///
/// Belongs to one loop: everything but ``connect(to:on:options:tls:serverName:resolver:handler:)`` is called on its thread, where
/// `loop.execute` leads; that is what makes it `Sendable`. Lives until it is closed, whether somebody keeps it or not.
public final class ByteChannel: LoopMember, @unchecked Sendable {
  /// Where a connection is in its life; only ever goes on.
  enum Phase: Int, Comparable {
    /// Its name is looked up, or its addresses are tried.
    case connecting
    /// TLS is being agreed on.
    case handshaking
    /// Both sides may write.
    case open
    /// Was told to close: what waits is written, what comes is thrown away.
    case draining
    /// All is written and the peer has been told; its own end is waited for, because closing now could make it lose what
    /// was written last.
    case parting
    case closed

    static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
  }

  public let loop: EventLoop
  public let options: ConnectionOptions
  /// Whom it calls; nil after the end. May be replaced by one who goes on in its place.
  public var handler: ByteChannelHandler?
  /// Bytes for the peer: append to it, then ``flush()``.
  public var output = OutputQueue(keepsBlock: true)
  /// The peer's address; nil while it is connecting.
  public internal(set) var peerAddress: SocketAddress?
  /// What failures call the peer: the name that was asked for, if there was one, and the address.
  public internal(set) var peerName: String
  /// Whether an end of the connection without one of TLS is as good as one (RFC 8446, section 6.1): for handlers whose protocol has said
  /// that nothing more will come.
  public var acceptsTruncation = false
  /// Bytes of TCP that came and went so far.
  public internal(set) var bytesReceived = 0
  public internal(set) var bytesSent = 0

  var phase: Phase
  /// Negative while there is none.
  var descriptor: Int32 = -1
  /// Looks whether the peer acknowledges what it is sent; made with the first bytes.
  var acknowledgementTimer: LoopTimer?
  /// The timer is set.
  var isWatched = false
  /// When the first of the bytes went to the kernel that has had some ever since.
  var watchedSince = MonotonicTime(nanoseconds: 0)
  /// What is needed while it connects.
  var connecting: Connecting?
  /// Runs out when the peer does not do in time what the phase waits for.
  var deadlineTimer: LoopTimer?
  /// What TLS is made from when the connection is there; nil without TLS.
  var tlsContext: TLSContext?
  /// The host that a client's TLS asks for.
  var serverName: String?
  var tls: TLSSession?
  /// What TLS made of output, or has to say itself, and the kernel has not taken yet.
  var encrypted = OutputQueue()
  /// Bytes of output that are encrypted before they are sent.
  var encryptedAtOnce = leastEncryptedAtOnce
  /// Decrypted bytes that came with the handshake's last ones while the handler did not want any.
  var held: [UInt8] = []
  /// Whether the first bytes of TLS have been looked at.
  var hasSeenHello = false
  /// TLS has said that no more will be sent.
  var hasEndedTLS = false
  /// Tells who accepted it that it is gone, after the handler.
  var onClosed: (() -> Void)?

  /// The kernel may have bytes, or the end, for us; edge-triggered, so that nobody says it again.
  var mayRead = false
  /// The kernel may have room for us.
  var mayWrite = false
  /// The peer's end or a failure is there, behind the bytes that wait: a short read does not mean that nothing is left.
  var endIsNear = false
  var isPaused = false
  /// The peer sent its last byte.
  var hasReceivedEnd = false
  var hasToldEnd = false
  /// Whether the first bytes have been looked at, or need not be.
  var hasSeenFirstBytes: Bool
  /// Our own last byte is to be followed by the end, or was.
  var endsOutput = false
  var hasEndedOutput = false
  /// A flush left more than a little: the handler is told when that is gone.
  var awaitsRoom = false
  /// Bytes that may still be read in turn `turnOfReads`: what becomes ready and what goes on may be called in one turn.
  var readBudget = 0
  var turnOfReads = -1
  /// Bytes that may still be written in turn `turnOfWrites`.
  var writeBudget = 0
  var turnOfWrites = -1

  /// Bytes that a connection reads, and writes, in one turn at most, so that it does not keep the others waiting.
  static let turnLimit = 1 << 20

  init(_ loop: EventLoop, _ options: ConnectionOptions, phase: Phase, peerName: String) {
    self.loop = loop
    self.options = options
    self.phase = phase
    self.peerName = peerName
    hasSeenFirstBytes = !options.refusesTLS
  }

  deinit { precondition(descriptor < 0, "a channel with a descriptor is kept by its loop") }

  /// Whether the peer may still be written to.
  public var isOpen: Bool { phase == .open }

  /// Stops calls of ``ByteChannelHandler/received(_:)``, and so, once its buffers are full, the peer. A connection that breaks is still
  /// noticed; one that ends is noticed when reading goes on.
  public func pauseReading() {
    loop.assertCurrent()
    isPaused = true
  }

  /// Goes on reading, in the next turn.
  public func resumeReading() {
    loop.assertCurrent()
    guard isPaused else { return }
    isPaused = false
    if mayRead || !held.isEmpty || (hasReceivedEnd && !hasToldEnd) { loop.turnAgain(self) }
  }

  /// The certificate that the peer showed and that was verified; nil without TLS, and where none was asked for.
  public var peerCertificate: PeerCertificate? {
    loop.assertCurrent()
    return tls?.peerCertificate
  }

  /// The host that the peer asked for by TLS (SNI, RFC 6066, section 3), for servers.
  public var requestedHost: String? {
    loop.assertCurrent()
    return tls?.serverName
  }

  /// The version of TLS that was agreed on, such as `TLSv1.3`; nil without TLS.
  public var tlsVersion: String? {
    loop.assertCurrent()
    return tls?.version
  }

  override func ready(_ events: UInt32) {
    if events & (PLATFORM_READABLE | PLATFORM_PEER_ENDED | PLATFORM_HUNG_UP | PLATFORM_BROKEN) != 0 { mayRead = true }
    if events & (PLATFORM_WRITABLE | PLATFORM_HUNG_UP | PLATFORM_BROKEN) != 0 { mayWrite = true }
    if events & (PLATFORM_PEER_ENDED | PLATFORM_HUNG_UP | PLATFORM_BROKEN) != 0 { endIsNear = true }
    if phase == .connecting { return finishAttempt() }
    // Nothing is read while it is paused or after the end, so that nobody else would find out.
    if events & PLATFORM_BROKEN != 0, isPaused || hasReceivedEnd, phase != .closed {
      let code = SocketCalls.takeError(descriptor)
      if code != 0 { return finish(SocketFailure.lost(peerName, code)) }
    }
    turn()
  }

  override func turn() {
    guard phase != .connecting, phase != .closed else { return }
    if mayWrite, writes() { tellRoom() }
    readTurn()
  }

  override func loopEnds() { finish(SocketFailure.loopEnded(peerName, loop.name)) }
}
