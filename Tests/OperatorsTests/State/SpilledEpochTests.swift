import Arrow
import Base
import Expressions
import Keys
import State
import TestSupport
import Testing
import VolleyPlan

@testable import Dataflow
@testable import Operators

private final class Rows: Collector {
  var texts: [String] = []

  func emit(_ batch: RecordBatch, output: Int) {
    let batch = batch.compacted()
    for row in 0..<batch.length {
      texts.append(batch.columns.map { $0.isValid(row) ? $0.text(at: row) : "null" }.joined(separator: " | "))
    }
  }
}

@Suite("Operators that spill, in epochs")
struct SpilledEpochTests {
  private func operation(_ memory: StateMemory) throws -> AggregateOperator {
    let output = Schema([CutRows.schema.fields[0]] + (try CutRows.results(CutRows.few)))
    return try AggregateOperator(
      CutRows.few, input: .records(keys: [0]), records: CutRows.schema, output: output, emission: .perRecord,
      functions: NoScalarFunctions(), memory: memory)
  }

  /// By row, as a job shares rows out.
  private func subtasks(_ keys: [Column], _ rows: Int, _ parallelism: Int) throws -> [Int] {
    var hashes = [UInt64](repeating: 0, count: rows)
    KeyHasher.hash(columns: try KeyColumn.plain(keys), rows: rows, into: &hashes)
    let assignment = KeyGroupAssignment(parallelism: parallelism)
    return hashes.map { assignment.subtask(of: KeyGroup.of($0, maxKeyGroups: KeyGroup.defaultCount)) }
  }

  @Test("go on with their state and their progress, as many as there were or more or fewer")
  func goOn() throws {
    var random = SeededGenerator()
    let seed = random.description
    let batches = (0..<60).map { _ in CutRows.batch(0...99, distinct: 6000, rows: 300...500, &random) }
    let plain = try operation(StateMemory(limit: .max))
    try plain.open()
    let expected = Rows()
    let found = Rows()
    for batch in batches { try plain.process(batch, input: 0, to: expected) }

    let folder = TemporaryFolder()
    var origins: [StateOrigin] = []
    var evicted = 0
    for (round, parallelism) in [1, 2, 2, 3, 1, 2].enumerated() {
      let checkpoints = DatabaseCheckpoints(folder, origins, number: round)
      let job = JobEpochs(checkpoints)
      var parts: [(operation: AggregateOperator, epochs: OperatorEpochs)] = []
      for subtask in 0..<parallelism {
        let operation = try operation(StateMemory(limit: 450 << 10))
        let place = StagePlace(id: "sums", subtask: subtask, parallelism: parallelism)
        let epochs = OperatorEpochs(StageEpochs(job: job, place: place), operation)
        try operation.open()
        let progress = try epochs.restore()
        #expect(progress?.told == (round == 0 ? nil : EventTime(microseconds: Int64(round))), "\(seed)")
        parts.append((operation, epochs))
      }
      for batch in batches[round * 10..<round * 10 + 10] {
        let subtasks = try subtasks([batch.columns[0]], batch.length, parallelism)
        for (index, part) in parts.enumerated() {
          let rows = subtasks.indices.filter { subtasks[$0] == index }
          if rows.isEmpty { continue }
          try part.operation.process(batch.selecting(Selection(rows)), input: 0, to: found)
        }
      }
      for part in parts {
        let told = EventTime(microseconds: Int64(round + 1))
        _ = try part.epochs.take(Epoch(1), OperatorProgress(told: told))
        evicted += part.operation.spillCounts.evicted
        try part.operation.close()
      }
      origins = checkpoints.origins
    }
    #expect(evicted > 0, "keys have left memory")
    let (missing, more) = CutRig.difference(expected.texts.sorted(), found.texts.sorted())
    #expect(missing.isEmpty && more.isEmpty, "\(seed): missing \(missing.prefix(5)), more \(more.prefix(5))")
    try plain.close()
  }
}
