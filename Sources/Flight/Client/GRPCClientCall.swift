import Base
import Networking

/// The client's end of a call of gRPC.
class GRPCClientCall: GRPCCall, @unchecked Sendable {
  private let makeIntake: (_ encoding: String?) -> GRPCIntake
  /// What came with the answer's head and trailers.
  private(set) var headMetadata = GRPCMetadata()
  private var trailers: GRPCTrailers?
  /// Whether the server says that it has not begun with the call, so that it does no harm to make it again. Not of a server
  /// that was never reached: when to try that again is the caller's affair.
  private(set) var isUnprocessed = false

  /// Whether all that was sent, with its end, had left before the server ended the call.
  private(set) final var hasSentAll = true

  /// - Parameter intake: made when the answer's head has said what compresses messages.
  init(_ connection: HTTP2Connection, intake: @escaping (_ encoding: String?) -> GRPCIntake) {
    makeIntake = intake
    super.init(connection, intake: .none)
  }

  /// Sends the head.
  ///
  /// - Throws: when the connection takes no more calls; nothing else is called then.
  final func begin(_ request: GRPCRequestHead, isSecure: Bool) throws(Failure) {
    stream = try connection.open(HTTPFields(request.headers(isSecure: isSecure)), handler: self)
    setDeadline(request.timeout)
  }

  /// Sends messages.
  final func append<E: Error>(_ body: (inout OutputQueue) throws(E) -> Void) throws(E) {
    guard !isOver, let stream else { return }
    try stream.append(body)
  }

  /// Sends no more.
  final func endOutput() { if !isOver { stream?.end() } }

  /// Gives the call up.
  final override func end(_ status: GRPCStatus) {
    guard markOver() else { return }
    // The stream's `closed` follows, and finds that the call is over.
    stream?.reset(HTTP2ErrorCode(rawValue: status.http2Error))
    ended(status)
  }

  /// The call is over, with the server's status or one of this side's: called once, and last.
  func ended(_ status: GRPCStatus) {}

  final override func received(head: HTTPFields, endsStream: Bool, on stream: HTTP2Stream) {
    guard !isOver else { return }
    let headers = head.headers
    if endsStream {
      trailers = GRPCTrailers(headers)
      headMetadata = trailers?.metadata ?? headMetadata
      return
    }
    do throws(GRPCStatus) {
      let head = try GRPCResponseHead(headers)
      headMetadata = head.metadata
      intake = makeIntake(head.encoding)
    } catch {
      end(error)
    }
  }

  final override func received(trailers: HTTPFields, on stream: HTTP2Stream) {
    self.trailers = GRPCTrailers(trailers.headers)
  }

  final override func receivedEnd(on stream: HTTP2Stream) {
    guard !isOver else { return }
    let status = trailers?.flightStatus ?? GRPCStatus(.internal, "the answer ended without a status")
    guard status.isOK else { return over(status) }
    do throws(GRPCStatus) {
      try intake.finish()
      over(status)
    } catch {
      end(error)
    }
  }

  /// The server has ended the call. What this side has not sent yet, nobody wants.
  private func over(_ status: GRPCStatus) {
    guard markOver() else { return }
    // Servers count resets against floods, so there is none where nothing is left to give up.
    if let stream, !stream.hasSentAll {
      hasSentAll = false
      stream.reset(.cancel)
    }
    ended(status)
  }

  final override func closed(_ end: HTTP2StreamEnd, on stream: HTTP2Stream) {
    self.stream = nil
    guard markOver() else { return }
    if case .unprocessed = end { isUnprocessed = connection.wasConnected }
    ended(GRPCStatus(end))
  }
}
