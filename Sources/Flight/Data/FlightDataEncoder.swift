import Arrow
import Base
import Networking

/// Writes messages of a stream of batches with their prefix. The parts of a body are referenced where they lie and not
/// copied, but for small ones.
enum FlightDataEncoder {
  /// Bytes of a message at most: protobuf's own bound, which libraries hold to.
  static let largest = Int(Int32.max)

  /// Zeros for the ends of parts.
  private static let zeros = [UInt8](repeating: 0, count: 64)

  /// What is in front of a message's body, with gRPC's prefix: the message is that and the body.
  ///
  /// - Parameter message: nil for one that is all metadata.
  /// - Throws: `data` when the message is larger than protobuf can be.
  static func head(
    _ message: IPCEncodedMessage?, descriptor: FlightDescriptor?, appMetadata: [UInt8]
  ) throws(Failure) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.write(FlightData.Number.descriptor, descriptor)
    writer.write(FlightData.Number.header, message?.header ?? [])
    writer.write(FlightData.Number.appMetadata, appMetadata)
    let bodyLength = message?.bodyLength ?? 0
    // A batch has a body, even an empty one: that is how some readers tell it from a message of metadata.
    if let message, message.hasBody { writer.head(FlightData.Number.body, byteCount: bodyLength) }
    let length = writer.bytes.count + bodyLength
    guard length <= largest else {
      throw Failure(
        .data,
        "a batch takes \(length) bytes as a message of Flight, and at most \(largest) are possible; write smaller batches"
      )
    }
    return GRPCPrefix.bytes(length) + writer.bytes
  }

  /// Appends a message.
  ///
  /// - Parameter head: of this message.
  static func append(_ head: [UInt8], _ message: IPCEncodedMessage?, to queue: inout OutputQueue) {
    queue.append(copying: head)
    guard let message else { return }
    for segment in message.segments {
      queue.append(UnsafeRawBufferPointer(start: segment.address, count: segment.count), ownedBy: segment.owner)
      let gap = message.padding(after: segment.count)
      if gap > 0 { queue.append(copying: zeros.prefix(gap)) }
    }
  }
}
