/// Whether what views show is UTF-8. Any number of views may show the same bytes, so what they show of a buffer is read
/// once, from the first byte to the last, and where that is text throughout a view only has to begin and end between
/// characters.
struct ViewedText {
  enum Answer {
    case valid
    /// From that byte of the value on.
    case invalid(Int)
    /// More bytes were asked for one by one than anybody honest would share.
    case tooMany
  }

  private enum State {
    case unknown
    case text
    case other
  }

  private let buffers: [UnsafeRawBufferPointer]
  /// By buffer: the bytes that any view shows. A slice may show few of many.
  private let shown: [Range<Int>]
  private var states: [State]
  /// Bytes that may still be read value by value.
  private var allowance: Int

  /// - Parameters:
  ///   - buffers: alive as long as the value is used.
  ///   - views: of any content.
  init(_ buffers: [UnsafeRawBufferPointer], _ views: UnsafePointer<BinaryView>, count: Int) {
    self.buffers = buffers
    var shown = [Range<Int>?](repeating: nil, count: buffers.count)
    for row in 0..<(buffers.isEmpty ? 0 : count) {
      let view = views[row]
      let (index, start, length) = (Int(view.bufferIndex), Int(view.bufferOffset), Int(view.length))
      if view.isInline || index < 0 || index >= buffers.count { continue }
      guard start >= 0, start + length <= buffers[index].count else { continue }
      let known = shown[index] ?? start..<start
      shown[index] = min(known.lowerBound, start)..<max(known.upperBound, start + length)
    }
    self.shown = shown.map { $0 ?? 0..<0 }
    states = Array(repeating: .unknown, count: buffers.count)
    allowance = 64 * buffers.reduce(1 << 16) { $0 + $1.count }
  }

  /// Bytes `start ..< start + length` of a buffer, which has them, as one of the views shows them.
  mutating func check(_ index: Int, _ start: Int, _ length: Int) -> Answer {
    let bytes = buffers[index]
    if states[index] == .unknown {
      states[index] = Utf8.isValid(UnsafeRawBufferPointer(rebasing: bytes[shown[index]])) ? .text : .other
    }
    let end = start + length
    if states[index] == .text, !Utf8.isContinuation(bytes[start]),
      end == shown[index].upperBound || !Utf8.isContinuation(bytes[end])
    {
      return .valid
    }
    guard length <= allowance else { return .tooMany }
    allowance -= length
    let value = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    return Utf8.firstInvalid(value).map { .invalid($0) } ?? .valid
  }
}
