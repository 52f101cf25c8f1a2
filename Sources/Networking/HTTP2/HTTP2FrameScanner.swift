/// Finds the heads of frames in bytes that come in pieces, so that frames are counted before nghttp2 works on them: it tells
/// nothing of those that it ignores.
struct HTTP2FrameScanner {
  /// Bytes of a payload, or of a client's greeting, that are still to come before the next head.
  private var skipped: Int
  /// The bytes of a head that have come, the first one highest, and how many.
  private var high: UInt64 = 0
  private var low: UInt32 = 0
  private var gathered = 0

  /// - Parameter skipping: bytes before the first frame.
  init(skipping: Int) { skipped = skipping }

  /// Whether a frame's head has come in part.
  var isInHead: Bool { gathered > 0 }

  /// The next head that is complete.
  ///
  /// - Parameter offset: where to go on in `bytes`; afterwards behind the head, or at the end when there is none.
  mutating func next(in bytes: UnsafeRawBufferPointer, at offset: inout Int) -> HTTP2FrameHead? {
    if skipped > 0 {
      let part = min(skipped, bytes.count - offset)
      skipped -= part
      offset += part
      guard skipped == 0 else { return nil }
    }
    while gathered < HTTP2FrameHead.byteCount {
      guard offset < bytes.count else { return nil }
      let byte = bytes[offset]
      if gathered < 5 { high = high << 8 | UInt64(byte) } else { low = low << 8 | UInt32(byte) }
      gathered += 1
      offset += 1
    }
    let head = HTTP2FrameHead(
      length: Int(high >> 16), type: UInt8(truncatingIfNeeded: high >> 8), flags: UInt8(truncatingIfNeeded: high),
      stream: Int32(bitPattern: low & 0x7FFF_FFFF))
    skipped = head.length
    (high, low, gathered) = (0, 0, 0)
    return head
  }
}
