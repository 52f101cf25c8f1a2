/// Bytes that an object keeps alive and nobody changes: a mapped file, a buffer of the pool. Columns that are read from
/// them are views of them and keep the object alive.
public struct SharedBytes: @unchecked Sendable {  // Nobody changes the bytes.
  /// Valid while `owner` is alive; at least readable for `count` bytes.
  public let address: UnsafeRawPointer
  public let count: Int
  public let owner: any AnyObject & Sendable

  public init(_ address: UnsafeRawPointer, count: Int, owner: any AnyObject & Sendable) {
    self.address = address
    self.count = count
    self.owner = owner
  }

  /// No bytes.
  public static let empty = SharedBytes(Buffer(byteCount: 0))

  /// Calls `body` with the bytes, which are alive during the call.
  public func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(owner) {} }
    return try body(UnsafeRawBufferPointer(start: address, count: count))
  }

  /// The bytes of a buffer that are in use.
  public init(_ buffer: Buffer) { self.init(buffer.address, count: buffer.byteCount, owner: buffer) }

  /// A copy of these bytes, 64-byte aligned.
  public init(copying bytes: UnsafeRawBufferPointer) {
    let buffer = Buffer(byteCount: bytes.count)
    if let base = bytes.baseAddress { buffer.unsafeMutableAddress.copyMemory(from: base, byteCount: bytes.count) }
    self.init(buffer)
  }

  /// These bytes at a multiple of `alignment`: themselves, or a copy.
  func aligned(to alignment: Int) -> SharedBytes {
    if Int(bitPattern: address) % alignment == 0 { return self }
    return withExtendedLifetime(owner) { SharedBytes(copying: UnsafeRawBufferPointer(start: address, count: count)) }
  }

  /// `count` bytes from `start` on, with the same owner.
  public func part(_ start: Int, _ count: Int) -> SharedBytes {
    precondition(start >= 0 && count >= 0 && start + count <= self.count, "a part lies within its bytes")
    return SharedBytes(address + start, count: count, owner: owner)
  }

  /// The little endian integer at a byte; the caller has checked that it is there.
  func integer<Value: FixedWidthInteger & BitwiseCopyable>(at start: Int, _: Value.Type) -> Value {
    precondition(start >= 0 && start + MemoryLayout<Value>.size <= count, "an integer lies within its bytes")
    return withExtendedLifetime(owner) {
      Value(littleEndian: address.loadUnaligned(fromByteOffset: start, as: Value.self))
    }
  }
}
