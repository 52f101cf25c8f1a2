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
  /// Whether room was refused.
  private var isRefused = false
  private let grow: Growth

  /// Whether more is written, or was to be, than the caller has a use for: what writes much for little stops then, and what
  /// is written is of no use.
  @inline(__always)  // Two comparisons.
  public var isFull: Bool { count > limit || isRefused }

  /// - Parameters:
  ///   - capacity: bytes that are asked for at once, at least 1.
  ///   - limit: bytes that the caller has a use for. `append` of a text and `makeRoom` ask for no more; `reserve`, for
  ///     functions that write little more than they read, may.
  ///   - grow: called seldom: each time for twice as much as before, while that is of use. The memory must be there, with an address.
  public init(capacity: Int, limit: Int = .max, grow: @escaping Growth) {
    let memory = grow(0, max(min(capacity, limit), 1))
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

  /// Reserves `bytes` unless that is more than the caller has a use for: then the writer is full.
  ///
  /// - Returns: whether there is room.
  public mutating func makeRoom(_ bytes: Int) -> Bool {
    guard bytes > capacity &- count else { return true }
    guard count <= limit, bytes <= limit &- count else {
      isRefused = true
      return false
    }
    enlarge(bytes)
    return true
  }

  @inline(never)
  private mutating func enlarge(_ bytes: Int) {
    // At most double, and no more than is of use.
    let memory = grow(count, max(count + bytes, min(capacity * 2, limit)))
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

  /// Writes the bytes, or nothing when there is no room for them; see `isFull`.
  @inline(__always)  // Mostly a comparison and a call of memcpy.
  public mutating func append(_ bytes: TextBytes) {
    if bytes.count > capacity &- count, !makeRoom(bytes.count) { return }
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
