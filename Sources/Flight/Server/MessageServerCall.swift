import Base
import Networking

/// A call with one small message, whose answers are small messages too: everything of Flight but streams of batches and
/// Handshake.
final class MessageServerCall: GRPCServerCall, @unchecked Sendable {
  /// What answers: given the message, on the call's loop. What it returns is called when the call is over.
  typealias Start = (MessageServerCall, [UInt8]) throws(GRPCStatus) -> (() -> Void)

  private let start: Start
  private var message: [UInt8]?
  private var onEnd: (() -> Void)?
  /// Who waits for room; told whether there still is somebody to send to.
  private var waiter: ((Bool) -> Void)?

  init(
    _ connection: HTTP2Connection, _ stream: HTTP2Stream, limit: Int, encoding: String?,
    _ start: @escaping Start
  ) {
    self.start = start
    super.init(connection, stream, intake: .small(GRPCMessageDecoder(limit: limit, encoding: encoding)))
  }

  override func received(_ message: GRPCIntake.Message) {
    guard case .small(let bytes) = message else { return }
    guard self.message == nil else {
      return end(GRPCStatus(.unimplemented, "the call has more than one message, where one is expected"))
    }
    self.message = bytes
  }

  override func receivedLast() {
    guard let message else {
      return end(GRPCStatus(.unimplemented, "the call has no message, where one is expected"))
    }
    do throws(GRPCStatus) {
      let onEnd = try start(self, message)
      if isOver { onEnd() } else { self.onEnd = onEnd }
    } catch {
      end(error)
    }
  }

  /// Whether the last answer waits for room.
  var isWaiting: Bool { waiter != nil }

  /// Sends an answer.
  ///
  /// - Parameter whenRoom: called once there is room for the next one, with true, or when nobody waits for it, with false.
  func send(_ answer: some ProtobufMessage, whenRoom: @escaping (Bool) -> Void = { _ in }) {
    guard !isOver, let stream else { return whenRoom(false) }
    append { GRPCMessages.append(answer, to: &$0) }
    if stream.hasRoom { return whenRoom(true) }
    precondition(waiter == nil, "answers are sent one after the other")
    waiter = whenRoom
  }

  /// Sends an answer; those of a list go at once, which holds them in memory twice at most.
  func send(any answer: any ProtobufMessage) { append { GRPCMessages.append(answer.serialized(), to: &$0) } }

  private func tellWaiter(_ hasRoom: Bool) {
    let told = waiter
    waiter = nil
    told?(hasRoom)
  }

  override func hasRoom(on stream: HTTP2Stream) { tellWaiter(true) }

  override func ended(_ status: GRPCStatus) {
    let onEnd = onEnd
    self.onEnd = nil
    onEnd?()
    tellWaiter(false)
  }
}
