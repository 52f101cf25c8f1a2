import Keys
import TestSupport
import Testing

@Suite("XXH3 with 128 bits")
struct XXH3StreamTests {
  @Test("agrees with the reference library at every length up to 600 and some more, in whatever pieces it is fed")
  func reference() {
    var generator = SeededGenerator()
    let counts = Array(0...600) + [1023, 1024, 1025, 1087, 1088, 1089, 2047, 2048, 2049, 4096, 65_537]
    let inputs = counts.map { count in (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) } }
    let outcome = TestProcess.python(
      """
      import sys, xxhash
      for line in sys.stdin:
          print(xxhash.xxh3_128_hexdigest(bytes.fromhex(line.strip())))
      """,
      input: inputs.map { $0.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "\n" }.joined())
    #expect(outcome.status == 0, "python3 with the package xxhash is needed: \(outcome.errors)")
    let expected = outcome.output.split(separator: "\n").map(String.init)
    #expect(expected.count == inputs.count)
    for (input, text) in zip(inputs, expected) {
      for most in [Int.max, 1, 64, 1000, 1024, 1500] {
        var stream = XXH3Stream()
        var rest = input[...]
        while !rest.isEmpty {
          let size = min(rest.count, most == .max ? .max : Int.random(in: 1...most, using: &generator))
          stream.add(Array(rest.prefix(size)))
          rest = rest.dropFirst(size)
        }
        #expect(stream.digest.text == text, "\(input.count) bytes in pieces of at most \(most), \(generator)")
      }
    }
  }
}
