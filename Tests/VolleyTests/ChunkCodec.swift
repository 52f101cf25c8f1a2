import Volley

/// A codec whose workings can be seen: "CH", then chunks of a length byte and so many bytes with their bits turned over, then a
/// length of 0.
struct ChunkCodec: Codec {
  static let name = "chunks"
  static let summary: String? = "turns bits over"
  static let suffix: String? = ".ch"
  static let magic = Array("CH".utf8)
  static let arrowID: Int? = 0
  @Parameter("bytes of a chunk, 1 to 255") var size = 255

  func makeCoder(_ context: TaskContext) throws -> any Coder {
    guard (1...255).contains(size) else { throw VolleyError("option 'size' is \(size), expected 1 to 255") }
    return ChunkCoder(size: size)
  }
}

/// Keeps what does not fit until there is room.
final class ChunkCoder: Coder {
  private let size: Int
  private var direction = CodecDirection.compress
  private var waiting: [UInt8] = []
  private var head = 0
  /// Bytes of the chunk that are to come; nil at a length.
  private var left: Int?
  private var ended = false
  /// What a test makes it say.
  nonisolated(unsafe) static var lie: CodecStep?

  init(size: Int) { self.size = size }

  func bound(_ byteCount: Int) -> Int { byteCount + (byteCount + size - 1) / size + 3 }

  func begin(_ direction: CodecDirection) {
    self.direction = direction
    waiting = direction == .compress ? Array("CH".utf8) : []
    head = 0
    left = nil
    ended = false
  }

  func open(_ context: TaskContext) { context.log(.info, "open \(size)") }
  func close() { log(.info, "close") }

  func step(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
  ) throws -> CodecStep {
    if let lie = Self.lie { return lie }
    if direction == .compress { return compressStep(input, output, isLast) }
    var consumed = 0
    var produced = 0
    while consumed < input.count {
      let byte = input[consumed]
      if head < 2 {
        guard byte == ChunkCodec.magic[head] else { throw VolleyError("byte \(head) is \(byte), expected CH") }
        head += 1
      } else if let count = left {
        guard produced < output.count else { break }
        output[produced] = ~byte
        produced += 1
        left = count == 1 ? nil : count - 1
      } else if byte == 0 {
        return CodecStep(consumed: consumed + 1, produced: produced, isAtEnd: true)
      } else {
        left = Int(byte)
      }
      consumed += 1
    }
    if isLast, consumed == input.count, produced < output.count || produced == 0 {
      throw VolleyError("the chunks end early")
    }
    return CodecStep(consumed: consumed, produced: produced, isAtEnd: false)
  }

  private func compressStep(
    _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer, _ isLast: Bool
  ) -> CodecStep {
    var consumed = 0
    var produced = 0
    while true {
      let count = min(waiting.count, output.count - produced)
      for index in 0..<count { output[produced + index] = waiting[index] }
      waiting.removeFirst(count)
      produced += count
      guard waiting.isEmpty else { break }
      if consumed < input.count {
        let chunk = input[consumed..<min(input.count, consumed + size)]
        waiting = [UInt8(chunk.count)] + chunk.map { ~$0 }
        consumed += chunk.count
      } else if isLast && !ended {
        waiting = [0]
        ended = true
      } else {
        return CodecStep(consumed: consumed, produced: produced, isAtEnd: ended)
      }
    }
    return CodecStep(consumed: consumed, produced: produced, isAtEnd: false)
  }
}
