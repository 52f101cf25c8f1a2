import Arrow
import Base
import Keys
import State
import TestSupport
import Testing

@testable import Dataflow
@testable import Operators

/// Results, a text each.
final class SpilledRows: Collector {
  var texts: [String] = []

  func emit(_ batch: RecordBatch, output: Int) {
    let batch = batch.compacted()
    for row in 0..<batch.length {
      texts.append(batch.columns.map { $0.isValid(row) ? $0.text(at: row) : "null" }.joined(separator: " | "))
    }
  }
}

/// The subtasks of an operator, between two restarts.
final class SpilledRun {
  let parallelism: Int
  let checkpoints: DatabaseCheckpoints
  let memory: StateMemory
  private(set) var parts: [(operation: WindowOperator, epochs: OperatorEpochs)] = []
  let rows = SpilledRows()
  private var epoch: UInt64 = 0
  private let seed: String
  /// By subtask: whether its panes were apart from memory; how often they came back.
  private var wereApart: [Bool] = []
  private(set) var returns = 0

  /// - Parameter tells: whether it is told of the watermark again, as a subtask does; its own times say the same.
  init(
    _ checkpoints: DatabaseCheckpoints, parallelism: Int, memory: StateMemory, tells: Bool, seed: String,
    _ make: (SubtaskContext) throws -> any StatefulOperator
  ) throws {
    self.parallelism = parallelism
    self.checkpoints = checkpoints
    self.memory = memory
    self.seed = seed
    let job = JobEpochs(checkpoints)
    for subtask in 0..<parallelism {
      let context = SubtaskContext(
        id: SubtaskID(task: 0, index: subtask), parallelism: parallelism, stateMemory: memory)
      let operation = try #require(try make(context) as? WindowOperator)
      let place = StagePlace(id: "windows", subtask: subtask, parallelism: parallelism)
      let epochs = OperatorEpochs(StageEpochs(job: job, place: place), operation)
      try operation.open()
      let progress = try epochs.restore()
      #expect((progress == nil) == checkpoints.former.isEmpty)
      parts.append((operation, epochs))
      wereApart.append(false)
      check()
      if tells, let told = progress?.told, told != .earliest { try watermark(told.microseconds, in: subtask) }
    }
  }

  /// What is held was reserved, so that it keeps to the limit.
  private func check() {
    for (index, part) in parts.enumerated() {
      if wereApart[index] && !part.operation.isApart { returns += 1 }
      wereApart[index] = part.operation.isApart
    }
    let held = parts.reduce(0) { $0 + $1.operation.heldBytes }
    #expect(
      held <= memory.usedBytes && memory.usedBytes <= memory.limit,
      "\(seed): \(held) bytes held, \(memory.usedBytes) reserved")
  }

  func process(_ batch: RecordBatch, keys: [Int]) throws {
    var subtasks = [Int](repeating: 0, count: batch.length)
    if !keys.isEmpty {
      var hashes = [UInt64](repeating: 0, count: batch.length)
      KeyHasher.hash(columns: try KeyColumn.plain(keys.map { batch.columns[$0] }), rows: batch.length, into: &hashes)
      let assignment = KeyGroupAssignment(parallelism: parallelism)
      subtasks = hashes.map { assignment.subtask(of: KeyGroup.of($0, maxKeyGroups: KeyGroup.defaultCount)) }
    }
    for (index, part) in parts.enumerated() {
      let own = subtasks.indices.filter { subtasks[$0] == index }
      if own.isEmpty { continue }
      try part.operation.process(batch.selecting(Selection(own)), input: 0, to: rows)
      check()
    }
  }

  func watermark(_ time: Int64) throws { for index in parts.indices { try watermark(time, in: index) } }

  private func watermark(_ time: Int64, in index: Int) throws {
    try parts[index].operation.watermark(EventTime(microseconds: time), to: rows)
    try parts[index].operation.giveRest(to: rows)
    check()
  }

  var tableCount: Int { parts.first?.operation.stateTables.count ?? 0 }

  func take(told: Int64) throws {
    epoch += 1
    for part in parts {
      _ = try part.epochs.take(Epoch(epoch), OperatorProgress(told: EventTime(microseconds: told)))
    }
  }

  func finish() throws {
    for part in parts {
      try part.operation.finish(to: rows)
      try part.operation.giveRest(to: rows)
    }
  }

  /// Returns how many keys were looked for and how many left memory.
  func close() throws -> (sought: Int, evicted: Int) {
    checkpoints.settle()
    for part in parts { try part.operation.close() }
    return parts.reduce(into: (0, 0)) { counts, part in
      counts.0 += part.operation.spillCounts.sought
      counts.1 += part.operation.spillCounts.evicted
    }
  }
}
