import Base
import Networking

/// One call of gRPC, seen from one of its ends: what server and client have in common.
///
/// Belongs to its connection's loop; that is what makes it `Sendable`: other threads only carry it to `connection.execute`.
/// The connection keeps it until its stream is closed.
class GRPCCall: HTTP2StreamHandler, @unchecked Sendable {
  let connection: HTTP2Connection
  /// nil until there is one, and for ever where the connection takes none.
  var stream: HTTP2Stream?
  /// Takes messages out of what the peer sends.
  var intake: GRPCIntake
  /// Bytes that were received and not told to the peer as room.
  private var unreturned = 0
  /// Whoever takes the messages has enough for now.
  private(set) var isPaused = false
  /// The call has a status: nothing that comes counts any more.
  private(set) var isOver = false
  private var deadlineTimer: LoopTimer?

  init(_ connection: HTTP2Connection, intake: GRPCIntake) {
    self.connection = connection
    self.intake = intake
  }

  /// Bytes that wait to be sent.
  final var waitingByteCount: Int { stream?.outputByteCount ?? 0 }

  /// Runs `body` on the call's loop, unless the loop has ended. From any thread.
  func execute(_ body: @escaping @Sendable () -> Void) { connection.execute(body) }

  /// Sets by when the call has to be over.
  ///
  /// - Parameter timeout: nanoseconds from now on; nil: it may take for ever.
  func setDeadline(_ timeout: Int64?) {
    guard let timeout else { return }
    let timer = connection.loop.timer { [weak self] in
      self?.end(GRPCStatus(.deadlineExceeded, "the call was not over within \(Duration.nanoseconds(timeout))"))
    }
    deadlineTimer = timer
    timer.set(at: .now + max(0, min(timeout, Int64.max / 4)))
  }

  /// The call is over: marks it so, once.
  ///
  /// - Returns: whether it was not over before.
  func markOver() -> Bool {
    guard !isOver else { return false }
    isOver = true
    deadlineTimer?.cancel()
    deadlineTimer = nil
    // What has come of a message that is not whole, nobody wants.
    intake = .none
    isNowOver()
    return true
  }

  /// It was marked as over: once.
  func isNowOver() {}

  /// Ends the call with a status of this side's own; the other side is told. Does nothing once it is over.
  func end(_ status: GRPCStatus) { preconditionFailure("server and client end a call in their own ways") }

  /// A message that the intake took out.
  func received(_ message: GRPCIntake.Message) {}

  /// Bytes have gone into the intake.
  func took() {}

  /// The peer has sent its last message, whole.
  func receivedLast() {}

  // MARK: Flow control

  /// Stops giving the peer room: what is on its way, at most the stream's window and what is left of a message, is still
  /// handed over.
  func pause() { isPaused = true }

  func resume() {
    guard isPaused else { return }
    isPaused = false
    returnRoom()
  }

  private func returnRoom() {
    guard !isPaused, unreturned > 0 else { return }
    let count = unreturned
    unreturned = 0
    stream?.consume(count)
  }

  // MARK: The stream

  func received(head: HTTPFields, endsStream: Bool, on stream: HTTP2Stream) {}

  final func received(data: UnsafeRawBufferPointer, on stream: HTTP2Stream) {
    unreturned += data.count
    var bytes = data
    do throws(GRPCStatus) {
      while !isOver, !bytes.isEmpty {
        guard let message = try intake.next(&bytes) else { break }
        received(message)
      }
    } catch {
      end(error)
    }
    took()
    // What comes after the end is thrown away, so that a peer that has not noticed is not stuck.
    if isOver { isPaused = false }
    returnRoom()
  }

  func received(trailers: HTTPFields, on stream: HTTP2Stream) {}

  func receivedEnd(on stream: HTTP2Stream) {
    guard !isOver else { return }
    do throws(GRPCStatus) {
      try intake.finish()
      receivedLast()
    } catch {
      end(error)
    }
  }

  func hasRoom(on stream: HTTP2Stream) {}

  func closed(_ end: HTTP2StreamEnd, on stream: HTTP2Stream) {}
}

extension GRPCStatus {
  /// What the end of a stream means for a call that has no status yet.
  init(_ end: HTTP2StreamEnd) {
    switch end {
    case .finished: self.init(.internal, "the peer ended the call without a status")
    case .reset(let code, _): self.init(http2Error: code.rawValue)
    case .unprocessed(let failure), .failed(let failure): self.init(.unavailable, failure.message)
    }
  }
}

extension HTTPFields {
  init(_ headers: GRPCHeaders) {
    self.init()
    for (name, value) in headers { append(name, value) }
  }

  /// The fields as gRPC's heads and trailers are read.
  var headers: GRPCHeaders { map { ($0.name, $0.value) } }
}
