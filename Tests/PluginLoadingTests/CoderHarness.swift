import Arrow
import Base

extension BufferCoder {
  /// Runs one stream with `input` bytes and `room` bytes a step: what it gave, and how much it took.
  func stream(
    _ direction: CodecDirection, _ bytes: [UInt8], input: Int, room: Int
  ) throws(Failure) -> (output: [UInt8], consumed: Int) {
    try begin(direction)
    var output: [UInt8] = []
    var consumed = 0
    var space = [UInt8](repeating: 0, count: room)
    while true {
      let part = Array(bytes[consumed..<min(bytes.count, consumed + input)])
      let isLast = consumed + part.count == bytes.count
      let step = try space.withBytes { space throws(Failure) in
        try part.withRawBytes { part throws(Failure) in try self.step(part, into: space, isLast: isLast) }
      }
      output += space.prefix(step.produced)
      consumed += step.consumed
      if step.isAtEnd { return (output, consumed) }
    }
  }
}

extension [UInt8] {
  func withRawBytes<Value>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    try withUnsafeBufferPointer { bytes throws(Failure) in try body(UnsafeRawBufferPointer(bytes)) }
  }

  mutating func withBytes<Value>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    try withUnsafeMutableBufferPointer { bytes throws(Failure) in try body(UnsafeMutableRawBufferPointer(bytes)) }
  }
}
