import Base
import CPlatform
import Glibc

extension ByteChannel {
  /// Takes an accepted connection's descriptor over. On the loop's thread.
  ///
  /// - Parameters:
  ///   - handler: makes the channel's handler.
  ///   - onClosed: is called at the end in every case, after the handler's ``ByteChannelHandler/closed(_:)``.
  static func accept(
    _ descriptor: Int32, from peer: SocketAddress, on loop: EventLoop, options: ConnectionOptions,
    tls: TLSContext?, handler: (ByteChannel) -> ByteChannelHandler, onClosed: @escaping () -> Void
  ) {
    options.apply(to: descriptor)
    let channel = ByteChannel(loop, options, phase: .connecting, peerName: peer.description)
    channel.peerAddress = peer
    channel.onClosed = onClosed
    channel.tlsContext = tls
    channel.descriptor = descriptor
    channel.handler = handler(channel)
    // The handler's maker may have refused it.
    guard channel.phase == .connecting else { return }
    guard !loop.isEnding else { return channel.loopEnds() }
    do throws(Failure) {
      try loop.add(channel, descriptor)
    } catch {
      return channel.finish(error)
    }
    // A new socket has room; whether it has bytes, the loop tells.
    channel.mayWrite = true
    channel.opened()
  }
}
