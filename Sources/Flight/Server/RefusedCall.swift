import Networking

/// A call that is answered with why it is not taken; what the client sends is thrown away.
final class RefusedCall: HTTP2StreamHandler {
  private let refusal: GRPCRefusal

  init(_ refusal: GRPCRefusal) { self.refusal = refusal }

  func received(head: HTTPFields, endsStream: Bool, on stream: HTTP2Stream) {
    let body = Array(refusal.body.utf8)
    stream.send(head: HTTPFields(refusal.headers), endsStream: body.isEmpty)
    guard !body.isEmpty else { return }
    body.withUnsafeBytes { stream.send(copying: $0) }
    stream.end()
  }

  func received(data: UnsafeRawBufferPointer, on stream: HTTP2Stream) { stream.consume(data.count) }
  func receivedEnd(on stream: HTTP2Stream) {}
  func closed(_ end: HTTP2StreamEnd, on stream: HTTP2Stream) {}
}
