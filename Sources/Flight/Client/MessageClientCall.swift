import Base
import Networking

/// A call with one small message, whose answers, small too, are gathered.
final class MessageClientCall: GRPCClientCall, @unchecked Sendable {
  /// What a call came to.
  struct Answer: Sendable {
    var messages: [[UInt8]]
    var metadata: GRPCMetadata
  }

  /// Let go when it is called: it may lead back to this call, by who may cancel it.
  private var finish: (@Sendable (Result<Answer, GRPCStatus>, _ isUnprocessed: Bool) -> Void)?
  private let limit: Int
  private var messages: [[UInt8]] = []
  private var byteCount = 0

  /// - Parameters:
  ///   - limit: bytes of all answers together at most.
  ///   - finish: called once, on the loop.
  init(
    _ connection: HTTP2Connection, limit: Int,
    _ finish: @escaping @Sendable (Result<Answer, GRPCStatus>, _ isUnprocessed: Bool) -> Void
  ) {
    self.limit = limit
    self.finish = finish
    super.init(connection) { .small(GRPCMessageDecoder(limit: limit, encoding: $0)) }
  }

  override func received(_ message: GRPCIntake.Message) {
    guard case .small(let bytes) = message else { return }
    byteCount += bytes.count
    guard byteCount <= limit else {
      return end(GRPCStatus(.resourceExhausted, "the answers have more than \(limit) bytes together"))
    }
    messages.append(bytes)
  }

  override func ended(_ status: GRPCStatus) {
    let finish = finish
    self.finish = nil
    finish?(
      status.isOK ? .success(Answer(messages: messages, metadata: headMetadata)) : .failure(status), isUnprocessed)
  }
}
