/// One value of a `view` column: up to 12 bytes inline, or where a longer value lies.
/// Source: https://arrow.apache.org/docs/format/Columnar.html#variable-size-binary-view-layout
@frozen
public struct BinaryView: BitwiseCopyable, Sendable {
  /// Bytes of the value, 0...2147483647.
  public var length: Int32
  /// The first four bytes, zero behind a shorter value.
  public var prefix: UInt32
  /// Inline: bytes 4 to 8. Else the index of the buffer, not counting the one of the views.
  public var bufferIndex: Int32
  /// Inline: bytes 8 to 12. Else where the value begins in that buffer.
  public var bufferOffset: Int32

  /// Most bytes that lie in the view itself.
  public static let inlineCapacity = 12

  @inlinable
  public var isInline: Bool { length <= 12 }

  /// A view of bytes that are, if there are more than 12, at `offset` of the buffer `index`.
  public init(_ bytes: UnsafeBufferPointer<UInt8>, buffer index: Int, offset: Int) {
    self.init(length: Int32(bytes.count), prefix: 0, bufferIndex: 0, bufferOffset: 0)
    withUnsafeMutableBytes(of: &self) { view in
      let count = bytes.count <= Self.inlineCapacity ? bytes.count : 4
      UnsafeMutableRawBufferPointer(rebasing: view[4..<(4 + count)]).copyBytes(from: bytes.prefix(count))
    }
    if bytes.count > Self.inlineCapacity {
      bufferIndex = Int32(index)
      bufferOffset = Int32(offset)
    }
  }

  init(length: Int32, prefix: UInt32, bufferIndex: Int32, bufferOffset: Int32) {
    self.length = length
    self.prefix = prefix
    self.bufferIndex = bufferIndex
    self.bufferOffset = bufferOffset
  }
}
