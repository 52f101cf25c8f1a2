import Base
import Networking

/// The server's end of a stream of batches: DoGet, whose only message is a ticket, DoPut and DoExchange.
final class StreamServerCall: GRPCServerCall, FlightStreamCall, @unchecked Sendable {
  private let service: any FlightService
  private var isOpen = false
  /// The stream that the service's handler works with; let go at the end, as it refers to this call.
  private var batches: FlightStream?

  init(
    _ connection: HTTP2Connection, _ stream: HTTP2Stream, _ service: any FlightService, _ context: FlightCallContext,
    limit: Int, encoding: String?
  ) {
    self.service = service
    let intake: GRPCIntake =
      context.method == .doGet
      ? .small(GRPCMessageDecoder(limit: limit, encoding: encoding))
      : .data(FlightDataDecoder(limit: limit, encoding: encoding))
    super.init(connection, stream, intake: intake)
    batches = FlightStream(self, context)
  }

  /// Tells the service of a DoPut or DoExchange, whose answers may come before anything is sent.
  override func begin() {
    guard let batches, batches.context.method != .doGet else { return }
    let service = service
    open { stream throws(GRPCStatus) in
      stream.context.method == .doPut ? try service.put(stream) : try service.exchange(stream)
    }
    // A client that waits for the head before it writes is not to wait for ever.
    if !isOver { sendHead() }
  }

  private func open(_ serve: (FlightStream) throws(GRPCStatus) -> FlightStreamHandler) {
    guard let batches else { return }
    isOpen = true
    do throws(GRPCStatus) {
      let handler = try serve(batches)
      // It may have been ended meanwhile: then the handler is told.
      if self.batches == nil { return handler.closed(status ?? .ok, on: batches) }
      batches.handler = handler
      handler.began(on: batches)
    } catch {
      end(error)
    }
  }

  override func received(_ message: GRPCIntake.Message) {
    guard let batches else { return }
    switch message {
    case .data(let data): batches.handler?.received(data, on: batches)
    case .small(let bytes):
      guard !isOpen else {
        return end(GRPCStatus(.unimplemented, "the call has more than one ticket, where one is expected"))
      }
      do throws(Failure) {
        let ticket = try Ticket(protobuf: bytes)
        let service = service
        open { stream throws(GRPCStatus) in try service.get(ticket, stream) }
      } catch {
        end(GRPCStatus(error))
      }
    }
  }

  override func receivedLast() {
    guard let batches else { return }
    guard batches.context.method == .doGet else { return batches.handler?.receivedEnd(on: batches) ?? () }
    if !isOpen { end(GRPCStatus(.unimplemented, "the call has no ticket, where one is expected")) }
  }

  override func hasRoom(on stream: HTTP2Stream) {
    if !isOver, let batches { batches.handler?.hasRoom(on: batches) }
  }

  override func ended(_ status: GRPCStatus) {
    // A client that was told why need not end its side soon, or ever. Later, as the handler may have ended it.
    if !status.isOK { loop.runSoon { self.tellHandler(status) } }
  }

  override func gone(_ status: GRPCStatus) { tellHandler(status) }

  private func tellHandler(_ status: GRPCStatus) {
    guard let batches else { return }
    self.batches = nil
    let handler = batches.handler
    batches.handler = nil
    handler?.closed(status, on: batches)
  }

  // MARK: What the stream of batches calls

  var loop: EventLoop { connection.loop }
  /// Not when it is over, so that who sends as long as there is room comes to an end.
  var hasRoom: Bool { !isOver && stream?.hasRoom ?? true }
  var hasSentAll: Bool { stream?.hasSentAll ?? false }
  func send<E: Error>(_ body: (inout OutputQueue) throws(E) -> Void) throws(E) { try append(body) }
  func pauseIntake() { pause() }
  func resumeIntake() { resume() }
  func finish(_ status: GRPCStatus) { end(status) }
}
