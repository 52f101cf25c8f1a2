import Arrow
import Base
import TestSupport
import Testing

@testable import Expressions

@Suite("Pairs of a slot and a key")
struct DistinctPairsTests {
  @Test("are those of plain sets, as slots lose theirs, keys change, and the table grows", arguments: [2, 40, 3_000])
  func random(keys: Int64) throws {
    var random = SeededGenerator()
    var pairs = DistinctPairs()
    defer { pairs.deallocate() }
    let slotCount = 50
    var known = [DistinctPairs.Slot](repeating: .init(), count: slotCount)
    var counts = [UInt32](repeating: 0, count: slotCount * 3)
    /// By slot and key: marks.
    var model = [[Int64: UInt32]](repeating: [:], count: slotCount)
    for round in 0..<120 {
      let count = Int.random(in: 0...300, using: &random)
      let slots = (0..<count).map { _ in UInt32.random(in: 0..<UInt32(slotCount), using: &random) }
      let values = (0..<count).map { _ in Int64.random(in: 0..<keys, using: &random) }
      let marks = (0..<count).map { _ in UInt32.random(in: 0..<8, using: &random) }
      try pairs.insert(slots, values, count: count, rows: nil, &known, marks: marks, &counts, 3)
      for row in 0..<count { model[Int(slots[row])][values[row], default: 0] |= marks[row] }
      if round % 7 == 3 {
        for slot in 0..<slotCount where Bool.random(using: &random) {
          pairs.remove(from: known[slot].head)
          known[slot] = .init()
          for bit in 0..<3 { counts[slot * 3 + bit] = 0 }
          model[slot] = [:]
        }
      }
      if round % 31 == 30 {
        try pairs.renumber { keys - 1 - $0 }
        model = model.map { Dictionary(uniqueKeysWithValues: $0.map { (keys - 1 - $0.key, $0.value) }) }
      }
      if round == 60 {
        pairs.removeAll()
        known = Array(repeating: .init(), count: slotCount)
        counts = Array(repeating: 0, count: slotCount * 3)
        model = Array(repeating: [:], count: slotCount)
      }
      #expect(pairs.count == model.reduce(0) { $0 + $1.count }, "\(random)")
      var some = (0..<UInt32(slotCount)).filter { _ in Bool.random(using: &random) }
      if round % 3 == 0 { some = Array(0..<UInt32(slotCount)) }
      let lists = try pairs.lists(known, slotCount: slotCount, some, count: some.count, isMarked: true)
      defer { withExtendedLifetime(lists) {} }
      let starts = lists.offsets.values(Int32.self)
      for (row, slot) in some.enumerated() {
        var found: [Int64: UInt32] = [:]
        for item in Int(starts[row])..<Int(starts[row + 1]) {
          found[lists.keys.values(Int64.self)[item]] = lists.marks?.values(UInt32.self)[item]
        }
        #expect(
          found == model[Int(slot)] && found.count == Int(starts[row + 1] - starts[row]), "\(random), round \(round)")
        for bit in 0..<3 {
          let marked = found.values.count { $0 >> bit & 1 == 1 }
          #expect(Int(counts[Int(slot) * 3 + bit]) == marked, "\(random), round \(round)")
        }
      }
    }
  }

  @Test("that somebody chooses do not come to one place of the table")
  func chosen() {
    let pairs = DistinctPairs()
    defer { pairs.deallocate() }
    let count: Int64 = 20_000
    for factor in [0x9E37_79B9_7F4A_7C15, 0x1_0000_0001, 0x2_0000_0000, 1 << 40, 1] as [UInt64] {
      let same = (0..<count).map { pairs.tag(UInt32($0), $0 &* Int64(bitPattern: factor)) }
      let ofOne = (0..<count).map { pairs.tag(7, $0 &* Int64(bitPattern: factor)) }
      let ofAll = (0..<count).map { pairs.tag(UInt32($0), 7) }
      // 20,000 random tags of 32 bits: one pair in 20 of such lists is equal in one place.
      for tags in [same, ofOne, ofAll] {
        #expect(Set(tags).count > 19_900, "\(factor)")
        // Their low bits are places of a table: of random tags 17,200 or so, and of these some fewer with some seeds.
        #expect(Set(tags.map { $0 & 0xFFFF }).count > 10_000, "\(factor)")
      }
    }
  }
}
