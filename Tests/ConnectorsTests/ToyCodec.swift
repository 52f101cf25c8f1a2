import Arrow
import Base
import VolleyPlan

/// A codec whose workings can be seen: "TOY", then chunks of a length byte and so many bytes with their bits turned over, then a
/// length of 0 and the sum of the bytes.
final class ToyCodec: BufferCodec {
  static let set = CodecSet([ToyCodec()])

  let name = "toy"
  let suffix: String? = ".toy"
  let magic = Array("TOY".utf8)
  let arrowID: Int? = nil

  func makeCoder(uid: String, options: JSONValue) throws(Failure) -> any BufferCoder {
    guard options["level"] == nil || options["level"] == .int(1) else {
      throw Failure(.usage, "codec 'toy' at '\(uid)' knows level 1 only")
    }
    return ToyCoder()
  }

  /// One whole.
  static func compress(_ bytes: some Sequence<UInt8>, chunk: Int = 200) -> [UInt8] {
    let bytes = Array(bytes)
    var packed = Array("TOY".utf8)
    for start in stride(from: 0, to: bytes.count, by: chunk) {
      let part = bytes[start..<min(bytes.count, start + chunk)]
      packed += [UInt8(part.count)] + part.map { ~$0 }
    }
    return packed + [0, bytes.reduce(0, &+)]
  }

  /// All wholes of a file; nil when it is damaged.
  static func decompress(_ packed: [UInt8]) -> [UInt8]? {
    var bytes: [UInt8] = []
    var rest = packed[...]
    while !rest.isEmpty {
      guard rest.starts(with: Array("TOY".utf8)) else { return nil }
      rest = rest.dropFirst(3)
      let start = bytes.count
      while let count = rest.popFirst(), count > 0 {
        guard rest.count >= Int(count) else { return nil }
        bytes += rest.prefix(Int(count)).map { ~$0 }
        rest = rest.dropFirst(Int(count))
      }
      guard rest.popFirst() == bytes[start...].reduce(0, &+) else { return nil }
    }
    return bytes
  }
}

final class ToyCoder: BufferCoder {
  private var direction = CodecDirection.compress
  private var head = 0
  private var left = 0
  private var isAtSum = false
  private var sum: UInt8 = 0
  private var waiting: [UInt8] = []
  private var hasEnded = false

  func bound(_ byteCount: Int) -> Int { byteCount * 2 + 8 }
  func compress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    throw Failure(.software, "files are streams")
  }
  func decompress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    throw Failure(.software, "files are streams")
  }

  func begin(_ direction: CodecDirection) {
    self.direction = direction
    (head, left, isAtSum, sum, hasEnded) = (0, 0, false, 0, false)
    waiting = direction == .compress ? Array("TOY".utf8) : []
  }

  func step(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
  ) throws(Failure) -> CodecStep {
    direction == .compress ? compressStep(input, output, isLast) : try decompressStep(input, output)
  }

  private func compressStep(
    _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer, _ isLast: Bool
  ) -> CodecStep {
    var step = CodecStep(consumed: 0, produced: 0, isAtEnd: false)
    while true {
      let count = min(waiting.count, output.count - step.produced)
      for index in 0..<count { output[step.produced + index] = waiting[index] }
      waiting.removeFirst(count)
      step.produced += count
      guard waiting.isEmpty else { return step }
      let part = input[step.consumed...].prefix(200)
      if !part.isEmpty {
        waiting = [UInt8(part.count)] + part.map { ~$0 }
        sum = part.reduce(sum, &+)
        step.consumed += part.count
      } else if isLast && !hasEnded {
        waiting = [0, sum]
        hasEnded = true
      } else {
        step.isAtEnd = hasEnded
        return step
      }
    }
  }

  private func decompressStep(
    _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
  ) throws(Failure) -> CodecStep {
    var step = CodecStep(consumed: 0, produced: 0, isAtEnd: false)
    while step.consumed < input.count {
      let byte = input[step.consumed]
      if head < 3 {
        guard byte == Array("TOY".utf8)[head] else { throw Failure(.data, "this is no TOY") }
        head += 1
      } else if isAtSum {
        guard byte == sum else { throw Failure(.data, "the sum is \(byte), expected \(sum)") }
        step.consumed += 1
        step.isAtEnd = true
        return step
      } else if left > 0 {
        guard step.produced < output.count else { return step }
        output[step.produced] = ~byte
        sum &+= ~byte
        step.produced += 1
        left -= 1
      } else {
        left = Int(byte)
        isAtSum = byte == 0
      }
      step.consumed += 1
    }
    return step
  }
}
