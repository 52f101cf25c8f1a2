import Base
import Networking

/// The client's end of a stream of batches.
final class StreamClientCall: GRPCClientCall, FlightStreamCall, @unchecked Sendable {
  /// The stream that the handler works with; let go at the end, as it refers to this call.
  private var batches: FlightStream?
  private var endsOutput = false

  init(
    _ connection: HTTP2Connection, _ context: FlightCallContext, limit: Int,
    _ make: (FlightStream) -> FlightStreamHandler
  ) {
    let method = context.method
    super.init(connection) { encoding in
      method == .doPut
        ? .small(GRPCMessageDecoder(limit: limit, encoding: encoding))
        : .data(FlightDataDecoder(limit: limit, encoding: encoding))
    }
    let made = FlightStream(self, context)
    batches = made
    made.handler = make(made)
  }

  /// The call's head is sent.
  func started() {
    if let batches { batches.handler?.began(on: batches) }
  }

  override func received(_ message: GRPCIntake.Message) {
    guard let batches else { return }
    switch message {
    case .data(let data): batches.handler?.received(data, on: batches)
    case .small(let bytes):
      do throws(Failure) {
        batches.handler?.received(try PutResult(protobuf: bytes), on: batches)
      } catch {
        end(GRPCStatus(.internal, error.message))
      }
    }
  }

  override func hasRoom(on stream: HTTP2Stream) {
    if !isOver, let batches { batches.handler?.hasRoom(on: batches) }
  }

  override func ended(_ status: GRPCStatus) {
    // Later, as the handler may have ended it from within a call of its own.
    loop.runSoon {
      guard let batches = self.batches else { return }
      self.batches = nil
      let handler = batches.handler
      batches.handler = nil
      handler?.closed(status, on: batches)
    }
  }

  // MARK: What the stream of batches calls

  var loop: EventLoop { connection.loop }
  /// Not when it is over, so that who sends as long as there is room comes to an end.
  var hasRoom: Bool { !isOver && stream?.hasRoom ?? true }

  func send<E: Error>(_ body: (inout OutputQueue) throws(E) -> Void) throws(E) {
    precondition(!endsOutput, "a stream sends nothing after its end")
    try append(body)
  }

  func pauseIntake() { pause() }
  func resumeIntake() { resume() }

  func finish(_ status: GRPCStatus) {
    guard status.isOK else { return end(status) }
    guard !endsOutput else { return }
    endsOutput = true
    endOutput()
  }
}
