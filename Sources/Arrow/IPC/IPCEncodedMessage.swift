import Base

/// A message of Arrow IPC that can be sent: its header, and where the parts of its body lie.
/// Source: https://github.com/apache/arrow/blob/main/format/Message.fbs
public struct IPCEncodedMessage: Sendable {
  enum Kind: Int8 {
    case schema = 1
    case dictionary = 2
    case batch = 3
  }

  let kind: Kind
  /// Whether it is of a batch or of a dictionary, and so has a body, even if that is empty.
  public var hasBody: Bool { kind != .schema }
  /// The FlatBuffer `Message`, a multiple of 8 bytes, without the prefix that it has in streams.
  public let header: [UInt8]
  /// The body's parts, in order, each of which is followed by zeros up to a multiple of ``alignment``.
  public let segments: [SharedBytes]
  /// Bytes of the body, zeros included.
  public let bodyLength: Int
  /// 8, 16, 32 or 64.
  public let alignment: Int

  init(
    _ kind: Kind, _ content: FlatFields, _ segments: [SharedBytes] = [], bodyLength: Int = 0, alignment: Int
  ) throws(Failure) {
    self.kind = kind
    self.segments = segments
    self.bodyLength = bodyLength
    self.alignment = alignment
    // Version V5.
    header = FlatWriter.buffer(
      root: [(0, .int16(4)), (1, .int8(kind.rawValue)), (2, .table(content)), (3, .int64(Int64(bodyLength)))])
    // With room for what a stream puts around it.
    guard header.count <= Int(Int32.max) - 128 else {
      throw Failure(
        .data, "the header of an Arrow message takes \(header.count) bytes, and 2 GiB are possible; use fewer columns")
    }
  }

  /// Zeros that follow a part of so many bytes.
  public func padding(after byteCount: Int) -> Int { (alignment - byteCount % alignment) % alignment }
}
