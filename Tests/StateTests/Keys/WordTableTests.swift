import Arrow
import TestSupport
import Testing

@testable import State

@Suite("A table of words")
struct WordTableTests {
  /// The place of a word in a table of 1,024 entries.
  static func place(_ word: UInt64) -> Int {
    var mixed = word &* 0x9E37_79B9_7F4A_7C15
    mixed ^= mixed >> 32
    return Int((mixed &* 0xD6E8_FEB8_6659_FD93) >> 54)
  }

  static func find(_ table: WordTable, _ words: [UInt64]) throws -> [UInt32] {
    var slots = [UInt32](repeating: 0, count: words.count)
    try table.find(words, count: words.count, into: &slots)
    return slots
  }

  static func lookup(_ table: WordTable, _ words: [UInt64]) -> [UInt32] {
    var slots = [UInt32](repeating: 0, count: words.count)
    table.lookup(words, count: words.count, into: &slots)
    return slots
  }

  @Test("keys that differ in their high bits only, or are multiples of a power of two, do not collide much")
  func patterns() throws {
    for shift in stride(from: 0, through: 44, by: 4) {
      let table = WordTable(keepingWords: false)
      let words = (0..<20_000).map { UInt64($0) << UInt64(shift) }
      #expect(try Self.find(table, words) == (0..<20_000).map { UInt32($0) })
      #expect(table.count == 20_000)
    }
  }

  @Test("gives the words of slots back, also after slots were used again")
  func words() throws {
    var generator = SeededGenerator()
    let table = WordTable(keepingWords: true)
    var known: [UInt64: UInt32] = [:]
    for round in 0..<60 {
      let words = (0..<500).map { _ in UInt64.random(in: 0..<2_000, using: &generator) << 31 }
      for (word, slot) in zip(words, try Self.find(table, words)) {
        #expect(known[word] ?? slot == slot)
        known[word] = slot
      }
      #expect(Set(known.values).count == known.count)
      let gone = known.keys.filter { _ in Int.random(in: 0..<100, using: &generator) < round }
      let slots = gone.compactMap { known.removeValue(forKey: $0) }
      table.remove(slots, count: slots.count)
      let all = Array(known)
      var back = [UInt64](repeating: 0, count: all.count)
      table.words(of: all.map(\.value), count: all.count, into: &back)
      #expect(back == all.map(\.key), "\(generator)")
      #expect(table.count == known.count)
    }
  }

  /// Ranges that move, grow and get holes, and words far from all others, so that the table changes its form many times.
  @Test("finds, looks up and removes words of any kind as a dictionary does")
  func likeDictionary() throws {
    var generator = SeededGenerator()
    for _ in 0..<40 {
      let table = WordTable(keepingWords: true)
      var model: [UInt64: UInt32] = [:]
      var start = Int64.random(in: -3_000...3_000, using: &generator)
      if Int.random(in: 0..<4, using: &generator) == 0 {
        start = [.min, .max - 40_000, 1 << 40].randomElement(using: &generator)!
      }
      for step in 0..<30 {
        start += Int64.random(in: 0...1_000, using: &generator)
        let width = Int64.random(in: 1...30_000, using: &generator)
        var words = (0..<Int.random(in: 0...3_000, using: &generator)).map { _ in
          UInt64(bitPattern: start &+ Int64.random(in: 0..<width, using: &generator))
        }
        if Int.random(in: 0..<8, using: &generator) == 0 {
          for _ in 0..<3 {
            words.append(
              [0, .max, 1 << 63, UInt64.random(in: 0 ... .max, using: &generator)].randomElement(using: &generator)!)
          }
        }
        let before = Self.lookup(table, words)
        #expect(before == words.map { model[$0] ?? .max }, "step \(step), \(generator)")
        let announced = table.byteCount + table.growth(words, count: words.count)
        let slots = try Self.find(table, words)
        #expect(table.byteCount <= announced, "step \(step), \(generator)")
        var firsts: [UInt32] = []
        var seen: Set<UInt64> = []
        for (word, slot) in zip(words, slots) {
          if let known = model[word] { #expect(known == slot, "step \(step), \(generator)") }
          model[word] = slot
          if seen.insert(word).inserted { firsts.append(slot) }
        }
        #expect(Set(model.values).count == model.count && table.count == model.count, "step \(step), \(generator)")
        #expect(
          Array(UnsafeBufferPointer(start: table.touched.slots.values(UInt32.self), count: table.touched.count))
            == firsts)
        let share = [0, 30, 95, 100].randomElement(using: &generator)!
        let gone = model.filter { _ in Int.random(in: 0..<100, using: &generator) < share }
        table.remove(Array(gone.values), count: gone.count)
        for word in gone.keys { model[word] = nil }
        let left = Array(model.keys)
        #expect(Self.lookup(table, left) == left.map { model[$0]! }, "step \(step), \(generator)")
        #expect(Self.lookup(table, Array(gone.keys)).allSatisfy { $0 == .max }, "step \(step), \(generator)")
        var words2 = [UInt64](repeating: 0, count: left.count)
        table.words(of: left.map { model[$0]! }, count: left.count, into: &words2)
        #expect(words2 == left, "step \(step), \(generator)")
      }
    }
  }

  @Test("words at both ends of 64 bits, and near 0, are told apart in any order")
  func ends() throws {
    let ends: [Int64] = [
      .max, .min, 7, .max - 1, .min + 1, 0, -1, .max - 1_023, .min + 1_023, .max - 5_000, .min + 5_000,
    ]
    for first in ends {
      for second in ends {
        for third in ends {
          let table = WordTable(keepingWords: true)
          var slots: [Int64: UInt32] = [:]
          for word in [first, second, third] {
            let slot = try Self.find(table, [UInt64(bitPattern: word)])[0]
            #expect(slot == slots[word] ?? UInt32(slots.count), "\(first), \(second), \(third)")
            slots[word] = slot
          }
          for word in ends {
            #expect(
              Self.lookup(table, [UInt64(bitPattern: word)]) == [slots[word] ?? .max], "\(first), \(second), \(third)")
          }
          table.remove(Array(slots.values), count: slots.count)
          #expect(table.count == 0)
        }
      }
    }
  }

  @Test("numbers that are counted take half the memory of numbers that lie anywhere")
  func dense() throws {
    let (near, far) = (WordTable(keepingWords: false), WordTable(keepingWords: false))
    for start in stride(from: 0, to: 1 << 20, by: 8_192) {
      let words = (start..<start + 8_192).map { UInt64($0) }
      _ = try Self.find(near, words)
      _ = try Self.find(far, words.map { $0 << 40 })
    }
    #expect(near.byteCount * 2 <= far.byteCount)
  }
}
