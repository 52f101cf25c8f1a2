import Arrow
import TestSupport
import Testing

@Suite("Bitmap")
struct BitmapTests {
  private static let counts = [0, 1, 2, 7, 8, 9, 56, 57, 63, 64, 65, 127, 128, 129, 200]

  @Test("copies from every offset, keeps the bits before and clears those after, to the word's end")
  func copy() {
    var generator = SeededGenerator()
    let source = Bits(random: 512, &generator)
    for from in 0...65 {
      for to in [0, 1, 7, 8, 31, 63, 64, 65] {
        for count in [0, 1, 9, 63, 64, 65, 129] {
          let target = Bits(random: 512, &generator)
          let before = target.list
          Bitmap.copy(source.address, from, count: count, to: target.address, to)
          #expect(target.list[..<to] == before[..<to])
          #expect(
            target.list[to..<to + count] == source.list[from..<from + count], "\(from) \(to) \(count) \(generator)")
          guard count > 0 else { continue }
          let wordEnd = (to + count + 63) / 64 * 64
          #expect(!target.list[(to + count)..<wordEnd].contains(true))
          #expect(target.list[wordEnd...] == before[wordEnd...])
        }
      }
    }
  }

  @Test("fills, counts and reads words from every offset")
  func others() {
    var generator = SeededGenerator()
    for offset in 0...65 {
      for count in Self.counts {
        let bits = Bits(random: 512, &generator)
        let before = bits.list
        #expect(Bitmap.countOnes(bits.address, offset, count: count) == before[offset..<offset + count].count { $0 })
        if (1...64).contains(count) {
          let word = Bitmap.word(bits.address, offset, count: count)
          for bit in 0..<64 { #expect((word >> UInt64(bit) & 1 != 0) == (bit < count && before[offset + bit])) }
        }
        for value in [true, false] {
          Bitmap.fill(bits.address, offset, count: count, value)
          #expect(bits.list[..<offset] == before[..<offset])
          #expect(bits.list[offset..<offset + count].allSatisfy { $0 == value })
        }
        Bitmap.set(bits.address, offset, count % 2 == 0)
        #expect(Bitmap.get(bits.address, offset) == (count % 2 == 0))
      }
    }
  }

  @Test("reads no byte behind its last bit")
  func lastByte() {
    // The sanitizer's build sees a read too far; this one sees a wrong result.
    for count in 1...64 {
      for offset in 0..<8 {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: (offset + count + 7) / 8, alignment: 1)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0xFF, count: (offset + count + 7) / 8)
        #expect(Bitmap.word(memory, offset, count: count).nonzeroBitCount == count)
        #expect(Bitmap.countOnes(memory, offset, count: count) == count)
      }
    }
  }

  /// Pooled bits.
  private final class Bits {
    let buffer: Buffer
    let count: Int
    var address: UnsafeMutableRawPointer { buffer.unsafeMutableAddress }

    init(random count: Int, _ generator: inout SeededGenerator) {
      buffer = Buffer(byteCount: count / 8)
      self.count = count
      for word in 0..<(count / 64) { buffer.unsafeMutableValues(UInt64.self)[word] = generator.next() }
    }

    var list: [Bool] { (0..<count).map { Bitmap.get(buffer.address, $0) } }
  }
}
