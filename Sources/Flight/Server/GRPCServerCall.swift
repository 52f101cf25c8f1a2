import Base
import Networking

/// The server's end of a call of gRPC.
class GRPCServerCall: GRPCCall, @unchecked Sendable {
  /// Goes with the answer's head, which is sent with the first message.
  var headMetadata = GRPCMetadata()
  private var hasSentHead = false
  /// What the call was ended with; nil as long as it is not.
  private(set) var status: GRPCStatus?

  init(_ connection: HTTP2Connection, _ stream: HTTP2Stream, intake: GRPCIntake) {
    super.init(connection, intake: intake)
    self.stream = stream
  }

  /// The client's head has come: called once, before any message.
  func begin() {}

  final override func received(head: HTTPFields, endsStream: Bool, on stream: HTTP2Stream) { begin() }

  /// Sends the head, if it is not sent.
  final func sendHead() {
    guard !hasSentHead, !isOver else { return }
    hasSentHead = true
    stream?.send(head: HTTPFields(GRPCResponseHead(metadata: headMetadata).headers))
  }

  /// Sends messages.
  final func append<E: Error>(_ body: (inout OutputQueue) throws(E) -> Void) throws(E) {
    guard !isOver, let stream else { return }
    sendHead()
    try stream.append(body)
  }

  /// Ends the call. What was sent before arrives before the status.
  final override func end(_ status: GRPCStatus) {
    guard markOver() else { return }
    self.status = status
    let trailers = GRPCTrailers(status)
    if hasSentHead {
      stream?.end(trailers: HTTPFields(trailers.headers))
    } else {
      hasSentHead = true
      stream?.send(head: HTTPFields(GRPCTrailers(status, metadata: headMetadata).headersOnly), endsStream: true)
    }
    ended(status)
  }

  /// The call is over: called once, also when the client has given it up.
  func ended(_ status: GRPCStatus) {}

  /// The stream is gone: called once, after ``ended(_:)``.
  func gone(_ status: GRPCStatus) {}

  final override func closed(_ end: HTTP2StreamEnd, on stream: HTTP2Stream) {
    var status = GRPCStatus(end)
    if case .finished = end { status = self.status ?? .ok }
    if markOver() {
      self.status = status
      ended(status)
    }
    self.stream = nil
    gone(status)
  }
}

extension HTTP2Stream {
  /// `send`, for a body that throws.
  func append<E: Error>(_ body: (inout OutputQueue) throws(E) -> Void) throws(E) {
    var failure: E?
    send { queue in
      do throws(E) { try body(&queue) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}
