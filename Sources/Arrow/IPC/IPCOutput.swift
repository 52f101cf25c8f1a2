import Base
import VolleyPlan

/// Where a writer of Arrow IPC puts its bytes.
public protocol IPCOutput {
  /// Takes all of the bytes, which are valid during the call only.
  mutating func write(_ bytes: UnsafeRawBufferPointer) throws(Failure)
}

/// Bytes in memory.
public struct IPCBytes: IPCOutput, Sendable {
  public var bytes: [UInt8] = []

  public init() {}

  public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) { self.bytes.append(contentsOf: bytes) }
}

/// How a writer of Arrow IPC lays out what it writes.
public struct IPCWriteOptions: Sendable {
  /// Each buffer begins at a multiple of this many bytes of its body, and each body of the whole: 8, 16, 32 or 64.
  public var alignment = 64
  /// What compresses the buffers; nil: they are written as they are.
  public var codec: (any BufferCodec)?
  /// The codec's own options, an object.
  public var codecOptions = JSONValue.object([])
  /// The operator that writes: what logs of codecs name.
  public var uid = ""

  public init(alignment: Int = 64, codec: (any BufferCodec)? = nil) {
    precondition([8, 16, 32, 64].contains(alignment), "buffers are aligned to 8, 16, 32 or 64 bytes")
    self.alignment = alignment
    self.codec = codec
  }
}

/// What compresses the buffers of a writer, and the number by which a message tells it.
struct IPCCompression {
  let number: Int8
  let coder: any BufferCoder

  /// nil when the buffers are written as they are.
  init?(_ options: IPCWriteOptions) throws(Failure) {
    guard let codec = options.codec else { return nil }
    guard let number = codec.arrowID else {
      throw Failure(
        .usage,
        "the codec '\(codec.name)' has no number in the Arrow format; use 'lz4_frame' or 'zstd' for Arrow's buffers")
    }
    self.number = Int8(clamping: number)
    coder = try codec.makeCoder(uid: options.uid, options: options.codecOptions)
  }
}
