import Base
import Synchronization
import TestSupport
import Testing
import Volley

@testable import Operators

/// Maps of a keyed process function.
extension ProcessTests {
  private final class Maps: KeyedProcessFunction {
    @State var seen = MapState<Int64, Int64>()
    func process(_ row: Row, context: Context<String, Result>) throws {
      switch row.value {
      case ..<0:
        seen[100] = 1
        seen[-row.value] = nil
        seen[7] = 7
        seen[7] = nil
        throw Broken()
      case 1000:
        // Removed and put while pages go on.
        try seen.forEachEntry { key, value in
          seen[key] = nil
          if key % 2 == 0 { seen[key] = value + 1 }
        }
      case 2000: seen.clear()
      default: seen[row.value] = (seen[row.value] ?? 0) + 1
      }
      var sum: Int64 = 0
      try seen.forEachEntry { sum += $0 * $1 }
      try context.emit(Result(user: context.key, number: sum))
    }
  }

  @Test("entries are put, removed, paged and cleared; a call that throws leaves them as they were")
  func maps() throws {
    let rig = try rig { Maps() }
    for value in 1...600 { try give(rig, [("a", Int64(value), 0)]) }
    #expect(rig.rows().last == "a \(600 * 601 / 2)")
    #expect(throws: Failure.self) { try give(rig, [("a", -5, 0)]) }
    try give(rig, [("b", 3, 0), ("a", 1000, 0)])
    // Even keys stay, with a value of 2.
    #expect(rig.rows() == ["b 3", "a \(300 * 301 * 2)"])
    try give(rig, [("a", 2000, 0), ("b", 2000, 0)])
    #expect(rig.rows() == ["a 0", "b 0"])
    #expect(rig.made.keyCount == 0)
  }

  /// Does with a map what a number says, and with a list of entries in their order, which is what it should be.
  private final class Twins: KeyedProcessFunction, @unchecked Sendable {  // One thread at a time.
    @State var map = MapState<Int64, Int64>()
    /// Of the key in hand.
    var model: [(key: Int64, value: Int64)] = []
    var models: [String: [(key: Int64, value: Int64)]] = [:]
    /// What the maps were when a call last returned.
    var committed: [String: [(key: Int64, value: Int64)]] = [:]

    func process(_ row: Row, context: Context<String, Result>) throws {
      let (kind, key) = row.value.quotientAndRemainder(dividingBy: 1_000)
      model = models[context.key] ?? []
      defer { models[context.key] = model }
      switch kind {
      case 0...5: put(key, row.value)
      case 6, 7: remove(key)
      case 8:
        map.clear()
        model = []
      case 9:
        // Removes some that it has seen or will see, puts some again, and must end.
        var seen: [Int64] = []
        let before = model.map(\.key)
        try map.forEachEntry { entry, _ in
          seen.append(entry)
          if entry % 3 == 0 { remove(entry) }
          if entry % 7 == 0 { put(entry, key) }
          remove((entry &* 31 &+ key) % 1_000)
        }
        guard Set(seen).count == seen.count, Set(seen).isSubset(of: before) else { throw Broken() }
        let missed = Set(before).subtracting(seen)
        guard model.allSatisfy({ !missed.contains($0.key) || $0.value == key }) else { throw Broken() }
      default: throw Thrown()
      }
      // Looking at all of them tells the host all changes so far: not each time.
      if key % 8 == 0 {
        guard try map.entries.elementsEqual(model, by: { $0 == $1 }) else { throw Broken() }
      }
      guard map[key] == model.first(where: { $0.key == key })?.value else { throw Broken() }
    }

    private func put(_ key: Int64, _ value: Int64) {
      map[key] = value
      if let index = model.firstIndex(where: { $0.key == key }) {
        model[index].value = value
      } else {
        model.append((key, value))
      }
    }

    private func remove(_ key: Int64) {
      map[key] = nil
      model.removeAll { $0.key == key }
    }

    struct Thrown: Error {}
  }

  @Test("random writes, clears, pages and failures leave a map's entries in the order in which they were put")
  func randomMaps() throws {
    var random = SeededGenerator()
    for _ in 0..<10 {
      let made = Mutex<Twins?>(nil)
      let rig = try rig {
        let twins = Twins()
        made.withLock { $0 = twins }
        return twins
      }
      let twins = try #require(made.withLock { $0 })
      for _ in 0..<40 {
        let count = Int.random(in: 1...200, using: &random)
        let fails = Int.random(in: 0..<4, using: &random) == 0
        var rows = (0..<count).map { _ -> (String, Int64, Int64) in
          // Mostly puts; a pass over all now and then.
          let kind = [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 9, 8].randomElement(using: &random) ?? 0
          let key = ["a", "a", "a", "b"].randomElement(using: &random) ?? "a"
          return (key, Int64(kind) * 1_000 + Int64.random(in: 0..<700, using: &random), 0)
        }
        if fails { rows.append(("a", 10_000, 0)) }
        twins.committed = twins.models
        do throws(Failure) {
          try give(rig, rows)
          #expect(!fails)
        } catch {
          guard fails, "\(error)".contains("Thrown") else {
            Issue.record("\(error), \(random)")
            return
          }
          twins.models = twins.committed
        }
      }
    }
  }

  /// Puts an entry and clears the map, row by row.
  private final class Clearing: KeyedProcessFunction {
    @State var map = MapState<Int64, Int64>()
    func process(_ row: Row, context: Context<String, Result>) throws {
      map[row.value] = 1
      map.clear()
      guard try map.entries.isEmpty else { throw Broken() }
    }
  }

  @Test("a map that is cleared in each row of a batch is empty each time")
  func clearing() throws { try give(try rig { Clearing() }, (0..<32_000).map { ("a", $0, Int64(0)) }) }

}
