import Glibc

/// Text as its UTF-8 bytes, owned by somebody else. The functions of this room take it as valid UTF-8; on bytes that are
/// not, they give some result within the bytes and never read or write outside them.
public typealias TextBytes = UnsafeBufferPointer<UInt8>

extension UnsafeBufferPointer where Element == UInt8 {
  /// The bytes `range`, which must lie within these.
  @inline(__always)  // An addition; `rebasing` of a slice checks what the callers know.
  func slice(_ range: Range<Int>) -> TextBytes {
    guard let base = baseAddress else { return self }
    return TextBytes(start: base + range.lowerBound, count: range.count)
  }

  /// The bytes from `start`, at most `count`, on.
  @inline(__always)  // As above.
  func from(_ start: Int) -> TextBytes { slice(start..<count) }

  /// Whether `bytes` stand at `offset`, which may be anything from 0 on.
  @inline(__always)  // Most comparisons end at the length.
  func holds(_ bytes: TextBytes, at offset: Int) -> Bool {
    guard bytes.count <= count &- offset else { return false }
    guard let base = baseAddress, let other = bytes.baseAddress, bytes.count > 0 else { return true }
    return memcmp(base + offset, other, bytes.count) == 0
  }
}
