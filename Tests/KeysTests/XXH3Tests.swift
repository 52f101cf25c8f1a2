import Keys
import TestSupport
import Testing

@Suite("XXH3")
struct XXH3Tests {
  @Test("gives the committed hashes")
  func vectors() {
    let pattern = (0..<5000).map { UInt8($0 % 251) }
    let vectors = Vectors.xxh3()
    #expect(vectors.count == 609)
    for (count, hash) in vectors { #expect(XXH3.hash64(Array(pattern[..<count])) == hash, "\(count) bytes") }
  }

  @Test("agrees with the reference library on random bytes of every length up to 600 and some more")
  func reference() {
    var generator = SeededGenerator()
    let counts = Array(0...600) + [1024, 1025, 1087, 1088, 1089, 4096, 65_537]
    let inputs = counts.map { count in (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) } }
    let outcome = TestProcess.python(
      """
      import sys, xxhash
      for line in sys.stdin:
          print(xxhash.xxh3_64_intdigest(bytes.fromhex(line.strip())))
      """,
      input: inputs.map { $0.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "\n" }.joined())
    #expect(outcome.status == 0, "python3 with the package xxhash is needed: \(outcome.errors)")
    let expected = outcome.output.split(separator: "\n").map { UInt64($0)! }
    #expect(expected.count == inputs.count)
    for (input, hash) in zip(inputs, expected) {
      #expect(XXH3.hash64(input) == hash, "\(input.count) bytes, \(generator)")
    }
  }

  @Test("of an integer is that of its bytes")
  func integers() {
    var generator = SeededGenerator()
    for _ in 0..<1000 {
      let value = generator.next()
      let bytes = (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
      #expect(XXH3.hash64(value) == XXH3.hash64(bytes), "\(generator)")
      #expect(XXH3.hash64(UInt32(truncatingIfNeeded: value)) == XXH3.hash64(Array(bytes[..<4])), "\(generator)")
      #expect(XXH3.hash64(UInt8(truncatingIfNeeded: value)) == XXH3.hash64(Array(bytes[..<1])), "\(generator)")
    }
  }

  @Test("does not care how its bytes are aligned")
  func alignment() {
    let bytes = (0..<700).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    for count in [1, 4, 8, 9, 16, 17, 128, 129, 240, 241, 600] {
      let expected = XXH3.hash64(Array(bytes[..<count]))
      for shift in 1...9 {
        let shifted = [UInt8](repeating: 0, count: shift) + bytes[..<count]
        #expect(shifted.withUnsafeBytes { XXH3.hash64($0.baseAddress! + shift, count: count) } == expected)
      }
    }
  }
}
