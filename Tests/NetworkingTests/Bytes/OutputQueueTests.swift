import Glibc
import TestSupport
import Testing

@testable import Networking

/// A queue of bytes beside an array.
@Suite("Output queue")
struct OutputQueueTests {
  /// An owner whose bytes are overwritten when it goes.
  private final class Bytes: Sendable {
    nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer

    init(_ content: [UInt8]) {
      bytes = .allocate(byteCount: content.count, alignment: 1)
      bytes.copyBytes(from: content)
    }

    deinit {
      bytes.initializeMemory(as: UInt8.self, repeating: 0xEE)
      bytes.deallocate()
    }
  }

  private static func write(_ queue: inout OutputQueue, _ count: Int, limit: Int) -> [UInt8] {
    var taken: [UInt8] = []
    queue.write(atMost: limit) { vectors in
      #expect(!vectors.isEmpty && vectors.allSatisfy { $0.iov_len > 0 })
      #expect(vectors.reduce(0) { $0 + $1.iov_len } <= limit)
      for vector in vectors {
        taken.append(contentsOf: UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len))
      }
      taken.removeLast(max(0, taken.count - count))
      return taken.count
    }
    return taken
  }

  @Test("What goes in comes out in order, whatever is copied, referenced, moved and written in parts")
  func order() {
    var random = SeededGenerator()
    let seed = random.description
    for life in 0..<30 {
      var queue = OutputQueue(keepsBlock: life % 2 == 0)
      var other = OutputQueue()
      var expected: [UInt8] = []
      var expectedOfOther: [UInt8] = []
      for _ in 0..<100 {
        let size = [0, 1, 9, 511, 512, 513, 3_000, 40_000].randomElement(using: &random)!
        let start = UInt8.random(in: 0...255, using: &random)
        let bytes = (0..<size).map { start &+ UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 / 251) }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: queue.append(copying: bytes)
        case 1, 2:
          let owner = Bytes(bytes)
          queue.append(UnsafeRawBufferPointer(owner.bytes), ownedBy: owner)
        case 3:
          let count = Int.random(in: 0...queue.byteCount, using: &random)
          queue.move(count, to: &other)
          expectedOfOther += expected.prefix(count)
          expected.removeFirst(count)
          continue
        case 4:
          let written = Self.write(&other, Int.random(in: 0...100_000, using: &random), limit: .max)
          #expect(written == Array(expectedOfOther.prefix(written.count)), "\(seed)")
          expectedOfOther.removeFirst(written.count)
          continue
        default:
          let written = Self.write(
            &queue, Int.random(in: 0...100_000, using: &random), limit: Int.random(in: 1...50_000, using: &random))
          #expect(written == Array(expected.prefix(written.count)), "\(seed)")
          expected.removeFirst(written.count)
          continue
        }
        expected += bytes
        #expect(queue.byteCount == expected.count && other.byteCount == expectedOfOther.count, "\(seed)")
      }
      while !queue.isEmpty {
        let written = Self.write(&queue, .max, limit: .max)
        #expect(!written.isEmpty && written == Array(expected.prefix(written.count)), "\(seed)")
        expected.removeFirst(written.count)
      }
      #expect(expected.isEmpty, "\(seed)")
    }
  }

  @Test("Large bytes are referenced where they lie, and their owner goes when they are written")
  func references() {
    var queue = OutputQueue()
    weak var watched: Bytes?
    do {
      let owner = Bytes([UInt8](repeating: 7, count: 100_000))
      watched = owner
      queue.append(copying: [1, 2, 3])
      queue.append(UnsafeRawBufferPointer(owner.bytes), ownedBy: owner)
      queue.append(copying: [4])
      let address = UnsafeRawPointer(owner.bytes.baseAddress!)
      queue.write { vectors in
        #expect(vectors.map(\.iov_len) == [3, 100_000, 1])
        #expect(vectors[1].iov_base == UnsafeMutableRawPointer(mutating: address))
        return 3 + 60_000
      }
    }
    #expect(watched != nil)
    #expect(Self.write(&queue, 40_000, limit: .max).count == 40_000)
    #expect(watched == nil && queue.byteCount == 1)
  }

  @Test("Copied bytes take memory of about their own size, in whatever pieces they come")
  func copiedMemory() {
    for piece in [1, 9, 100, 511, 5_000] {
      var queue = OutputQueue()
      var count = 0
      while count < 60_000 {
        queue.append(copying: [UInt8](repeating: 1, count: piece))
        count += piece
        // A block is at most twice as large as the one before, and no larger than 16 KiB.
        #expect(queue.copiedCapacity <= 3 * count + 256, "\(count) bytes in pieces of \(piece)")
        #expect(queue.copiedCapacity <= count + 16 * 1024, "\(count) bytes in pieces of \(piece)")
      }
      #expect(queue.copiedCapacity >= count)
      while !queue.isEmpty { #expect(!Self.write(&queue, .max, limit: .max).isEmpty) }
      #expect(queue.copiedCapacity == 0)
    }
  }

  @Test("A queue that is written empty keeps a block only when it was told to, and then the same one")
  func keptMemory() {
    for keeps in [false, true] {
      var queue = OutputQueue(keepsBlock: keeps)
      for _ in 0..<100 {
        queue.append(copying: [UInt8](repeating: 1, count: 100))
        #expect(queue.copiedCapacity == 256)
        #expect(Self.write(&queue, 100, limit: .max).count == 100)
        #expect(queue.copiedCapacity == (keeps ? 256 : 0))
      }
    }
  }

  @Test("A writer that writes nothing, or fails, removes nothing")
  func nothingWritten() {
    var queue = OutputQueue()
    #expect(queue.write { _ in fatalError("nothing waits") } == 0)
    queue.append(copying: [1, 2])
    #expect(queue.write { _ in -1 } == -1 && queue.byteCount == 2)
    #expect(queue.write { _ in 0 } == 0 && queue.byteCount == 2)
    queue.removeAll()
    #expect(queue.byteCount == 0)
  }
}
