import Glibc

/// Random text, as bytes.
enum EventTexts {
  /// Appends 3 to `longest` - 1 letters, one in 13 of them a blank; without the blanks at both ends.
  static func appendWord(longest: Int64, blank: UInt8, to bytes: inout ByteText, _ random: inout EventRandom) {
    let first = bytes.count
    for _ in 0..<(3 + random.below(longest - 3)) {
      let byte = random.below(13) == 0 ? blank : UInt8(ascii: "a") + UInt8(random.below(26))
      // Blanks of another kind than the space stay.
      if byte == UInt8(ascii: " ") && bytes.count == first { continue }
      bytes.append(byte)
    }
    while bytes.count > first && bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
  }

  /// 100 * 10^x, x uniform in 0 ..< 6.
  static func price(_ random: inout EventRandom) -> Int64 {
    Int64((pow(10, random.unit() * 6) * 100 + 0.5).rounded(.down))
  }

  /// How many bytes pad an event of `size` bytes to about `average` bytes: within a fifth of what is missing.
  static func paddingCount(size: Int, average: Int, _ random: inout EventRandom) -> Int {
    if size > average { return 0 }
    let missing = average - size
    let spread = Int((Double(missing) * 0.2 + 0.5).rounded(.down))
    return missing - spread + (spread == 0 ? 0 : Int(random.below(Int64(2 * spread))))
  }
}

/// Bytes in memory that is used again for the next row.
struct ByteText {
  private let memory: UnsafeMutablePointer<UInt8>
  private(set) var count = 0

  /// - Parameter capacity: bytes that it never outgrows. `free` gives them back.
  init(capacity: Int) { memory = .allocate(capacity: capacity) }

  func free() { memory.deallocate() }

  var last: UInt8 { memory[count - 1] }
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }
  func bytes(from start: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: memory + start, count: count - start)
  }

  mutating func append(_ byte: UInt8) {
    memory[count] = byte
    count += 1
  }

  mutating func append(_ text: StaticString) {
    memcpy(memory + count, text.utf8Start, text.utf8CodeUnitCount)
    count += text.utf8CodeUnitCount
  }

  mutating func removeLast() { count -= 1 }
  mutating func clear() { count = 0 }
}
