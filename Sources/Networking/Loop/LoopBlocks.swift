/// Memory that all connections of a loop read into and decrypt into, one after the other: a connection has no buffers of its
/// own for that. Belongs to the loop's thread; each block is made when it is first needed.
final class LoopBlocks {
  /// Bytes that one read from a socket takes at most.
  static let readSize = 256 * 1024
  /// One read's bytes, and the record of which earlier reads brought a part.
  static let plainSize = readSize + 32 * 1024

  private var readBlock: UnsafeMutableRawBufferPointer?
  private var plainBlock: UnsafeMutableRawBufferPointer?

  deinit {
    readBlock?.deallocate()
    plainBlock?.deallocate()
  }

  /// What a socket is read into; valid during one call of a handler.
  var read: UnsafeMutableRawBufferPointer { Self.block(&readBlock, Self.readSize) }

  /// What a TLS session decrypts into; valid during one call of a handler.
  var plain: UnsafeMutableRawBufferPointer { Self.block(&plainBlock, Self.plainSize) }

  private static func block(_ block: inout UnsafeMutableRawBufferPointer?, _ size: Int) -> UnsafeMutableRawBufferPointer
  {
    if let block { return block }
    let made = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
    block = made
    return made
  }
}
