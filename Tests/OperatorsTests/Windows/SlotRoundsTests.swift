import Testing

@testable import Operators

@Suite("Rounds of slots")
struct SlotRoundsTests {
  @Test("a slot is new once a round, also in the rounds after the last one that has a number")
  func rounds() {
    for first in [0, UInt32.max - 3] {
      var marks = SlotRounds(round: first)
      for round in 0..<8 {
        marks.begin(slotCount: 4 + round)
        for slot in 0..<UInt32(4 + round) {
          #expect(!marks.contains(slot))
          #expect(marks.insert(slot))
          #expect(!marks.insert(slot))
          #expect(marks.contains(slot))
        }
      }
    }
  }
}
