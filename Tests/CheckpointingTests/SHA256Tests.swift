import Checkpointing
import TestSupport
import Testing

@Suite("SHA-256")
struct SHA256Tests {
  @Test("agrees with Python's hashlib at every length up to 300 and some more, in whatever pieces it is fed")
  func reference() {
    var generator = SeededGenerator()
    let counts = Array(0...300) + [1000, 4096, 65_537]
    let inputs = counts.map { count in (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) } }
    let outcome = TestProcess.python(
      """
      import sys, hashlib
      for line in sys.stdin:
          print(hashlib.sha256(bytes.fromhex(line.strip())).hexdigest())
      """,
      input: inputs.map { $0.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "\n" }.joined())
    #expect(outcome.status == 0, "python3 is needed: \(outcome.errors)")
    let expected = outcome.output.split(separator: "\n").map(String.init)
    #expect(expected.count == inputs.count)
    for (input, text) in zip(inputs, expected) {
      #expect(SHA256.text(of: input) == text, "\(input.count) bytes, \(generator)")
      var digest = SHA256()
      var rest = input[...]
      while !rest.isEmpty {
        let size = min(rest.count, Int.random(in: 1...200, using: &generator))
        digest.add(Array(rest.prefix(size)))
        rest = rest.dropFirst(size)
      }
      #expect(digest.text == text, "\(input.count) bytes in pieces, \(generator)")
    }
  }
}
