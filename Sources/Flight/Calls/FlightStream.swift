import Base
import Networking

/// Whom a stream of batches is for. All is called on the stream's loop and must not block.
///
/// The order is: ``began(on:)`` once; then ``received(_:on:)`` and ``hasRoom(on:)`` as it comes, ``receivedEnd(on:)`` at most once, at last ``closed(_:on:)``
/// once, which may also come alone. A class and not a protocol, so that a call on the data path is one of a method.
open class FlightStreamHandler {
  public init() {}

  /// Something may be sent.
  open func began(on stream: FlightStream) {}

  /// A message with a batch, a dictionary, a schema or metadata. After ``FlightStream/pause()`` there come as many more as
  /// the peer has room for: those of the stream's window, and the rest of one that has begun.
  open func received(_ data: FlightData, on stream: FlightStream) {}

  /// What the server acknowledges of a DoPut.
  open func received(_ result: PutResult, on stream: FlightStream) {}

  /// The peer sends no more. A client's stream ends with ``closed(_:on:)`` instead.
  open func receivedEnd(on stream: FlightStream) {}

  /// Less waits to be sent than the stream's mark, after as much or more did.
  open func hasRoom(on stream: FlightStream) {}

  /// The stream is over. For a client: what the server ended it with. For a server: OK when the client got all, else why it
  /// did not.
  open func closed(_ status: GRPCStatus, on stream: FlightStream) {}
}

/// A stream of batches of DoGet, DoPut or DoExchange, seen from one of its ends.
///
/// Belongs to its connection's loop, where everything but ``execute(_:)`` is called; that is what makes it `Sendable`.
public final class FlightStream: @unchecked Sendable {
  /// Keeps the call, which keeps its stream; both let go when it is closed.
  let call: FlightStreamCall
  public let context: FlightCallContext
  /// Let go when the stream is closed, so that handler and stream may refer to each other.
  public var handler: FlightStreamHandler?

  init(_ call: FlightStreamCall, _ context: FlightCallContext) {
    self.call = call
    self.context = context
  }

  public var loop: EventLoop { call.loop }

  /// Runs `body` on the stream's loop. From any thread.
  ///
  /// - Returns: false when the loop has ended: then it never runs.
  @discardableResult
  public func execute(_ body: @escaping @Sendable () -> Void) -> Bool { call.loop.execute(body) }

  /// Whether more should be sent now: if not, wait for the handler's `hasRoom`. What is sent all the same is kept.
  public var hasRoom: Bool { call.hasRoom }

  /// Bytes that wait to be sent.
  public var waitingByteCount: Int { call.waitingByteCount }

  /// Of a client's stream, once it is closed: whether all that it sent, with its end, had left before the server's status came.
  public var hasSentAll: Bool { call.hasSentAll }

  /// Sends messages: what a ``FlightBatchWriter`` writes.
  public func send<E: Error>(_ body: (inout OutputQueue) throws(E) -> Void) throws(E) { try call.send(body) }

  /// Acknowledges a part of a DoPut. On a server.
  public func send(_ result: PutResult) { call.send { GRPCMessages.append(result, to: &$0) } }

  /// Stops giving the peer room.
  public func pause() { call.pauseIntake() }

  /// Goes on giving the peer room.
  public func resume() { call.resumeIntake() }

  /// Sends no more. On a server it ends the stream with a status; on a client with OK it ends this side, and the server's status is
  /// waited for, with anything else it gives the call up.
  public func finish(_ status: GRPCStatus = .ok) { call.finish(status) }
}

/// What a stream of batches needs of a server's or a client's call.
protocol FlightStreamCall: AnyObject {
  var loop: EventLoop { get }
  var hasRoom: Bool { get }
  var waitingByteCount: Int { get }
  var hasSentAll: Bool { get }
  func send<E: Error>(_ body: (inout OutputQueue) throws(E) -> Void) throws(E)
  func pauseIntake()
  func resumeIntake()
  func finish(_ status: GRPCStatus)
}
