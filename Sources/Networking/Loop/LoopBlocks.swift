import COpenSSL
import Glibc

/// Memory that all connections of a loop read into and decrypt into, one after the other: a connection has no buffers of its
/// own for that. Belongs to the loop's thread; each block is made when it is first needed.
final class LoopBlocks {
  /// Bytes that one read from a socket takes at most.
  static let readSize = 256 * 1024
  /// One read's bytes, and the record of which earlier reads brought a part.
  static let plainSize = readSize + 32 * 1024

  private var readBlock: UnsafeMutableRawBufferPointer?
  private var plainBlock: UnsafeMutableRawBufferPointer?
  private var stagingBlock: UnsafeMutableRawBufferPointer?
  private var outputBlock: UnsafeMutablePointer<volley_tls_output>?

  deinit {
    readBlock?.deallocate()
    plainBlock?.deallocate()
    stagingBlock?.deallocate()
    if let outputBlock {
      free(outputBlock.pointee.bytes)
      outputBlock.deallocate()
    }
  }

  /// What a socket is read into; valid during one call of a handler.
  var read: UnsafeMutableRawBufferPointer { Self.block(&readBlock, Self.readSize) }

  /// What a TLS session decrypts into; valid during one call of a handler.
  var plain: UnsafeMutableRawBufferPointer { Self.block(&plainBlock, Self.plainSize) }

  /// Where small runs of bytes become one record of TLS.
  var staging: UnsafeMutableRawBufferPointer { Self.block(&stagingBlock, TLSSession.recordSize) }

  /// What a TLS session has for its peer: empty whenever a channel is not just about to take it from there. Its bytes are
  /// allocated by C, which makes them grow.
  var encrypted: UnsafeMutablePointer<volley_tls_output> {
    if let outputBlock { return outputBlock }
    let made = UnsafeMutablePointer<volley_tls_output>.allocate(capacity: 1)
    made.initialize(to: volley_tls_output(bytes: nil, count: 0, capacity: 0))
    outputBlock = made
    return made
  }

  /// Takes the bytes that a TLS session has for its peer out of the loop's block, together with the block: for a connection
  /// that keeps them until its peer reads on. The memory comes back to the loop with the last reference.
  func takeEncrypted() -> EncryptedBytes {
    let block = encrypted
    defer { block.pointee = volley_tls_output(bytes: nil, count: 0, capacity: 0) }
    return EncryptedBytes(block.pointee, self)
  }

  /// Memory that a connection no longer needs.
  fileprivate func giveBack(_ output: volley_tls_output) {
    let block = encrypted
    guard block.pointee.bytes == nil else { return free(output.bytes) }
    block.pointee = volley_tls_output(bytes: output.bytes, count: 0, capacity: output.capacity)
  }

  private static func block(_ block: inout UnsafeMutableRawBufferPointer?, _ size: Int) -> UnsafeMutableRawBufferPointer
  {
    if let block { return block }
    let made = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
    block = made
    return made
  }
}

/// Bytes of TLS that wait for their peer, in memory that was the loop's. Used and let go on the loop's thread.
final class EncryptedBytes {
  private let output: volley_tls_output
  private let blocks: LoopBlocks

  fileprivate init(_ output: volley_tls_output, _ blocks: LoopBlocks) {
    self.output = output
    self.blocks = blocks
  }

  deinit { blocks.giveBack(output) }
}
