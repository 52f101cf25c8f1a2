import Arrow
import Base
import Expressions
import State
import TestSupport
import Testing
import VolleyPlan

@testable import Dataflow
@testable import Operators

@Suite("Operators whose keys leave memory")
struct SpillingKeysTests {
  private static let time = DataType.timestamp(.microsecond, timezone: nil)
  private static let schema = Schema([
    Field("k", .int64), Field("v", .int64), Field("ts", time, nullable: false),
  ])

  private final class Rows: Collector {
    var texts: [String] = []

    func emit(_ batch: RecordBatch, output: Int) {
      let batch = batch.compacted()
      for row in 0..<batch.length {
        texts.append(batch.columns.map { $0.isValid(row) ? $0.text(at: row) : "null" }.joined(separator: " | "))
      }
    }
  }

  /// An operator with a database, in little memory.
  private final class Subtask {
    let operation: any Operator
    let memory: StateMemory
    let rows = Rows()
    private(set) var most = 0
    private let checkpoints: DatabaseCheckpoints?
    private let epochs: OperatorEpochs?

    /// - Parameter limit: nil: without a database, in as much memory as it takes.
    init(
      _ folder: TemporaryFolder, limit: Int?, _ make: @escaping (SubtaskContext) throws(Failure) -> any Operator
    ) throws {
      memory = StateMemory(limit: limit ?? .max)
      let context = SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: 1, stateMemory: memory)
      operation = limit == nil ? try make(context) : try SpillingKeys.around(context, make)
      guard limit != nil, let stateful = operation as? any StatefulOperator else {
        (checkpoints, epochs) = (nil, nil)
        try operation.open()
        return
      }
      let checkpoints = DatabaseCheckpoints(folder, [], number: 0)
      self.checkpoints = checkpoints
      let epochs = OperatorEpochs(
        StageEpochs(job: JobEpochs(checkpoints), place: StagePlace(id: "join", subtask: 0, parallelism: 1)), stateful)
      self.epochs = epochs
      try operation.open()
      _ = try epochs.restore()
    }

    func process(_ batch: RecordBatch, input: Int) throws {
      try operation.process(batch, input: input, to: rows)
      try operation.giveRest(to: rows)
      most = max(most, memory.usedBytes)
    }

    func watermark(_ time: Int64) throws {
      try operation.watermark(EventTime(microseconds: time), to: rows)
      try operation.giveRest(to: rows)
      most = max(most, memory.usedBytes)
    }

    func take(_ epoch: Int) throws {
      _ = try epochs?.take(Epoch(UInt64(epoch)), OperatorProgress())
      checkpoints?.settle()
    }

    func finish() throws {
      try operation.finish(to: rows)
      try operation.giveRest(to: rows)
      try operation.close()
    }

    var counts: (sought: Int, evictions: Int) { (operation as? SpillingKeys)?.spillCounts ?? (0, 0) }
  }

  private static func batch(_ rows: [(key: Int64, value: Int64, time: Int64)]) -> RecordBatch {
    let builders = schema.fields.map { ColumnBuilder($0.type) }
    for row in rows {
      builders[0].append(.int64(row.key))
      builders[1].append(.int64(row.value))
      builders[2].append(.timestamp(row.time, .microsecond, timezone: nil))
    }
    return RecordBatch(schema: schema, columns: builders.map { $0.finish() }, length: rows.count)
  }

  private static func join(_ bounds: Plan.JoinBounds, hasTimes: Bool, hasWindows: Bool = false) throws(Failure) -> (
    SubtaskContext
  ) throws(Failure) -> any Operator {
    let join = Plan.Join(kind: .inner, bounds: bounds, condition: nil, sharedNames: .suffix(["0", "1"]))
    let windows = ["window_start", "window_end"].map { Field($0, time, nullable: false) }
    let layout = try JoinLayout(
      join, inputs: [schema, schema], keys: [[0], [0]], keyCount: 1,
      times: hasTimes ? [JoinTime(column: 2, shift: 0), JoinTime(column: 2, shift: 0)] : [], kindColumns: [nil, nil],
      more: hasWindows ? windows : [])
    return { context throws(Failure) in
      try makeJoinOperator(join, layout: layout, functions: NoScalarFunctions(), context: context)
    }
  }

  /// Rows of many keys, whose times go on by 10 a row.
  private func check(_ make: @escaping (SubtaskContext) throws(Failure) -> any Operator, watermarks: Bool) throws {
    var random = SeededGenerator()
    let seed = random.description
    let folder = TemporaryFolder(inMemory: true)
    let limit = 3 << 20
    let plain = try Subtask(folder, limit: nil, make)
    let spilling = try Subtask(folder, limit: limit, make)
    var number: Int64 = 0
    for step in 0..<60 {
      let input = Int.random(in: 0...1, using: &random)
      let batch = Self.batch(
        (0..<1_500).map { _ in
          number += 1
          return (Int64.random(in: 0..<20_000, using: &random), number, number * 10)
        })
      for subtask in [plain, spilling] {
        try subtask.process(batch, input: input)
        if watermarks { try subtask.watermark(number * 10 - 100) }
      }
      if step % 7 == 6 { try spilling.take(step) }
    }
    for subtask in [plain, spilling] { try subtask.finish() }
    let (missing, more) = CutRig.difference(plain.rows.texts.sorted(), spilling.rows.texts.sorted())
    #expect(missing.isEmpty && more.isEmpty, "\(seed): missing \(missing.prefix(5)), more \(more.prefix(5))")
    #expect(plain.rows.texts.count > 10_000)
    #expect(spilling.counts.evictions > 1 && spilling.counts.sought > 1_000, "\(seed): keys left, and came back")
    #expect(plain.most > 2 * limit, "it takes more than there is")
    #expect(spilling.most <= limit, "\(seed): \(spilling.most) bytes of \(limit) were reserved")
  }

  @Test("a join of all rows finds the rows of keys that left memory")
  func unbounded() throws {
    try check(Self.join(.unbounded(.init(timeToLive: nil)), hasTimes: false), watermarks: false)
  }

  @Test("a join on intervals does so too, and forgets rows whose keys are away")
  func intervals() throws {
    try check(Self.join(.interval(.init(lower: -200_000, upper: 200_000)), hasTimes: true), watermarks: true)
  }

  @Test("a join of windows tells them when their keys are away")
  func windows() throws {
    let bounds = Plan.JoinBounds.window(.init(assigner: .sliding(.init(size: 300_000, slide: 150_000))))
    try check(Self.join(bounds, hasTimes: true, hasWindows: true), watermarks: true)
  }

  @Test("a join of windows tells several of them at one watermark, each once")
  func manyWindows() throws {
    var random = SeededGenerator()
    let seed = random.description
    let make = try Self.join(
      .window(.init(assigner: .sliding(.init(size: 400, slide: 100)))), hasTimes: true, hasWindows: true)
    let folder = TemporaryFolder(inMemory: true)
    let plain = try Subtask(folder, limit: nil, make)
    let spilling = try Subtask(folder, limit: 64 << 20, make)
    let keys = try #require(spilling.operation as? SpillingKeys)
    for step in 0..<40 {
      let batch = Self.batch(
        (0..<20).map { row in
          (Int64.random(in: 0..<12, using: &random), Int64(step * 20 + row), Int64(step * 150 + row))
        })
      for subtask in [plain, spilling] { try subtask.process(batch, input: step % 2) }
      if step % 3 == 0 {
        keys.spill?.dueLimit = Int.random(in: 1...3, using: &random)
        if .random(using: &random) { try keys.evict() }
        for subtask in [plain, spilling] { try subtask.watermark(Int64(step * 150 - 50)) }
      }
    }
    for subtask in [plain, spilling] { try subtask.finish() }
    let (missing, more) = CutRig.difference(plain.rows.texts.sorted(), spilling.rows.texts.sorted())
    #expect(missing.isEmpty && more.isEmpty, "\(seed): missing \(missing.prefix(5)), more \(more.prefix(5))")
    #expect(!plain.rows.texts.isEmpty)
  }

  @Test("a join that holds watermarks back does so with keys that may leave memory")
  func watermarks() throws {
    let make = try Self.join(.interval(.init(lower: 0, upper: 1_000)), hasTimes: true)
    let operation = try SpillingKeys.around(SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: 1), make)
    #expect(operation is SpillingKeys && operation.makesWatermarks)
  }

  @Test("what has expired of keys that are away leaves the database")
  func expiry() throws {
    let (folder, clock) = (TemporaryFolder(inMemory: true), ManualClock())
    for isRanking in [false, true] {
      let checkpoints = DatabaseCheckpoints(folder, [], number: isRanking ? 1 : 0)
      let context = SubtaskContext(
        id: SubtaskID(task: 0, index: 0), parallelism: 1, clock: SubtaskClock(.manual(clock)))
      let output = Schema([Field(Plan.rowKindColumn, .utf8, nullable: false)] + Self.schema.fields)
      let made = try SpillingKeys.around(context) { context -> any Operator in
        if isRanking {
          return TopNOperator(
            [Plan.Ordering("v")], count: 2, keys: [0], input: Self.schema, output: output, timeToLive: 5_000_000,
            context: context)
        }
        return FirstRowOperator(keys: [0], input: Self.schema, timeToLive: 5_000_000, context: context)
      }
      let operation = try #require(made as? SpillingKeys)
      let place = StagePlace(id: "rows", subtask: 0, parallelism: 1)
      let epochs = OperatorEpochs(StageEpochs(job: JobEpochs(checkpoints), place: place), operation)
      try operation.open()
      _ = try epochs.restore()
      let rows = Rows()
      try operation.process(Self.batch((0..<500).map { ($0, 1, 0) }), input: 0, to: rows)
      try operation.giveRest(to: rows)
      try operation.evict()
      operation.spill?.keyLimit = 40
      #expect(try checkpoints.entryCount(table: 0) == 500)
      clock.advance(to: ProcessingTime(microseconds: clock.now.microseconds + 9_000_000))
      while let wanted = operation.wakeTime, wanted <= clock.now {
        try operation.wake(at: clock.now, to: rows)
        try operation.giveRest(to: rows)
      }
      _ = try epochs.take(Epoch(1), OperatorProgress())
      checkpoints.settle()
      #expect(try checkpoints.entryCount(table: 0) == 0)
      try operation.close()
    }
  }

  @Test("a key that is larger than memory ends the job with a sentence")
  func largeKey() throws {
    let folder = TemporaryFolder(inMemory: true)
    let subtask = try Subtask(
      folder, limit: 1 << 20, Self.join(.unbounded(.init(timeToLive: nil)), hasTimes: false))
    let failure = #expect(throws: Failure.self) {
      for step in 0..<200 {
        try subtask.process(Self.batch((0..<500).map { (7, Int64(step * 500 + $0), 0) }), input: 0)
      }
    }
    #expect(failure?.message.contains("raise --memory-limit") == true)
    try subtask.operation.close()
  }
}
