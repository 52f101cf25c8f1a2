import TestSupport
import Testing

@testable import State

/// Keys of known homes in an array, searched, put in and taken out as the tables do.
private struct ProbeModel {
  let probe: LineProbe
  var entries: [Int?]
  var homes: [Int: Int] = [:]

  init<Entry>(_: Entry.Type, capacity: Int) {
    probe = LineProbe(Entry.self, capacity: capacity)
    entries = [Int?](repeating: nil, count: capacity)
  }

  /// Where a key is, or the empty entry at which its search ends.
  func place(_ key: Int, home: Int) -> Int {
    var index = home
    var steps = 0
    while let found = entries[index], found != key {
      index = probe.next(index, home: home)
      steps += 1
      precondition(steps <= entries.count, "a search comes by every entry once")
    }
    return index
  }

  mutating func insert(_ key: Int, home: Int) {
    entries[place(key, home: home)] = key
    homes[key] = home
  }

  mutating func remove(_ key: Int) {
    guard let home = homes.removeValue(forKey: key) else { return }
    let start = place(key, home: home)
    var entries = entries
    let homes = homes
    let hole = probe.close(start) { index in
      precondition(index != start || entries[index] != key, "the hole is not asked for")
      return entries[index].flatMap { homes[$0] }
    } move: { from, to in
      entries[to] = entries[from]
      // The key is asked for at its new place only.
      entries[from] = key
    }
    entries[hole] = nil
    self.entries = entries
  }

  func isRight() -> Bool {
    entries.count { $0 != nil } == homes.count && homes.allSatisfy { entries[place($0.key, home: $0.value)] == $0.key }
  }
}

@Suite("Searches in lines")
struct LineProbeTests {
  private typealias Two = SIMD4<UInt64>
  private typealias Four = SIMD2<UInt64>

  @Test("come by every entry once, those of the home's line first")
  func order() {
    for capacity in [8, 16, 64] {
      for home in 0..<capacity {
        for (probe, line) in [
          (LineProbe(Two.self, capacity: capacity), 2), (LineProbe(Four.self, capacity: capacity), 4),
        ] {
          var seen: [Int] = []
          var index = home
          for _ in 0..<capacity {
            seen.append(index)
            index = probe.next(index, home: home)
          }
          #expect(index == home && Set(seen).count == capacity)
          for first in stride(from: 0, to: capacity, by: line) {
            #expect(Set(seen[first..<first + line].map { $0 / line }).count == 1)
          }
        }
      }
    }
  }

  /// Five keys of any homes in four lines of two, or two lines of four, and each of them taken out.
  @Test("find all other keys after any of up to five is taken out")
  func everyCase() {
    func check<Entry>(_ type: Entry.Type, _ count: Int) {
      for number in 0..<Int(pow8(count)) {
        var model = ProbeModel(type, capacity: 8)
        for key in 0..<count { model.insert(key, home: number >> (3 * key) & 7) }
        for key in 0..<count {
          var without = model
          without.remove(key)
          #expect(without.isRight(), "homes \(String(number, radix: 8)), key \(key)")
        }
      }
    }
    for count in 1...4 { check(Two.self, count) }
    check(Four.self, 5)
  }

  private func pow8(_ exponent: Int) -> Int { 1 << (3 * exponent) }

  @Test("find all keys while they come and go in a table that is nearly full")
  func random() {
    var generator = SeededGenerator()
    func check<Entry>(_ type: Entry.Type, _ capacity: Int) {
      var model = ProbeModel(type, capacity: capacity)
      for key in 0..<3_000 {
        if model.homes.count < capacity - 1 - Int.random(in: 0..<capacity / 2, using: &generator) {
          // Homes crowd at one end of the table.
          let crowd = Int.random(in: 0..<capacity, using: &generator)
          model.insert(key, home: (capacity - 3 + Int.random(in: 0...crowd, using: &generator)) % capacity)
        } else if let gone = model.homes.keys.randomElement(using: &generator) {
          model.remove(gone)
        }
        #expect(model.isRight(), "\(generator)")
      }
    }
    for capacity in [8, 16, 32] {
      check(Two.self, capacity)
      check(Four.self, capacity)
    }
  }
}
