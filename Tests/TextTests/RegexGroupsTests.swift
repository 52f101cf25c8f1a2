import TestSupport
import Testing

@testable import Text

/// The two ways to find groups, of which texts too long for the first take the second.
struct RegexGroupsTests {
  @Test("random expressions have the same groups one alternative after the other and all side by side")
  func waysAgree() throws {
    var grammar = RegexPeerTests.Grammar(generator: SeededGenerator(), named: false, hasLazyLoops: true)
    let seed = grammar.generator
    var compared = 0
    // Of 3,000 patterns about 2,400 matches are compared; where it is far from that many, more are drawn.
    for round in 0..<6000 where round < 3000 || compared <= 2000 {
      grammar.groups = 0
      let pattern = grammar.expression(Int.random(in: 1...6, using: &grammar.generator)).text
      guard grammar.groups > 0, let expression = try? RegularExpression(pattern) else { continue }
      let count = 2 * expression.captureNames.count + 2
      guard let backtracker = Backtracker(expression.noting, slotCount: count) else { continue }
      let machine = PikeMachine(expression.noting, slotCount: count)
      for _ in 0..<8 {
        let text = RandomText.make(&grammar.generator, upTo: 20, of: RegexPeerTests.letters)
        withBytes(text) { bytes in
          guard let match = expression.withMatcher({ $0.firstMatch(in: bytes) }) else { return }
          var (found, wanted) = ([Int32](repeating: 7, count: count), [Int32](repeating: 7, count: count))
          guard
            found.withUnsafeMutableBufferPointer({ places in
              places.baseAddress.map { backtracker.findGroups(in: bytes, of: match, into: $0) } ?? false
            })
          else { return }
          wanted.withUnsafeMutableBufferPointer { places in
            if let base = places.baseAddress { machine.findGroups(in: bytes, of: match, into: base) }
          }
          compared += 1
          #expect(found == wanted, "\(seed): \(pattern.debugDescription) in \(text.debugDescription)")
        }
      }
    }
    #expect(compared > 2000, "\(seed)")
  }

  @Test("a match too long for the one has the groups that a short one has")
  func longMatches() throws {
    let expression = try RegularExpression("(a+)-(?:(x)|(y))*(b+)")
    for length in [1, 50, 5_000, 200_000] {
      let text = "." + String(repeating: "a", count: length) + "-xxyb."
      withBytes(text) { bytes in
        expression.withMatcher { matcher in
          let match = matcher.firstMatch(in: bytes)
          #expect(match == 1..<(length + 6))
          guard let match else { return }
          matcher.findGroups(in: bytes, of: match)
          #expect(
            (0...4).map { matcher.group($0) } == [
              match, 1..<(length + 1), (length + 3)..<(length + 4), (length + 4)..<(length + 5),
              (length + 5)..<(length + 6),
            ])
        }
      }
    }
  }

  @Test("a match is found from the text's end behind a place, and the bytes before the place count for conditions")
  func endsFromPlaces() throws {
    let text = "ab12 345"
    func first(_ pattern: String, from start: Int) throws -> Range<Int>? {
      let expression = try RegularExpression(pattern)
      return withBytes(text) { bytes in expression.withMatcher { $0.firstMatch(in: bytes, from: start) } }
    }
    #expect(try first("[0-9]+$", from: 0) == 5..<8)
    #expect(try first("[0-9]+$", from: 6) == 6..<8)
    #expect(try first("\\b[0-9]+$", from: 6) == nil)
    #expect(try first("[0-9 ]+\\z", from: 1) == 2..<8)
    #expect(try first("[0-9]{4}$", from: 0) == nil)
    #expect(try first("a$|5$", from: 8) == nil)
    #expect(try first("5?$", from: 8) == 8..<8)
  }
}
