import Arrow
import Base
import Keys
import State
import TestSupport
import Testing
import VolleyPlan

@testable import Dataflow
@testable import Operators

extension CutRig {
  /// If the operator's keys can leave memory: runs it once more with a database, in which keys leave at random and few may be in memory
  /// together, with epochs and restarts in between, and in as many subtasks or more or fewer. What comes out has to be the same.
  func checkSpilled(_ steps: [CutStep], _ expected: [String], _ random: inout SeededGenerator) throws {
    let context = SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: 1)
    if makeSpilling == nil {
      guard let first = try make(context) as? any DepartingOperator, !first.keyColumns.contains([]) else { return }
    }
    let seed = random.description
    let (folder, clock) = (TemporaryFolder(inMemory: true), ManualClock())
    var run = try SpillingInstances(self, 1, DatabaseCheckpoints(folder, [], number: 0), clock)
    var (texts, lives) = ([String](), 1)
    for (index, step) in steps.enumerated() {
      switch Int.random(in: 0..<14, using: &random) {
      case 0: try run.take()
      case 1:
        try run.take()
        texts += run.texts
        try run.close()
        let isRescaled = rescales && !keys.contains([]) && .random(using: &random)
        let parallelism = isRescaled ? Int.random(in: 1...3, using: &random) : run.parallelism
        let former = run.checkpoints.origins
        run = try SpillingInstances(
          self, parallelism, DatabaseCheckpoints(folder, former, number: lives, isLate: .random(using: &random)), clock,
          told: Self.told(steps[..<index]))
        lives += 1
      case 2...5:
        try run.evict(
          keyLimit: dependsOnBatches ? .max : Int.random(in: 1...6, using: &random),
          dueLimit: Int.random(in: 1...6, using: &random))
      default: break
      }
      try run.run(step)
    }
    if endsEmpty {
      try run.take()
      run.checkpoints.settle()
      for (table, definition) in run.tables.enumerated() where definition.scope == .key {
        #expect(try run.checkpoints.entryCount(table: table) == 0, "\(seed): entries of '\(definition.name)' are left")
      }
    }
    try run.finish()
    run.checkpoints.settle()
    texts += run.texts
    let (missing, more) = Self.difference(expected, texts.sorted())
    #expect(
      missing.isEmpty && more.isEmpty,
      "\(seed): with keys that leave memory, missing \(missing.prefix(5)), not expected \(more.prefix(5))")
  }
}

/// The subtasks of an operator whose keys leave memory.
private final class SpillingInstances: Collector {
  let parallelism: Int
  let checkpoints: DatabaseCheckpoints
  private let rig: CutRig
  private let operators: [any SpillingOperator]
  /// The same, or those in them.
  private let spilling: [SpillingKeys]
  private let epochs: [OperatorEpochs]
  private let clock: ManualClock
  private(set) var texts: [String] = []
  private var told = EventTime.earliest
  private var epoch: UInt64 = 0

  init(
    _ rig: CutRig, _ parallelism: Int, _ checkpoints: DatabaseCheckpoints, _ clock: ManualClock, told: Int64? = nil
  ) throws {
    (self.rig, self.parallelism, self.checkpoints, self.clock) = (rig, parallelism, checkpoints, clock)
    let job = JobEpochs(checkpoints)
    var (operators, spilling) = ([any SpillingOperator](), [SpillingKeys]())
    for index in 0..<parallelism {
      let context = SubtaskContext(
        id: SubtaskID(task: 0, index: index), parallelism: parallelism, clock: SubtaskClock(.manual(clock)))
      let made = try rig.makeSpilling?(context) ?? Self.make(rig, context)
      operators.append(made.outer)
      spilling.append(made.keys)
    }
    (self.operators, self.spilling) = (operators, spilling)
    epochs = operators.indices.map { index in
      let place = StagePlace(id: "cut", subtask: index, parallelism: parallelism)
      return OperatorEpochs(StageEpochs(job: job, place: place), operators[index])
    }
    for (operation, epochs) in zip(operators, epochs) {
      try operation.open()
      _ = try epochs.restore()
    }
    if let told { try run(.watermark(told)) }
  }

  var tables: [StateTable] { operators[0].stateTables }

  private static func make(
    _ rig: CutRig, _ context: SubtaskContext
  ) throws -> (outer: any SpillingOperator, keys: SpillingKeys) {
    let made = try SpillingKeys.around(context) { context throws(Failure) in
      do { return try rig.make(context) } catch { throw (error as? Failure) ?? Failure(.data, "\(error)") }
    }
    let keys = try #require(made as? SpillingKeys)
    return (keys, keys)
  }

  func emit(_ batch: RecordBatch, output: Int) throws(Failure) {
    let batch = batch.compacted()
    for row in 0..<batch.length {
      let text = batch.columns.map { $0.isValid(row) ? $0.text(at: row) : "null" }.joined(separator: " | ")
      if let text = rig.text(text, output) { texts.append(text) }
    }
  }

  private func each(_ body: (any SpillingOperator) throws -> Void) throws {
    for operation in operators {
      try body(operation)
      try operation.giveRest(to: self)
    }
  }

  func run(_ step: CutStep) throws {
    switch step {
    case .batch(let batch, let input):
      let batch = batch.compacted()
      let keys = rig.keys[input].map { batch.columns[$0] }
      let subtasks = try Self.subtasks(keys, batch.length, parallelism)
      for (index, operation) in operators.enumerated() {
        let rows = subtasks.indices.filter { subtasks[$0] == index }
        if rows.isEmpty { continue }
        try operation.process(batch.selecting(Selection(rows)), input: input, to: self)
        try operation.giveRest(to: self)
      }
    case .watermark(let time):
      told = EventTime(microseconds: time)
      try each { try $0.watermark(told, to: self) }
    case .clock(let time):
      clock.advance(to: ProcessingTime(microseconds: time))
      try each { operation in
        while let wanted = operation.wakeTime, wanted <= clock.now {
          try operation.wake(at: clock.now, to: self)
          try operation.giveRest(to: self)
        }
      }
    }
  }

  /// By row, as a job shares rows out.
  private static func subtasks(_ keys: [Column], _ rows: Int, _ parallelism: Int) throws -> [Int] {
    if keys.isEmpty { return [Int](repeating: 0, count: rows) }
    var hashes = [UInt64](repeating: 0, count: rows)
    KeyHasher.hash(columns: try KeyColumn.plain(keys), rows: rows, into: &hashes)
    let assignment = KeyGroupAssignment(parallelism: parallelism)
    return hashes.map { assignment.subtask(of: KeyGroup.of($0, maxKeyGroups: KeyGroup.defaultCount)) }
  }

  func take() throws {
    epoch += 1
    // One epoch is under way at a time.
    checkpoints.settle()
    for (operation, epochs) in zip(operators, epochs) {
      try operation.barrier(Epoch(epoch), to: self)
      _ = try epochs.take(Epoch(epoch), OperatorProgress(told: told))
    }
  }

  func evict(keyLimit: Int, dueLimit: Int) throws {
    for operation in spilling {
      operation.spill?.keyLimit = keyLimit
      operation.spill?.dueLimit = dueLimit
      try operation.evict()
    }
  }

  func finish() throws {
    try each { try $0.finish(to: self) }
    try close()
  }

  func close() throws { for operation in operators { try operation.close() } }
}
