import Base

/// What a connection's bytes are for. All is called on the channel's loop, never from within the handler's own calls of the
/// channel: ``ByteChannel/flush()`` and the others return first.
///
/// The order is: ``connected(applicationProtocol:)`` once; then ``received(_:)``, ``receivedAll()`` and ``hasRoom()`` as it comes, and
/// ``receivedEnd()`` at most once; at last ``closed(_:)`` once. A connection that does not come about is told by ``closed(_:)`` alone.
///
/// The channel keeps its handler until ``closed(_:)`` has returned, so a handler may keep its channel. A class and not a
/// protocol, so that a call on the data path is one of a method and not of an existential.
open class ByteChannelHandler {
  public init() {}

  /// The connection is there, and so is TLS where it is wanted.
  ///
  /// - Parameter applicationProtocol: what was agreed on by ALPN (RFC 7301); nil without TLS or without an agreement.
  open func connected(applicationProtocol: String?) {}

  /// Bytes came. They lie in the loop's memory and are valid during this call only.
  open func received(_ bytes: UnsafeRawBufferPointer) {}

  /// All that one read of the socket brought was handed over: a good moment to answer it together.
  open func receivedAll() {}

  /// The peer will send no more bytes, and may still read.
  open func receivedEnd() -> AfterEnd { .close }

  /// What becomes of a channel whose peer will send no more.
  public enum AfterEnd: Sendable {
    /// What waits is written and the connection is closed.
    case close
    /// The handler has more to say, and closes the channel itself.
    case stayOpen
  }

  /// The output, of which a flush had to leave more than ``ConnectionOptions/lowOutput`` bytes, is down to that.
  open func hasRoom() {}

  /// The connection is gone, and nothing else is called after this.
  ///
  /// - Parameter failure: why; nil when one side closed it as it should be.
  open func closed(_ failure: Failure?) {}
}
