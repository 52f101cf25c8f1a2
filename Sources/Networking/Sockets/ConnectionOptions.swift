import Base
import Glibc

/// How a connection is kept, and how long it waits for its peer.
public struct ConnectionOptions: Sendable {
  /// After that long without a byte the kernel asks the peer whether it is there (TCP_KEEPIDLE).
  public var keepAliveIdle: Duration = .seconds(10)
  /// Between two such questions (TCP_KEEPINTVL).
  public var keepAliveInterval: Duration = .seconds(5)
  /// A peer that has not answered as many is gone (TCP_KEEPCNT).
  public var keepAliveCount = 3
  /// A peer that has acknowledged nothing for that long, while it was sent bytes, is gone; nil: the kernel alone finds out
  /// (tcp_retries2, a quarter of an hour). One that acknowledges and has no room is not gone, however long that lasts.
  public var unacknowledgedLimit: Duration? = .seconds(30)
  /// For finding the name's addresses and connecting to one of them.
  public var connectDeadline: Duration = .seconds(10)
  /// For the handshake of TLS.
  public var handshakeDeadline: Duration = .seconds(10)
  /// Output below which ``ByteChannelHandler/hasRoom()`` is called, in bytes.
  public var lowOutput = 256 * 1024
  /// Without TLS: whether a peer whose first bytes are a TLS hello is refused with a sentence. Not for protocols whose first
  /// bytes are anything.
  public var refusesTLS = false

  public init() {}

  /// Sets a new socket's options; those that a kernel does not know are left out.
  func apply(to descriptor: Int32) {
    let tcp = Int32(IPPROTO_TCP)
    SocketCalls.set(descriptor, tcp, TCP_NODELAY, 1)
    SocketCalls.set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
    SocketCalls.set(descriptor, tcp, TCP_KEEPIDLE, Self.whole(keepAliveIdle, 1_000_000_000))
    SocketCalls.set(descriptor, tcp, TCP_KEEPINTVL, Self.whole(keepAliveInterval, 1_000_000_000))
    SocketCalls.set(descriptor, tcp, TCP_KEEPCNT, Int32(clamping: max(1, keepAliveCount)))
  }

  /// Sets options of a connection that is there, by who is at its other end.
  ///
  /// Within this machine nothing is lost and there is no path to share, but a system whose congestion control is BBR paces
  /// what is sent there too, with timers, at a third of what the machine can do. Every kernel has Reno, which does not.
  static func apply(to descriptor: Int32, connectedTo peer: SocketAddress) {
    guard let own = SocketCalls.ownAddress(descriptor), own.address == peer.address || peer.isLoopback else { return }
    SocketCalls.setCongestionControl(descriptor, "reno")
  }

  /// A duration in units of as many nanoseconds, rounded up, at least one.
  private static func whole(_ duration: Duration, _ unit: Int64) -> Int32 {
    Int32(clamping: max(1, (duration.wholeNanoseconds + unit - 1) / unit))
  }
}
