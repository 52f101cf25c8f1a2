import Base

/// Decompresses the buffers of one body, each by itself.
/// Source: https://github.com/apache/arrow/blob/main/format/Message.fbs, `BodyCompressionMethod`
struct BodyDecompressor {
  private let coder: any BufferCoder
  /// Bytes that the buffers may still take.
  private var allowance: Int

  /// No codec makes more than this many bytes of one: a larger claim is a lie.
  private static let largestRatio = 1 << 17

  /// nil when the buffers are as they are.
  ///
  /// - Parameter table: a table `BodyCompression`.
  init?(_ table: FlatTable?, _ coders: IPCCoders, options: IPCReadOptions) throws(Failure) {
    guard let table else { return nil }
    let method = try table.integer(1, default: Int8(0))
    guard method == 0 else {
      throw Failure(
        .data,
        "the Arrow data is compressed by method \(method), where 0, each buffer by itself, is expected; write it anew")
    }
    coder = try coders.coder(Int(try table.integer(0, default: Int8(0))))
    allowance = options.bodyBytes
  }

  /// The content of a buffer that is not empty: its length as Int64, then compressed bytes; length -1: then the bytes
  /// as they are.
  mutating func bytes(_ source: SharedBytes) throws(Failure) -> SharedBytes {
    guard source.count >= 8 else {
      throw Failure(.data, "has a compressed buffer of \(source.count) bytes, where at least 8 are expected")
    }
    let length = source.integer(at: 0, Int64.self)
    let rest = source.part(8, source.count - 8)
    if length == -1 { return rest }
    guard length >= 0, length <= allowance, Int(length) / Self.largestRatio <= rest.count else {
      throw Failure(
        .data,
        "has a buffer of \(rest.count) bytes that says to be \(length) when it is decompressed, where at most \(allowance) are "
          + "allowed")
    }
    allowance -= Int(length)
    let target = Buffer(byteCount: Int(length))
    if length > 0 {
      let count = try coder.decompress(
        UnsafeRawBufferPointer(start: rest.address, count: rest.count),
        into: UnsafeMutableRawBufferPointer(start: target.unsafeMutableAddress, count: Int(length)))
      guard count == Int(length) else {
        throw Failure(.data, "has a buffer that is \(count) bytes when it is decompressed, and says to be \(length)")
      }
    }
    return SharedBytes(target)
  }
}
