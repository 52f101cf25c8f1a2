import Glibc

/// Where functions write text whose length is known only afterwards: memory of the caller's that the caller makes larger.
///
/// The writer does not own its memory. One thread at a time.
public struct TextWriter: ~Copyable {
  /// Gives memory of at least `capacity` bytes that begins with the `count` bytes written so far, and how many there are.
  public typealias Growth = (_ count: Int, _ capacity: Int) -> UnsafeMutableBufferPointer<UInt8>

  /// The bytes written so far begin here.
  public private(set) var base: UnsafeMutablePointer<UInt8>
  /// Bytes written so far.
  public private(set) var count = 0
  private var capacity: Int
  private let limit: Int
  private let grow: Growth

  /// Whether more is written than the caller has a use for: what writes much for little stops then.
  @inline(__always)  // A comparison.
  public var isFull: Bool { count > limit }

  /// - Parameters:
  ///   - capacity: bytes that are asked for at once, at least 1.
  ///   - limit: bytes that the caller has a use for. More may be written.
  ///   - grow: called seldom: each time for at least twice as much as before. The memory must be there, with an address.
  public init(capacity: Int, limit: Int = .max, grow: @escaping Growth) {
    let memory = grow(0, max(capacity, 1))
    guard let base = memory.baseAddress else { preconditionFailure("a text writer was given no memory") }
    self.base = base
    self.capacity = memory.count
    self.limit = limit
    self.grow = grow
  }

  /// Makes room for `bytes` more bytes than are written, which may then be written from `end` on and are counted by
  /// `advance`.
  @inline(__always)  // A comparison before each row.
  public mutating func reserve(_ bytes: Int) {
    if bytes > capacity &- count { enlarge(bytes) }
  }

  @inline(never)
  private mutating func enlarge(_ bytes: Int) {
    let memory = grow(count, max(count + bytes, capacity * 2))
    guard let base = memory.baseAddress, memory.count - count >= bytes else {
      preconditionFailure("a text writer asked for \(bytes) bytes more and was given fewer")
    }
    self.base = base
    capacity = memory.count
  }

  /// Where the next byte goes.
  @inline(__always)  // An addition.
  public var end: UnsafeMutablePointer<UInt8> { base + count }

  /// Counts bytes as written.
  @inline(__always)  // An addition.
  public mutating func advance(_ bytes: Int) { count &+= bytes }

  /// Forgets what was written after the first `count` bytes.
  public mutating func truncate(to count: Int) { self.count = count }

  @inline(__always)  // Mostly a reserve and a call of memcpy.
  public mutating func append(_ bytes: TextBytes) {
    reserve(bytes.count)
    if let start = bytes.baseAddress, bytes.count > 0 { memcpy(end, start, bytes.count) }
    count &+= bytes.count
  }

  @inline(__always)  // A store.
  public mutating func append(_ byte: UInt8) {
    reserve(1)
    end.pointee = byte
    count &+= 1
  }

  /// Writes a scalar's one to four bytes; what is no scalar becomes U+FFFD.
  public mutating func append(scalar: UInt32) {
    reserve(4)
    count &+= UTF8Text.encode(scalar, to: end)
  }
}
