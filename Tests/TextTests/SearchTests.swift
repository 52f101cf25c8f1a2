import TestSupport
import Testing
import Text

struct SearchTests {
  private func naive(_ needle: [UInt8], _ text: [UInt8], _ start: Int) -> Int {
    guard text.count - start >= needle.count else { return -1 }
    for place in start...(text.count - needle.count) where Array(text[place..<(place + needle.count)]) == needle {
      return place
    }
    return -1
  }

  @Test("every needle of up to 3 letters is found in every text of up to 7 where it is")
  func small() {
    func all(_ length: Int) -> [[UInt8]] {
      length == 0 ? [[]] : all(length - 1).flatMap { rest in [97, 98].map { rest + [$0] } }
    }
    let texts = (0...7).flatMap(all)
    for needle in (0...3).flatMap(all) {
      let searcher = SubstringSearcher(needle)
      for text in texts {
        withBytes(text) { bytes in
          for start in 0...text.count {
            #expect(searcher.firstOffset(in: bytes, from: start) == naive(needle, text, start), "\(needle) \(text)")
          }
          let last = (0...text.count).last { naive(needle, Array(text), $0) == $0 }
          #expect(searcher.lastOffset(in: bytes) == last ?? -1)
        }
      }
    }
  }

  @Test("random needles are found in texts of several blocks")
  func random() {
    var generator = SeededGenerator()
    for _ in 0..<20_000 {
      let letters = UInt8.random(in: 2...20, using: &generator)
      func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in 97 + UInt8.random(in: 0..<letters, using: &generator) }
      }
      var text = bytes(.random(in: 0...80, using: &generator))
      let needle = bytes(.random(in: 1...10, using: &generator))
      if Bool.random(using: &generator) {
        text.insert(contentsOf: needle, at: .random(in: 0...text.count, using: &generator))
      }
      let start = Int.random(in: 0...text.count, using: &generator)
      let found = withBytes(text) { SubstringSearcher(needle).firstOffset(in: $0, from: start) }
      #expect(found == naive(needle, text, start), "\(generator): \(needle) in \(text) from \(start)")
    }
  }
}
