import Base
import Sketches
import TestSupport
import Testing

struct EncodingTests {
  @Test("encodings are those of another implementation, which are committed: they are a disk format")
  func vectors() throws {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    let content = try #require(TestProcess.contents(of: "/\(folder)/Vectors/sketches.txt"))
    let lines = String(decoding: content, as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 15)
    let arena = BlockArena()
    for line in lines {
      let parts = line.split(separator: " ", omittingEmptySubsequences: false)
      let range = 0..<(try #require(UInt64(parts[1])))
      let encoding =
        parts[0] == "hyperloglog"
        ? try HyperLogLog.of(range, arena).encoding : try QuantileSketch.of(range, arena).encoding
      let digits: [Character] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"]
      let found = String(encoding.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
      #expect(found == parts[2], "\(parts[0]) of \(parts[1]) values")
      if parts[0] == "hyperloglog" {
        try decode(encoding, HyperLogLog.self)
      } else {
        try decode(encoding, QuantileSketch.self)
      }
    }
  }

  /// Decoding and encoding gives the same bytes.
  private func decode<S: Sketch>(_ encoding: [UInt8], _: S.Type) throws {
    let arena = BlockArena()
    var sketch = S()
    try sketch.merge(encoding, arena)
    #expect(sketch.encoding == encoding)
    sketch.release(to: arena)
    #expect(arena.usedByteCount == 0)
    #expect(sketch.encoding == S().encoding)
  }

  private static let counts: [UInt64] = [0, 1, 3, 4, 5, 8, 9, 199, 200, 201, 202, 1535, 1536, 1537, 1538, 5000, 60_000]

  @Test("every size of sketch round-trips", arguments: counts)
  func roundTrip(_ count: UInt64) throws {
    let arena = BlockArena()
    try decode(try HyperLogLog.of(0..<count, arena).encoding, HyperLogLog.self)
    try decode(try QuantileSketch.of(0..<count, arena).encoding, QuantileSketch.self)
    #expect(try HyperLogLog.of(0..<count, arena).encodedByteCount <= HyperLogLog.largestEncodedByteCount)
    #expect(try QuantileSketch.of(0..<count, arena).encodedByteCount <= QuantileSketch.largestEncodedByteCount)
  }

  @Test("merging an encoding is merging the sketch")
  func merging() throws {
    for first in Self.counts {
      for second in Self.counts {
        let arena = BlockArena()
        func check<S: Sketch>(_: S.Type) throws {
          var one = try S.of(0..<first, arena)
          let other = try S.of(first / 2..<first / 2 + second, arena)
          let encoding = other.encoding
          var same = S()
          try same.merge(one, in: arena)
          try one.merge(other, in: arena)
          try same.merge(encoding, arena)
          #expect(one.encoding == same.encoding, "\(first), \(second)")
          #expect(other.encoding == encoding)
        }
        try check(HyperLogLog.self)
        try check(QuantileSketch.self)
      }
    }
  }

  @Test("shorter, longer and changed bytes are refused or are another valid sketch, and never trap")
  func hostile() throws {
    for _ in 0..<2 {
      var generator = SeededGenerator()
      let arena = BlockArena()
      var refused = 0
      func attack<S: Sketch>(_ count: UInt64, _: S.Type, rounds: Int) throws {
        let encoding = try S.of(0..<count, arena).encoding
        for _ in 0..<rounds {
          var bytes = encoding
          switch Int.random(in: 0..<4, using: &generator) {
          case 0: bytes.removeLast(Int.random(in: 1...min(bytes.count, 20), using: &generator))
          case 1: bytes.append(contentsOf: (0..<Int.random(in: 1...20, using: &generator)).map { _ in 0 })
          default:
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
              let index = Bool.random(using: &generator) ? bytes.count : min(bytes.count, 80)
              bytes[Int.random(in: 0..<index, using: &generator)] = [
                0, 1, 0xFF, UInt8.random(in: 0...255, using: &generator),
              ]
              .randomElement(using: &generator)!
            }
          }
          var sketch = try S.of(0..<3, arena)
          do {
            try sketch.merge(bytes, arena)
            // What was taken works on: more values, a merge with the whole, an encoding that is taken again.
            for value in 0..<500 { try sketch.add(UInt64(value), arena) }
            try sketch.merge(encoding, arena)
            var again = S()
            try again.merge(sketch.encoding, arena)
          } catch {
            refused += 1
            #expect(error.kind == .data, "\(generator): \(error)")
          }
          sketch.release(to: arena)
        }
      }
      for count: UInt64 in [0, 1, 5, 200, 1536] { try attack(count, HyperLogLog.self, rounds: 300) }
      try attack(5000, HyperLogLog.self, rounds: 40)
      for count: UInt64 in [0, 1, 5, 200, 201, 3000, 60_000] { try attack(count, QuantileSketch.self, rounds: 300) }
      #expect(refused > 500, "\(generator)")
    }
  }

  @Test("what an encoding must not be is named")
  func named() throws {
    let arena = BlockArena()
    func refusal<S: Sketch>(_ bytes: [UInt8], _: S.Type) -> String {
      var sketch = S()
      do {
        try sketch.merge(bytes, arena)
        return "taken"
      } catch { return error.message }
    }
    let log = try HyperLogLog.of(0..<3, arena).encoding
    #expect(refusal([], HyperLogLog.self).contains("it has 0 bytes"))
    #expect(refusal([2] + log.dropFirst(), HyperLogLog.self).contains("its version is 2"))
    #expect(refusal([1, 12] + log.dropFirst(2), HyperLogLog.self).contains("its precision is 12"))
    #expect(refusal([1, 14, 2, 0], HyperLogLog.self).contains("its form is 2"))
    #expect(refusal(log + [1], HyperLogLog.self).contains("13 bytes"))
    #expect(refusal(log + log.dropFirst(4), HyperLogLog.self).contains("do not ascend at 3"))
    #expect(refusal([1, 14, 0, 0, 0, 1, 0, 0], HyperLogLog.self).contains("register 0 holds 0"))
    #expect(refusal([1, 14, 0, 0, 40, 1, 0, 0], HyperLogLog.self).contains("register 0 holds 40"))
    #expect(refusal([1, 14, 1, 0, 40, 1, 0, 0], HyperLogLog.self).contains("not 12288"))
    let full = [1, 14, 1, 0] + [UInt8](repeating: 0xFF, count: 12288)
    #expect(refusal(full, HyperLogLog.self).contains("holds 63, more than 51"))
    let list = try QuantileSketch.of(0..<3, arena).encoding
    #expect(refusal([1], QuantileSketch.self).contains("fewer than 16"))
    #expect(refusal([9] + list.dropFirst(), QuantileSketch.self).contains("its version is 9"))
    #expect(refusal(list + [0], QuantileSketch.self).contains("41 bytes for 3 values"))
    #expect(refusal([1, 1] + list.dropFirst(2), QuantileSketch.self).contains("it has 1 levels"))
    #expect(refusal([1, 59] + list.dropFirst(2), QuantileSketch.self).contains("it has 59 levels"))
    #expect(refusal([1, 0, 100] + list.dropFirst(3), QuantileSketch.self).contains("its parameters are 100"))
    var levels = try QuantileSketch.of(0..<1000, arena).encoding
    levels[15] = 0x10
    #expect(refusal(levels, QuantileSketch.self).contains("up to 2^58"))
  }
}
