import CPlatform

/// A block of memory that columns share: 64-byte aligned when it comes from the pool, as the maker chose when it came
/// through the C data interface.
///
/// A buffer is written by the one who made it, before anybody else sees it, and never after.
public final class Buffer: @unchecked Sendable {  // Immutable once shared, by the rule above.
  /// The first byte. Writing is the maker's right only.
  public let unsafeMutableAddress: UnsafeMutableRawPointer
  /// Bytes in use.
  public private(set) var byteCount: Int
  /// Bytes that may be written; a multiple of 64 for pooled memory, `byteCount` for foreign memory.
  public let capacity: Int
  private let origin: Origin

  private enum Origin {
    case pool
    /// Memory of somebody else's, alive as long as the owner.
    case foreign(owner: AnyObject)
  }

  /// Pooled memory of at least `byteCount` bytes; its content is undefined. At least 64 bytes are there even for 0.
  public init(byteCount: Int) {
    let (address, capacity) = BufferPool.allocate(atLeast: byteCount)
    unsafeMutableAddress = address
    self.byteCount = byteCount
    self.capacity = capacity
    origin = .pool
  }

  /// Memory that belongs to `owner`, which is kept alive as long as the buffer. Nobody writes to it.
  public init(foreign address: UnsafeRawPointer, byteCount: Int, owner: AnyObject) {
    unsafeMutableAddress = UnsafeMutableRawPointer(mutating: address)
    self.byteCount = byteCount
    capacity = byteCount
    origin = .foreign(owner: owner)
  }

  deinit {
    if case .pool = origin { BufferPool.free(unsafeMutableAddress, capacity: capacity) }
  }

  /// The first byte, for reading.
  public var address: UnsafeRawPointer { UnsafeRawPointer(unsafeMutableAddress) }

  /// The values from the start, read as `Element`.
  @inlinable
  public func values<Element: BitwiseCopyable>(_: Element.Type) -> UnsafePointer<Element> {
    UnsafePointer(unsafeMutableAddress.assumingMemoryBound(to: Element.self))
  }

  /// The values from the start, to be written by the maker.
  @inlinable
  public func unsafeMutableValues<Element: BitwiseCopyable>(_: Element.Type) -> UnsafeMutablePointer<Element> {
    unsafeMutableAddress.assumingMemoryBound(to: Element.self)
  }

  /// Tells how many of the bytes are in use, once the maker knows.
  public func setByteCount(_ count: Int) {
    precondition(count <= capacity, "a buffer cannot use more bytes than it has")
    byteCount = count
  }
}
