import Arrow
import Base
import Glibc

/// An Arrow file or stream, read where it lies, in a block that ends with its last byte.
func readArrow(_ input: UnsafeRawBufferPointer) {
  let block = ExactBlock(input)
  var options = IPCReadOptions()
  // Small, so that a length which is not checked before memory is taken breaks the fuzzer's bound.
  options.headerBytes = 1 << 20
  options.bodyBytes = 1 << 20
  do {
    let bytes = SharedBytes(block.address, count: input.count, owner: block)
    let first = try ArrowIPC.readEverything(bytes, options: options)
    let second = try ArrowIPC.readEverything(input, options: options)
    precondition(first == second, "the same bytes at another place have other values")
  } catch {
    precondition(!error.message.isEmpty, "a refusal says why")
  }
  readInPieces(input, options)
}

/// As a socket would give it: the reader of streams has its own states.
private func readInPieces(_ input: UnsafeRawBufferPointer, _ options: IPCReadOptions) {
  var reader = IPCStreamReader(options: options)
  let piece = 1 + Int(input.last ?? 0)
  do {
    var start = 0
    while start < input.count {
      var rest = UnsafeRawBufferPointer(rebasing: input[start..<min(start + piece, input.count)])
      start += rest.count
      while !rest.isEmpty, !reader.hasEnded { _ = try reader.next(&rest) }
    }
    try reader.finish()
  } catch {
    precondition(!error.message.isEmpty, "a refusal says why")
  }
}

/// Memory that the address sanitizer guards to the byte, aligned as a mapped file is.
private final class ExactBlock: @unchecked Sendable {  // Nobody changes the bytes.
  let address: UnsafeMutableRawPointer

  init(_ bytes: UnsafeRawBufferPointer) {
    address = .allocate(byteCount: bytes.count, alignment: 64)
    address.copyMemory(from: bytes.baseAddress ?? UnsafeRawPointer(address), byteCount: bytes.count)
  }

  deinit { address.deallocate() }
}
