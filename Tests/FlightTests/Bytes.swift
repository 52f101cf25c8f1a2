import Networking
import TestSupport

extension OutputQueue {
  /// All bytes that wait, which are gone then.
  mutating func takeAll() -> [UInt8] {
    var bytes: [UInt8] = []
    while !isEmpty {
      write { vectors in
        var count = 0
        for vector in vectors {
          bytes.append(contentsOf: UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len))
          count += vector.iov_len
        }
        return count
      }
    }
    return bytes
  }
}

extension [UInt8] {
  /// Cuts the bytes at random places and gives each piece, in memory that is gone after the call, to `body`, as often
  /// as it leaves bytes.
  func inPieces(
    upTo size: Int, _ random: inout SeededGenerator, _ body: (inout UnsafeRawBufferPointer) throws -> Void
  ) rethrows {
    var start = 0
    while start < count {
      let end = Swift.min(count, start + Int.random(in: 1...size, using: &random))
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: end - start, alignment: 1)
      defer { memory.deallocate() }
      withUnsafeBytes { memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
      var rest = UnsafeRawBufferPointer(memory)
      while !rest.isEmpty { try body(&rest) }
      start = end
    }
  }
}
