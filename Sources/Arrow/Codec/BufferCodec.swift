import Base
import VolleyPlan

/// A way to compress bytes, which a plugin brings: what it is called, how its output is known, and the making of coders.
///
/// Used from any thread.
public protocol BufferCodec: AnyObject, Sendable {
  /// "gzip", "lz4_frame", "zstd": what options and messages call it.
  var name: String { get }
  /// How names of files that it wrote end: ".gz"; nil when it is not for files.
  var suffix: String? { get }
  /// What its output begins with, at most `CodecSet.magicLimit` bytes; empty when it cannot be told so.
  var magic: [UInt8] { get }
  /// Its number in Arrow's IPC metadata (`CompressionType` of format/Message.fbs: 0 is LZ4_FRAME, 1 is ZSTD); nil when Arrow
  /// has none.
  var arrowID: Int? { get }
  /// A coder for one user at a time.
  ///
  /// - Parameters:
  ///   - uid: the operator that it works for: what logs and failures name.
  ///   - options: an object of the codec's own options, such as `{"level": 9}`; what is absent has its default.
  /// - Throws: `usage` for an option that the codec does not have, and what the plugin says.
  func makeCoder(uid: String, options: JSONValue) throws(Failure) -> any BufferCoder
}

extension BufferCodec {
  public func makeCoder(uid: String) throws(Failure) -> any BufferCoder {
    try makeCoder(uid: uid, options: .object([]))
  }
}

/// Compresses and decompresses, whole buffers or streams, one after the other.
///
/// One thread at a time uses it, not always the same one. It keeps its working memory from call to call, so it is worth keeping;
/// it is closed when it is released. Input may be empty and have no address. A coder whose call failed is good for further calls,
/// but for the stream that failed.
public protocol BufferCoder: AnyObject {
  /// Room that suffices for the compressed form of `byteCount` bytes.
  func bound(_ byteCount: Int) throws(Failure) -> Int
  /// Compresses all of `input` as one whole.
  ///
  /// - Returns: bytes written.
  /// - Throws: also when `output` has no room for it.
  func compress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  /// Decompresses all of `input`, one whole or several in a row.
  ///
  /// - Returns: bytes written.
  /// - Throws: `data` when the input is damaged, cut short or decompresses to more than `output` has room for.
  func decompress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(Failure) -> Int

  /// Begins a stream; one that was not ended is forgotten.
  func begin(_ direction: CodecDirection) throws(Failure)
  /// Moves a stream on: takes input, gives output, as much of both as it can.
  ///
  /// Compressing, the stream ends when `isLast` was said, all input is taken and all output given: until then call again with
  /// more room. Decompressing, it ends where the compressed data says so; what follows there is not taken, and is the next
  /// stream's. A stream has to be begun again after its end.
  ///
  /// A step that takes nothing, gives nothing and does not end was given no input, and wants some.
  ///
  /// - Parameters:
  ///   - output: room for at least one byte.
  ///   - isLast: no input follows. Decompressing, a stream that needs more is damaged then.
  /// - Throws: `data` when the input is damaged.
  func step(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
  ) throws(Failure) -> CodecStep
}

public enum CodecDirection: UInt32, Sendable {
  case compress = 1
  case decompress = 2
}

/// What a step of a stream did.
public struct CodecStep: Sendable, Hashable {
  /// Bytes of input that were taken.
  public var consumed: Int
  /// Bytes of output that were given.
  public var produced: Int
  /// Whether the stream has ended.
  public var isAtEnd: Bool

  public init(consumed: Int, produced: Int, isAtEnd: Bool) {
    self.consumed = consumed
    self.produced = produced
    self.isAtEnd = isAtEnd
  }
}
