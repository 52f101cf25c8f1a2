import Arrow
import Base
import Keys
import TestSupport
import Testing
import VolleyPlan

@testable import State

/// What holds over the life of many databases.
@Suite struct StateLifeTests {
  private static let table = StateTable("t", key: [Field("k", .int64)], value: [Field("v", .binary)])

  private static func changes(_ keys: Range<Int>, bytes: Int, _ generator: inout SeededGenerator) -> StateChanges {
    let key = FixedBuilder<Int64>(.int64)
    let value = Utf8Builder(.binary)
    var content = [UInt8](repeating: 0, count: bytes)
    for number in keys {
      key.append(Int64(number) &* 0x9E37_79B9)
      for place in stride(from: 0, to: bytes, by: 16) { content[place] = UInt8.random(in: 0...255, using: &generator) }
      content.withUnsafeBufferPointer { value.append($0) }
    }
    var changes = StateChanges()
    changes.put(
      RecordBatch(schema: table.entry, columns: [key.finish(), value.finish()], length: keys.count), table: 0)
    return changes
  }

  private func rows(_ database: StateDatabase) throws -> [RecordBatch] {
    var batches: [RecordBatch] = []
    try database.scan(table: 0) { batches.append($0) }
    return batches
  }

  private func checksums(_ files: [StateFile]) -> [UInt64] {
    files.map { XXH3.hash64(TestProcess.contents(of: $0.path) ?? []) }
  }

  @Test func `an epoch that is kept is as it was after restarts with any parallelism and a hundred epochs`() throws {
    var generator = SeededGenerator()
    let memory = StateMemoryShares(byteCount: 8 << 20)
    let folder = TemporaryFolder()
    let part = StatePart(subtask: 0, parallelism: 1)
    let first = try StateDatabase.create(at: folder.file("first"), tables: [Self.table], part: part, memory: memory)
    for _ in 0..<3 { try first.apply(Self.changes(0..<4000, bytes: 40, &generator)) }
    let origin = StateOrigin(part: part, files: try first.checkpoint(into: folder.file("kept")))
    let before = checksums(origin.files)
    let content = try rows(first)
    var databases = [first]
    for parallelism in [1, 2, 3] {
      for subtask in 0..<parallelism {
        databases.append(
          try StateDatabase.restore(
            at: folder.file("from-\(parallelism)-\(subtask)"), tables: [Self.table],
            part: StatePart(subtask: subtask, parallelism: parallelism), from: [origin], memory: memory))
      }
    }
    for epoch in 0..<100 {
      for (index, database) in databases.enumerated() where index == epoch % databases.count || epoch % 20 == 0 {
        // As many as go through the buffers, and as many as go past them.
        let start = Int.random(in: 0..<2000, using: &generator)
        try database.apply(Self.changes(start..<start + (epoch % 2 == 0 ? 50 : 2100), bytes: 40, &generator))
        _ = try database.checkpoint(into: folder.file("epoch"))
      }
    }
    for database in databases { database.mergeAll() }
    #expect(checksums(origin.files) == before, "\(generator)")
    let again = try StateDatabase.restore(
      at: folder.file("again"), tables: [Self.table], part: part, from: [origin], memory: memory)
    #expect(try rows(again) == content)
  }

  @Test func `all databases together keep to the memory that they share`() throws {
    var generator = SeededGenerator()
    let bound = 16 << 20
    let memory = StateMemoryShares(byteCount: bound)
    let folder = TemporaryFolder()
    let resident = ProcessMemory.residentBytes
    var most = 0
    var databases: [StateDatabase] = []
    for number in 0..<3 {
      let database = try StateDatabase.create(
        at: folder.file("\(number)"), tables: [Self.table], part: StatePart(subtask: 0, parallelism: 1), memory: memory)
      databases.append(database)
      for first in stride(from: 0, to: 60_000, by: 3000) {
        let changes = Self.changes(first..<first + 3000, bytes: 400, &generator)
        try database.apply(changes, inBuffers: true)
        most = max(most, memory.bufferedBytes)
      }
    }
    // Blocks of 72 MB are read, more than there is room for.
    for database in databases {
      for first in stride(from: 0, to: 60_000, by: 2000) {
        let key = FixedBuilder<Int64>(.int64)
        for number in first..<first + 2000 { key.append(Int64(number) &* 0x9E37_79B9) }
        let found = try database.find(
          RecordBatch(schema: Self.table.address, columns: [key.finish()], length: 2000), table: 0)
        #expect(found.rows.count == 2000)
        #expect(memory.usedBytes <= bound + bound / 10)
      }
    }
    #expect(most > 1 << 20)
    #expect(most <= bound / 2 + (4 << 20), "what is not written yet")
    // Other tests run beside this one.
    #expect(ProcessMemory.residentBytes - resident < 300 << 20)
  }

  @Test func `a cursor gives what a scan gives, a part at a time, as it was when it was made`() throws {
    var generator = SeededGenerator()
    let memory = StateMemoryShares(byteCount: 8 << 20)
    let folder = TemporaryFolder()
    let other = StateTable("other", key: [Field("k", .int64)], value: [Field("v", .binary)])
    let database = try StateDatabase.create(
      at: folder.file("state"), tables: [other, Self.table, StateTable("third", key: [Field("k", .int64)], value: [])],
      part: StatePart(subtask: 0, parallelism: 1), memory: memory)
    for table in 0..<2 {
      var changes = StateChanges()
      for case .put(let rows, _) in Self.changes(0..<1000 * (table + 2), bytes: 20, &generator).parts {
        changes.put(rows, table: table)
      }
      try database.apply(changes)
    }
    for table in 0..<3 {
      var expected: [RecordBatch] = []
      try database.scan(table: table) { expected.append($0) }
      for limit in [1, 333, 1 << 20] where limit > 1 || table == 0 {
        let cursor = database.cursor(table: table)
        var found: [RecordBatch] = []
        while let batch = try cursor.next(limit) {
          #expect(batch.length <= limit)
          found.append(batch)
        }
        #expect(try cursor.next(limit) == nil)
        if expected.isEmpty {
          #expect(found.isEmpty)
        } else {
          #expect(try RecordBatch.concatenate(found) == RecordBatch.concatenate(expected))
        }
      }
    }
    let cursor = database.cursor(table: 0)
    var changes = StateChanges()
    changes.removeAll(table: 0)
    try database.apply(changes)
    #expect(try cursor.next(1 << 20)?.length == 2000)
    #expect(try database.cursor(table: 0).next(10) == nil)
  }

  @Test func `a cursor of a namespace gives what a scan gives of it, whatever keys end with`() throws {
    var random = SeededGenerator()
    let folder = TemporaryFolder()
    let bounds = [Field("from", .int64, nullable: false), Field("to", .int32, nullable: false)]
    let table = StateTable("t", key: [Field("k", .utf8)], namespace: bounds, value: [Field("v", .int64)])
    let database = try StateDatabase.create(
      at: folder.file("state"), tables: [Self.table, table, StateTable("u", key: [Field("k", .utf8)], value: [])],
      part: StatePart(subtask: 0, parallelism: 1), memory: StateMemoryShares(byteCount: 8 << 20))
    let builders = table.entry.fields.map { ColumnBuilder($0.type) }
    for number in 0..<3_000 {
      // Bytes of which numbers are made too.
      let key = String(repeating: "\u{0}\u{1}\u{7F}", count: number % 4) + "\(number / 9)"
      builders[0].append(number % 50 == 0 ? .null(.utf8) : .utf8(key))
      builders[1].append(.int64(.random(in: -1...1, using: &random)))
      builders[2].append(.int32(.random(in: 0...1, using: &random)))
      builders[3].append(.int64(Int64(number)))
    }
    var changes = StateChanges()
    changes.put(
      RecordBatch(schema: table.entry, columns: builders.map { $0.finish() }, length: 3_000), table: 1)
    try database.apply(changes)
    var all: [RecordBatch] = []
    try database.scan(table: 1) { all.append($0) }
    let entries = try RecordBatch.concatenate(all)
    for from in Int64(-2)...1 {
      let rows = (0..<entries.length).filter {
        entries.columns[1].values(Int64.self)[$0] == from && entries.columns[2].values(Int32.self)[$0] == 1
      }
      let namespace = [Column.constant(.int64(from), count: 1), Column.constant(.int32(1), count: 1)]
      let cursor = try database.cursor(table: 1, namespace: namespace, rows: 100)
      var (found, calls) = ([RecordBatch](), 0)
      while let batch = try cursor.next(500) {
        #expect(batch.length <= 100)
        calls += 1
        if batch.length > 0 { found.append(batch) }
      }
      #expect(calls >= entries.length / 500, "no call looks at all of them")
      if rows.isEmpty {
        #expect(found.isEmpty && from == -2, "\(random)")
      } else {
        #expect(try RecordBatch.concatenate(found) == entries.selecting(Selection(rows)).compacted(), "\(random)")
      }
    }
  }

  @Test("tell before half of them is read how many entries there are, none too few")
  func expectedCount() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    let database = try StateDatabase.create(
      at: folder.file("state"), tables: [Self.table], part: StatePart(subtask: 1, parallelism: 3),
      memory: StateMemoryShares(byteCount: 8 << 20))
    try database.apply(Self.changes(0..<60_000, bytes: 4, &generator))
    var count = 0
    try database.scan(table: 0) { count += $0.length }
    let cursor = database.cursor(table: 0)
    #expect(cursor.expectedCount == nil)
    #expect(try cursor.next(1)?.length == 1)
    #expect(cursor.expectedCount == nil, "one key group tells nothing")
    _ = try cursor.next(count / 2)
    let expected = try #require(cursor.expectedCount)
    #expect(expected >= count && expected < count + count / 8, "\(expected), \(count), \(generator)")
  }
}
