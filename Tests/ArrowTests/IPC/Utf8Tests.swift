import Arrow
import TestSupport
import Testing

@Suite("UTF-8 validity")
struct Utf8Tests {
  private static func firstInvalid(_ bytes: [UInt8]) -> Int? { bytes.withUnsafeBytes { Utf8.firstInvalid($0) } }

  /// What the standard library says.
  private static func isText(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }

  @Test("is what Swift's own strings say, for all sequences of up to three bytes and all leads of four")
  func small() {
    #expect(Self.firstInvalid([]) == nil)
    // The bounds of every class of bytes in the standard's table, and their neighbours.
    let bounds: [UInt8] = [
      0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
      0xF0,
      0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFF,
    ]
    for first in 0...UInt8.max {
      #expect((Self.firstInvalid([first]) == nil) == Self.isText([first]))
      for second in 0...UInt8.max {
        #expect((Self.firstInvalid([first, second]) == nil) == Self.isText([first, second]))
      }
    }
    for first in bounds {
      for second in bounds {
        for third in bounds {
          #expect((Self.firstInvalid([first, second, third]) == nil) == Self.isText([first, second, third]))
          for fourth in bounds {
            let bytes = [first, second, third, fourth]
            #expect((Self.firstInvalid(bytes) == nil) == Self.isText(bytes), "\(bytes)")
          }
        }
      }
    }
  }

  @Test("is found at every place of long text, and its place is told")
  func places() {
    var generator = SeededGenerator()
    for _ in 0..<500 {
      let text = (0..<Int.random(in: 0..<120, using: &generator)).map { _ in
        ["a", "b", "c", "ü", "€", "😀"][
          Int.random(in: 0..<6, using: &generator) * Int.random(in: 0...1, using: &generator)]
      }.joined()
      var bytes = Array(text.utf8)
      #expect(Self.firstInvalid(bytes) == nil, "\(generator)")
      #expect(bytes.withUnsafeBytes { Utf8.isASCII($0) } == bytes.allSatisfy { $0 < 128 }, "\(generator)")
      guard !bytes.isEmpty else { continue }
      let place = Int.random(in: 0..<bytes.count, using: &generator)
      bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
      #expect((Self.firstInvalid(bytes) == nil) == Self.isText(bytes), "\(generator)")
      if let invalid = Self.firstInvalid(bytes) {
        #expect(Self.isText(Array(bytes.prefix(invalid))), "\(generator)")
        #expect(abs(invalid - place) < 4, "\(generator)")
      }
    }
  }
}
