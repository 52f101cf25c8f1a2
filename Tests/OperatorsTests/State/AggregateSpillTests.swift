import Arrow
import Base
import Dataflow
import Expressions
import Glibc
import State
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

/// Rows as text, in the order in which they came.
private final class Texts: Collector {
  var rows: [String] = []

  func emit(_ batch: RecordBatch, output: Int) {
    let batch = batch.compacted()
    for row in 0..<batch.length {
      rows.append(batch.columns.map { $0.isValid(row) ? $0.text(at: row) : "null" }.joined(separator: " | "))
    }
  }
}

@Suite("Running aggregates with more keys than memory")
struct AggregateSpillTests {
  private func operation(
    _ calls: [Plan.AggregateCall], _ keys: [Int], _ emission: Plan.Emission, _ memory: StateMemory
  ) throws -> AggregateOperator {
    let output = Schema(keys.map { CutRows.schema.fields[$0] } + (try CutRows.results(calls)))
    return try AggregateOperator(
      calls, input: .records(keys: keys), records: CutRows.schema, output: output, emission: emission,
      functions: CutFunctions(), memory: memory)
  }

  /// Some keys come often, most seldom.
  private func batches(_ count: Int, _ random: inout SeededGenerator) -> [RecordBatch] {
    (0..<count).map {
      CutRows.batch(0...99, distinct: $0 % 3 == 0 ? 50 : 4000, rows: 200...400, &random)
    }
  }

  private func run(
    _ calls: [Plan.AggregateCall], _ keys: [Int], _ emission: Plan.Emission, _ count: Int
  ) throws {
    var random = SeededGenerator()
    let seed = random.description
    let batches = batches(count, &random)
    let roomy = StateMemory(limit: .max)
    let plain = try operation(calls, keys, emission, roomy)
    plain.trackChanges()
    try plain.open()
    let (expected, found) = (Texts(), Texts())
    for batch in batches { try plain.process(batch, input: 0, to: expected) }

    let shares = StateMemoryShares(byteCount: 8 << 20)
    let folder = TemporaryFolder()
    let part = StatePart(subtask: 0, parallelism: 1)
    let limit = StateMemory(limit: roomy.usedBytes / 2)
    var spilling = try operation(calls, keys, emission, limit)
    var database = try StateDatabase.create(
      at: folder.file("state"), tables: spilling.stateTables, part: part, memory: shares)
    spilling.trackChanges()
    try spilling.open()
    spilling.spill(to: database)
    var evicted = 0
    var sought = 0
    for (index, batch) in batches.enumerated() {
      try spilling.process(batch, input: 0, to: found)
      guard index % 9 == 8 else { continue }
      var changes = StateChanges()
      try spilling.takeChanges(into: &changes)
      database.expectChanges()
      try database.apply(changes)
      let files = try database.checkpoint(into: folder.file("epoch\(index)"))
      database.changesAreKept()
      guard index % 27 == 26 else { continue }
      // What was evicted since the epoch is not in it.
      for batch in batches.prefix(6) { try spilling.process(batch, input: 0, to: Texts()) }
      evicted += spilling.spilled?.evictedCount ?? 0
      sought += spilling.spilled?.soughtCount ?? 0
      try spilling.close()
      spilling = try operation(calls, keys, emission, StateMemory(limit: roomy.usedBytes / 2))
      database = try StateDatabase.restore(
        at: folder.file("state\(index)"), tables: spilling.stateTables, part: part,
        from: [StateOrigin(part: part, files: files)], memory: shares)
      spilling.trackChanges()
      try spilling.open()
      spilling.spill(to: database)
    }
    evicted += spilling.spilled?.evictedCount ?? 0
    sought += spilling.spilled?.soughtCount ?? 0
    #expect(evicted > 500, "keys have left memory")
    #expect(sought > 500, "keys were looked for")
    #expect(found.rows == expected.rows, "\(seed)")

    // In memory and in the database together there is what the other has.
    var (changes, all) = (StateChanges(), StateChanges())
    try spilling.takeChanges(into: &changes)
    try plain.takeChanges(into: &all)
    try database.apply(changes)
    let whole = try StateDatabase.create(
      at: folder.file("whole"), tables: plain.stateTables, part: part, memory: shares)
    try whole.apply(all)
    let (one, other) = (Texts(), Texts())
    try database.scan(table: 0) { one.emit($0, output: 0) }
    try whole.scan(table: 0) { other.emit($0, output: 0) }
    // Of some aggregates equal states may have different bytes.
    let compared = { (row: String) in calls.count < 10 ? row : String(row.prefix { $0 != "|" }) }
    #expect(one.rows.map(compared) == other.rows.map(compared), "\(seed)")
    try spilling.close()
    try plain.close()
  }

  @Test("give what they give with enough of it, whatever the key", arguments: [[0], [1], [0, 1]])
  func keys(keys: [Int]) throws {
    try run(CutRows.few, keys, .perBatch, 40)
    try run(CutRows.few, keys, .perRecord, 28)
  }

  @Test("spill every kind of aggregate")
  func aggregates() throws { try run(CutRows.all, [0], .perRecord, 28) }

  @Test("wait with eviction until an epoch has what was taken for it")
  func waiting() throws {
    var random = SeededGenerator()
    let batches = batches(30, &random)
    let roomy = StateMemory(limit: .max)
    let plain = try operation(CutRows.few, [0], .perBatch, roomy)
    plain.trackChanges()
    try plain.open()
    let (expected, found) = (Texts(), Texts())
    for batch in batches { try plain.process(batch, input: 0, to: expected) }
    let folder = TemporaryFolder()
    let part = StatePart(subtask: 0, parallelism: 1)
    let spilling = try operation(CutRows.few, [0], .perBatch, StateMemory(limit: roomy.usedBytes / 2))
    let database = try StateDatabase.create(
      at: folder.file("state"), tables: spilling.stateTables, part: part, memory: StateMemoryShares(byteCount: 8 << 20))
    spilling.trackChanges()
    try spilling.open()
    spilling.spill(to: database)
    // Taken, and applied only when the operator waits for it, or is done.
    var taken: StateChanges?
    let done = Monitor(0)
    for (index, batch) in batches.enumerated() {
      if index == 5 {
        var changes = StateChanges()
        try spilling.takeChanges(into: &changes)
        database.expectChanges()
        taken = changes
        let work = Work(changes, database, folder.file("epoch"), done)
        var thread = pthread_t()
        let context = Unmanaged.passRetained(work).toOpaque()
        pthread_create(
          &thread, nil,
          { context in
            guard let context else { return nil }
            Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run()
            return nil
          }, context)
        pthread_detach(thread)
      }
      try spilling.process(batch, input: 0, to: found)
    }
    _ = done.wait { $0 == 1 ? () : nil }
    #expect(taken != nil)
    #expect(found.rows == expected.rows, "\(random)")
    #expect(spilling.spilled?.evictedCount ?? 0 > 0)
    // The epoch has the state of its barrier and nothing of later.
    let early = try operation(CutRows.few, [0], .perBatch, StateMemory(limit: .max))
    early.trackChanges()
    try early.open()
    for batch in batches.prefix(5) { try early.process(batch, input: 0, to: Texts()) }
    var changes = StateChanges()
    try early.takeChanges(into: &changes)
    let whole = try StateDatabase.create(
      at: folder.file("whole"), tables: early.stateTables, part: part, memory: StateMemoryShares(byteCount: 8 << 20))
    try whole.apply(changes)
    var files: [StateFile] = []
    for name in TestProcess.run(["ls", folder.file("epoch")]).output.split(separator: "\n") {
      files.append(StateFile(name: String(name), path: folder.file("epoch/\(name)"), byteCount: 0))
    }
    let restored = try StateDatabase.restore(
      at: folder.file("restored"), tables: early.stateTables, part: part,
      from: [StateOrigin(part: part, files: files)], memory: StateMemoryShares(byteCount: 8 << 20))
    let (one, other) = (Texts(), Texts())
    try restored.scan(table: 0) { one.emit($0, output: 0) }
    try whole.scan(table: 0) { other.emit($0, output: 0) }
    #expect(one.rows == other.rows, "\(random)")
  }

  /// What keeps an epoch beside the operator.
  private final class Work: @unchecked Sendable {  // Used by one thread after the other.
    let changes: StateChanges
    let database: StateDatabase
    let folder: String
    let done: Monitor<Int>

    init(_ changes: StateChanges, _ database: StateDatabase, _ folder: String, _ done: Monitor<Int>) {
      self.changes = changes
      self.database = database
      self.folder = folder
      self.done = done
    }

    func run() {
      do throws(Failure) {
        try database.apply(changes)
        _ = try database.checkpoint(into: folder)
      } catch { Issue.record(error) }
      database.changesAreKept()
      done.withLock { $0 = 1 }
      done.broadcast()
    }
  }
}
