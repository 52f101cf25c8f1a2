import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import State

/// Entries all of which are other ones, and entries most of which are gone.
@Suite struct ReplacedEntriesTests {
  private static let tables = [
    StateTable("t", key: [Field("k", .int64)], value: [Field("v", .int64)]),
    StateTable("times", scope: .subtask, key: [], value: [Field("time", .int64)]),
  ]
  private static let part = StatePart(subtask: 0, parallelism: 1)

  private static func batch(_ schema: Schema, _ columns: [[Int64]]) -> RecordBatch {
    RecordBatch(
      schema: schema,
      columns: columns.map { values in
        let builder = FixedBuilder<Int64>(.int64)
        for value in values { builder.append(value) }
        return builder.finish()
      }, length: columns[0].count)
  }

  private static func put(_ entries: [Int64: Int64], into changes: inout StateChanges) {
    let keys = Array(entries.keys)
    changes.put(batch(tables[0].entry, [keys, keys.map { entries[$0]! }]), table: 0)
  }

  private static func entries(_ databases: [StateDatabase]) throws -> [Int64: Int64] {
    var found: [Int64: Int64] = [:]
    for database in databases {
      try database.scan(table: 0) { batch in
        for row in 0..<batch.length {
          let key = batch.columns[0].values(Int64.self)[row]
          let before = found.updateValue(batch.columns[1].values(Int64.self)[row], forKey: key)
          #expect(before == nil, "an entry is there once")
        }
      }
    }
    return found
  }

  private static func times(_ database: StateDatabase) throws -> [Int64] {
    var found: [Int64] = []
    try database.scan(table: 1) { batch in found += (0..<batch.length).map { batch.columns[0].values(Int64.self)[$0] } }
    return found
  }

  private static func restore(
    _ folder: String, _ files: [StateFile], parallelism: Int, _ memory: StateMemoryShares
  ) throws -> [StateDatabase] {
    try (0..<parallelism).map { subtask in
      try .restore(
        at: "\(folder)-\(subtask)", tables: tables, part: StatePart(subtask: subtask, parallelism: parallelism),
        from: [StateOrigin(part: part, files: files)], memory: memory)
    }
  }

  @Test func `entries that are all told anew take the place of those before, and epochs stay what they were`() throws {
    var generator = SeededGenerator()
    let memory = StateMemoryShares(byteCount: 8 << 20)
    let folder = TemporaryFolder()
    let database = try StateDatabase.create(
      at: folder.file("state"), tables: Self.tables, part: Self.part, memory: memory)
    var model: [Int64: Int64] = [:]
    var kept: [(files: [StateFile], entries: [Int64: Int64], time: Int64)] = []
    var time: Int64 = 0
    for epoch in 0..<24 {
      var changes = StateChanges()
      let isAll = epoch % 3 == 1 || epoch == 2
      if isAll {
        changes.removeAll(table: 0)
        model = [:]
      }
      // Some of those that there were, some new ones; fewer and more than go through the database's buffers.
      var told: [Int64: Int64] = [:]
      for _ in 0..<(isAll ? 6000 : epoch % 2 == 0 ? 300 : 4000) {
        told[Int64.random(in: 0..<8000, using: &generator)] = Int64.random(in: .min ... .max, using: &generator)
      }
      Self.put(told, into: &changes)
      model.merge(told) { $1 }
      if epoch % 4 == 0 {
        time = Int64(epoch)
        changes.put(Self.batch(Self.tables[1].entry, [[time]]), table: 1)
      }
      try database.apply(changes)
      #expect(try Self.entries([database]) == model, "\(generator), epoch \(epoch)")
      let addresses = Self.batch(Self.tables[0].address, [Array(0..<8000)])
      let found = try database.find(addresses, table: 0)
      #expect(found.rows.count == model.count)
      for (index, row) in found.rows.enumerated() {
        #expect(found.values.columns[0].values(Int64.self)[index] == model[Int64(row)])
      }
      kept.append((try database.checkpoint(into: folder.file("epoch-\(epoch)")), model, time))
      if isAll {
        let bytes = kept[epoch].files.filter(\.isImmutable).reduce(0) { $0 + $1.byteCount }
        #expect(bytes < model.count * 60 + 16_384, "files of what was before are in no epoch any more")
      }
    }
    database.mergeAll()
    for (epoch, kept) in kept.enumerated() {
      for parallelism in [1, 3] {
        let restored = try Self.restore(
          folder.file("from-\(epoch)-\(parallelism)"), kept.files, parallelism: parallelism, memory)
        #expect(try Self.entries(restored) == kept.entries, "\(generator), epoch \(epoch)")
        for database in restored {
          #expect(try Self.times(database) == [kept.time])
          // What was restored is replaced as well.
          database.forgetInherited()
          var changes = StateChanges()
          changes.removeAll(table: 0)
          try database.apply(changes)
          #expect(try Self.entries([database]).isEmpty)
        }
      }
    }
  }

  @Test func `a cursor and what it reads stay when all entries are replaced`() throws {
    let memory = StateMemoryShares(byteCount: 8 << 20)
    let folder = TemporaryFolder()
    let database = try StateDatabase.create(
      at: folder.file("state"), tables: Self.tables, part: Self.part, memory: memory)
    var model: [Int64: Int64] = [:]
    for key in 0..<5000 { model[Int64(key)] = 1 }
    var changes = StateChanges()
    Self.put(model, into: &changes)
    try database.apply(changes)
    let cursor = database.cursor(table: 0)
    #expect(try cursor.next(100)?.length == 100)
    for round in 2..<5 {
      var changes = StateChanges()
      changes.removeAll(table: 0)
      Self.put(model.mapValues { _ in Int64(round) }, into: &changes)
      try database.apply(changes)
    }
    var rest = 0
    while let batch = try cursor.next(1000) {
      rest += batch.length
      for row in 0..<batch.length { #expect(batch.columns[1].values(Int64.self)[row] == 1) }
    }
    #expect(rest == 4900)
    #expect(try Self.entries([database]) == model.mapValues { _ in 4 })
  }

  @Test func `entries that are gone leave the disk and the epochs, though nobody merges files`() throws {
    let memory = StateMemoryShares(byteCount: 8 << 20)
    let folder = TemporaryFolder()
    let database = try StateDatabase.create(
      at: folder.file("state"), tables: Self.tables, part: Self.part, memory: memory)
    let count = 100_000
    var changes = StateChanges()
    var model: [Int64: Int64] = [:]
    for key in 0..<count { model[Int64(key) &* 0x1E37_79B9_7F4A_7C15] = Int64(key) }
    Self.put(model, into: &changes)
    try database.apply(changes)
    let full = try database.checkpoint(into: folder.file("full"))
    // Nine of ten expire, as an operator tells it: in several epochs.
    let expired = model.filter { $0.value % 10 != 0 }.map(\.key)
    for part in 0..<9 {
      var changes = StateChanges()
      changes.remove(
        Self.batch(Self.tables[0].address, [Array(expired[part * expired.count / 9..<(part + 1) * expired.count / 9])]),
        table: 0)
      try database.apply(changes)
    }
    for key in expired { model[key] = nil }
    #expect(try Self.entries([database]) == model)
    func bytes(_ files: [StateFile]) -> Int { files.filter(\.isImmutable).reduce(0) { $0 + $1.byteCount } }
    // RocksDB's threads merge, while epochs with few changes follow.
    let end = MonotonicTime.now + 60_000_000_000
    while database.sizes.fileBytes > bytes(full) / 3 && MonotonicTime.now < end {
      var changes = StateChanges()
      Self.put(model.filter { $0.value == 0 }, into: &changes)
      try database.apply(changes)
    }
    #expect(
      database.sizes.fileBytes <= bytes(full) / 3, "a tenth of the entries is left, and at most as many that are gone")
    let later = try database.checkpoint(into: folder.file("later"))
    #expect(bytes(later) <= bytes(full) / 3)
    for parallelism in [1, 2] {
      let restored = try Self.restore(folder.file("restored-\(parallelism)"), later, parallelism: parallelism, memory)
      #expect(try Self.entries(restored) == model)
    }
    #expect(try Self.entries(try Self.restore(folder.file("former"), full, parallelism: 1, memory)).count == count)
  }
}
