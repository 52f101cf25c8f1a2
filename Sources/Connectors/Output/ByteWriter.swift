import Glibc
import Text

/// Text that is being put together: a block of memory that grows.
final class ByteWriter {
  /// Most memory that is kept for the next text.
  private static let keptBytes = 4 << 20

  private var memory: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  private(set) var count = 0

  init(capacity: Int = 1 << 16) {
    self.capacity = max(64, capacity)
    memory = .allocate(capacity: self.capacity)
  }

  deinit { memory.deallocate() }

  /// The first byte.
  var start: UnsafePointer<UInt8> { UnsafePointer(memory) }

  var bytes: [UInt8] { Array(UnsafeBufferPointer(start: memory, count: count)) }

  /// Forgets the content; memory that an unusually long text took is given back.
  func removeAll() {
    count = 0
    guard capacity > Self.keptBytes else { return }
    memory.deallocate()
    capacity = Self.keptBytes
    memory = .allocate(capacity: capacity)
  }

  /// Where to write; `needed` bytes may be written there, and `advance` tells how many were.
  @inline(__always)
  func room(_ needed: Int) -> UnsafeMutablePointer<UInt8> {
    if capacity &- count < needed { grow(needed) }
    return memory + count
  }

  /// What was written ends at `end`.
  @inline(__always)
  func advance(to end: UnsafeMutablePointer<UInt8>) { count = end - memory }

  @inline(never)
  private func grow(_ needed: Int) {
    let newCapacity = max(capacity * 2, count + needed)
    let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: newCapacity)
    memcpy(grown, memory, count)
    memory.deallocate()
    memory = grown
    capacity = newCapacity
  }

  func append(_ text: StaticString) { append(text.utf8Start, text.utf8CodeUnitCount) }

  func append(_ text: String) {
    var text = text
    text.withUTF8 { if let start = $0.baseAddress { append(start, $0.count) } }
  }

  @inline(__always)
  func append(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
    memcpy(room(count), bytes, count)
    self.count &+= count
  }

  @inline(__always)
  func append(byte: UInt8) {
    room(1).pointee = byte
    count &+= 1
  }

  func append(_ value: Int64) { advance(to: writeInteger(value, to: room(20))) }

  /// A JSON string with its quotes.
  func appendJSONString(_ text: String) {
    var text = text
    text.withUTF8 { appendJSONString($0.baseAddress, $0.count) }
  }

  func appendJSONString(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
    guard let bytes else { return append("\"\"") }
    advance(to: writeJSONString(bytes, count, to: room(jsonStringBound(bytes, count))))
  }

  /// Base 64 (RFC 4648) with padding.
  func appendBase64(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
    let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    let digits = alphabet.utf8Start
    var index = 0
    while index < count {
      let left = count - index
      let word =
        UInt32(bytes[index]) << 16 | (left > 1 ? UInt32(bytes[index + 1]) << 8 : 0)
        | (left > 2 ? UInt32(bytes[index + 2]) : 0)
      append(byte: digits[Int(word >> 18)])
      append(byte: digits[Int(word >> 12 & 63)])
      append(byte: left > 1 ? digits[Int(word >> 6 & 63)] : UInt8(ascii: "="))
      append(byte: left > 2 ? digits[Int(word & 63)] : UInt8(ascii: "="))
      index += 3
    }
  }
}
