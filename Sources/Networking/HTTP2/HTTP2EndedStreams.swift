/// Streams on which the peer may send no more data or fields, though nghttp2 has forgotten them: it ignores what comes for
/// them, and RFC 9113 section 5.1 wants an error.
///
/// Remembered are the last few that the peer itself ended, as it must know. A stream that we gave up is not: frames for it
/// may have been on the way.
struct HTTP2EndedStreams {
  private var ended: [Int32] = []
  private var next = 0
  /// The client's highest number so far, and the numbers that it has left out, which it may no longer use (section 5.1.1).
  private var highest: Int32 = -1
  private var skipped: [ClosedRange<Int32>] = []

  private static let endedKept = 64
  private static let skippedKept = 16

  /// The peer has ended its side of the stream.
  mutating func end(_ stream: Int32) {
    guard stream > 0 else { return }
    if ended.count < Self.endedKept {
      ended.append(stream)
    } else {
      ended[next] = stream
      next = (next + 1) % Self.endedKept
    }
  }

  /// Whether the peer ended its side of the stream, as far as that is remembered.
  func contains(_ stream: Int32) -> Bool { ended.contains(stream) }

  /// A client's HEADERS came for the stream.
  ///
  /// - Returns: false when its number was left out before, and so can never be used.
  mutating func opens(_ stream: Int32) -> Bool {
    guard stream > 0, stream % 2 == 1 else { return true }
    if stream > highest {
      if stream > highest + 2 {
        if skipped.count == Self.skippedKept { skipped.removeFirst() }
        skipped.append((highest + 2)...(stream - 2))
      }
      highest = stream
      return true
    }
    return !skipped.contains { $0.contains(stream) }
  }
}
