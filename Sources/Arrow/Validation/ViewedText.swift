/// Whether what views show is UTF-8. Any number of views may show the same bytes, so a buffer is read once, and a view
/// of one that is text throughout only has to begin and end between characters.
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
  private var states: [State]
  /// Bytes that may still be read value by value.
  private var allowance: Int

  /// - Parameter buffers: alive as long as the value is used.
  init(_ buffers: [UnsafeRawBufferPointer]) {
    self.buffers = buffers
    states = Array(repeating: .unknown, count: buffers.count)
    allowance = 64 * buffers.reduce(1 << 16) { $0 + $1.count }
  }

  /// Bytes `start ..< start + length` of a buffer, which has them.
  mutating func check(_ index: Int, _ start: Int, _ length: Int) -> Answer {
    let bytes = buffers[index]
    if states[index] == .unknown { states[index] = Utf8.isValid(bytes) ? .text : .other }
    let end = start + length
    if states[index] == .text, !Utf8.isContinuation(bytes[start]),
      end == bytes.count || !Utf8.isContinuation(bytes[end])
    {
      return .valid
    }
    guard length <= allowance else { return .tooMany }
    allowance -= length
    let value = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    return Utf8.firstInvalid(value).map { .invalid($0) } ?? .valid
  }
}
