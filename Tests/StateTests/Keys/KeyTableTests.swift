import Arrow
import ArrowTestSupport
import TestSupport
import Testing
import VolleyPlan

@testable import State

@Suite("A key table")
struct KeyTableTests {
  @Test("of one column finds, looks up, removes and tells the keys", arguments: KeyPool.oneColumnTypes)
  func oneColumn(type: DataType) throws {
    var generator = SeededGenerator()
    let pool = KeyPool([type], count: 600, &generator)
    try run(pool, steps: 25, rows: 300, &generator)
  }

  @Test("of several columns does, whatever their types")
  func severalColumns() throws {
    var generator = SeededGenerator()
    for first in KeyPool.oneColumnTypes {
      let second = KeyPool.oneColumnTypes.randomElement(using: &generator)!
      let third = KeyPool.oneColumnTypes.randomElement(using: &generator)!
      let pool = KeyPool([first, second, third], count: 80, &generator)
      try run(pool, steps: 6, rows: 100, &generator)
    }
  }

  @Test("of no column has one key")
  func noColumn() throws {
    var generator = SeededGenerator()
    try run(KeyPool([], count: 3, &generator), steps: 20, rows: 5, &generator)
  }

  private func run(_ pool: KeyPool, steps: Int, rows: Int, _ generator: inout SeededGenerator) throws {
    let model = KeyTableModel(makeKeyTable(pool.types, keepingKeys: true), pool, "\(pool.types), \(generator)")
    for step in 0..<steps {
      let count = Int.random(in: 0...rows, using: &generator)
      // At first a few of the keys, later all.
      let upTo = min(pool.rows.count, 1 + pool.rows.count * (step + 1) / (steps / 2 + 1))
      let picks = (0..<count).map { _ in Int.random(in: 0..<upTo, using: &generator) }
      if step % 3 == 1 { try model.lookup(picks, padding: step % 5) }
      try model.find(picks, padding: step % 7)
      let share = [0, 10, 50, 100][Int.random(in: 0..<4, using: &generator)]
      model.remove(
        model.slots.keys.filter { _ in Int.random(in: 0..<100, using: &generator) < share }.shuffled(using: &generator))
      try model.checkKeys()
      try model.lookup(Array(pool.rows.indices), padding: step % 3)
    }
    model.remove(Array(model.slots.keys))
    try model.find(Array(pool.rows.indices))
    try model.checkKeys()
  }

  /// Keys that fill the table's last line and go on in its first, so that they displace each other.
  @Test("of keys in each other's way loses no other key by a removal, in any order")
  func displaced() throws {
    var keys: [UInt64] = []
    var candidate: UInt64 = 0
    while keys.count < 6 {
      // So far apart that they are searched by their hashes.
      candidate += 1 << 30
      let place = WordTableTests.place(candidate)
      if place >= 1_020 || keys.count == 5 && place < 4 { keys.append(candidate) }
    }
    for order in permutations(Array(keys.indices)) {
      let table = WordTable(keepingWords: true)
      let words = order.map { keys[$0] }
      var slots = try WordTableTests.find(table, words)
      for removed in order.indices {
        let slot = slots[removed]
        slots[removed] = .max
        table.remove([slot], count: 1)
        #expect(WordTableTests.lookup(table, words) == slots, "\(order), \(removed)")
      }
    }
  }

  private func permutations(_ items: [Int]) -> [[Int]] {
    guard let first = items.first else { return [[]] }
    return permutations(Array(items.dropFirst())).flatMap { rest in
      (0...rest.count).map { place in Array(rest[..<place]) + [first] + Array(rest[place...]) }
    }
  }

  @Test("forgets all keys, and is then as new")
  func removeAll() throws {
    var generator = SeededGenerator()
    for types in [[DataType.int64], [.utf8], [.int32, .utf8], []] {
      let pool = KeyPool(types, count: 5_000, &generator)
      let table = makeKeyTable(types, keepingKeys: true)
      for _ in 0..<2 {
        let model = KeyTableModel(table, pool, "\(types), \(generator)")
        try model.find(Array(pool.rows.indices))
        try model.checkKeys()
        table.removeAll()
        #expect(table.count == 0 && table.slotCount == 0)
      }
    }
  }

  @Test("gives memory back when most of its keys are removed, and goes on with the others")
  func shrinks() throws {
    var generator = SeededGenerator()
    for types in [[DataType.int64], [.utf8], [.int64, .utf8]] {
      let pool = KeyPool(types, count: 40_000, &generator)
      let model = KeyTableModel(makeKeyTable(types, keepingKeys: true), pool, "\(types), \(generator)")
      try model.find(Array(pool.rows.indices))
      let full = model.table.byteCount
      model.remove(Array(model.slots.keys.shuffled(using: &generator).dropFirst(100)))
      #expect(model.table.byteCount < full * 2 / 3, "\(types), \(generator)")
      try model.checkKeys()
      try model.lookup(Array(pool.rows.indices))
      try model.find(Array(pool.rows.indices))
      try model.checkKeys()
    }
  }

  @Test("that has taken memory for its keys needs no more of it, and is as any other")
  func reserves() throws {
    var generator = SeededGenerator()
    for types in [[DataType.int64], [.int32], [.utf8], [.int64, .utf8], []] {
      let pool = KeyPool(types, count: 40_000, &generator)
      let model = KeyTableModel(makeKeyTable(types, keepingKeys: true), pool, "\(types), \(generator)")
      try model.find(Array(pool.rows.indices.prefix(1_000)))
      let bytes = model.table.byteCount
      let growth = model.table.growth(reserving: pool.rows.count)
      model.table.reserve(keyCount: pool.rows.count)
      let reserved = model.table.byteCount
      #expect(reserved <= bytes + growth, "\(types), \(generator)")
      if types == [.int64] { #expect(reserved > bytes + 40_000 * 32, "\(generator)") }
      try model.checkKeys()
      // In pieces: there is to be room for as many keys as rows are searched for.
      for first in stride(from: 0, to: pool.rows.count, by: 1_000) { try model.find(Array(first..<first + 1_000)) }
      try model.checkKeys()
      if types == [.int64] { #expect(model.table.byteCount == reserved, "\(generator)") }
      // Less than there is changes nothing.
      model.table.reserve(keyCount: 10)
      try model.lookup(Array(pool.rows.indices))
    }
  }

  @Test("of words that will lie close together takes no memory for their hashes")
  func reservesDense() throws {
    let table = WordTable(keepingWords: true)
    // So far apart that they are hashed as long as there are few.
    let few = stride(from: UInt64(0), to: 100_000, by: 50).map { $0 }
    _ = try WordTableTests.find(table, few)
    let bytes = table.byteCount
    #expect(table.growth(reserving: 100_000) == 0)
    table.reserve(wordCount: 100_000)
    #expect(table.byteCount == bytes)
    let all = (0..<100_000).map { UInt64($0) }
    let slots = try WordTableTests.find(table, all)
    #expect(Set(slots).count == all.count && WordTableTests.lookup(table, all) == slots)
  }

  /// Otherwise the bytes of every key that ever was would stay.
  @Test("keeps no more bytes than twice those of its keys, however many come and go")
  func churn() throws {
    let table = makeKeyTable([.utf8], keepingKeys: true)
    var most = 0
    for round in 0..<200 {
      let builder = Utf8Builder()
      for key in 0..<1_000 { builder.append("a key of more than a dozen bytes \(round) \(key)") }
      let column = builder.finish()
      var slots = [UInt32](repeating: 0, count: 1_000)
      try table.find([column], rowCount: 1_000, into: &slots)
      if round == 20 { most = table.byteCount }
      if round > 0 { #expect(table.count == 1_000 + 1) }
      // One stays, so that the table never begins anew.
      table.remove(slots.filter { $0 != 0 }, count: round == 0 ? 999 : 1_000)
      if round > 20 { #expect(table.byteCount <= most, "round \(round)") }
    }
  }
}
