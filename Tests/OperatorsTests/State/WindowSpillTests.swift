import Arrow
import Base
import Expressions
import Keys
import Observability
import State
import TestSupport
import Testing
import VolleyPlan

@testable import Dataflow
@testable import Operators

/// Windows of many keys, as a dictionary that the test fills row by row.
private struct SpilledModel {
  /// What a row counts for, and where.
  struct Row {
    var k: Int64?
    var s: String?
    var x: Double?
    var v: Int64?
    var number: Int64
    var time: Int64
    /// Of rows that tell them.
    var window: WindowSpan
  }

  private struct Sums {
    var count = 0
    var sum: Int64?
    var sumOfFloats: Double?
    var greatest: String?
    var first: Int64
    var last: Int64
  }

  static let bound = DataType.timestamp(.microsecond, timezone: nil)
  static let schema = Schema([
    Field("k", .int64), Field("s", .utf8), Field("x", .float64), Field("v", .int64),
    Field("number", .int64, nullable: false), Field("ts", bound, nullable: false),
    Field("window_start", bound, nullable: false), Field("window_end", bound, nullable: false),
  ])
  static let calls = [
    CutRows.call("count", nil, name: "n"), CutRows.call("sum", .column("v"), name: "sum"),
    CutRows.call("sum", .column("x"), name: "sum of floats"), CutRows.call("max", .column("s"), name: "greatest"),
    CutRows.call("first", .column("number"), name: "first"), CutRows.call("last", .column("number"), name: "last"),
  ]

  /// Columns of the key.
  let keys: [Int]
  private var windows: [WindowSpan: [String: Sums]] = [:]
  private var watermark = Int64.min
  private(set) var late = 0
  /// As the operator gives them, a text each.
  private(set) var results: [String] = []
  /// Keys of windows.
  private(set) var keyCount = 0

  init(keys: [Int]) { self.keys = keys }

  static func batch(_ rows: [Row]) -> RecordBatch {
    let builders = schema.fields.map { ColumnBuilder($0.type) }
    for row in rows {
      builders[0].append(row.k.map { .int64($0) } ?? .null(.int64))
      builders[1].append(row.s.map { .utf8($0) } ?? .null(.utf8))
      builders[2].append(row.x.map { .float64($0) } ?? .null(.float64))
      builders[3].append(row.v.map { .int64($0) } ?? .null(.int64))
      builders[4].append(.int64(row.number))
      for (column, time) in [(5, row.time), (6, row.window.start), (7, row.window.end)] {
        builders[column].append(.timestamp(time, .microsecond, timezone: nil))
      }
    }
    return RecordBatch(schema: schema, columns: builders.map { $0.finish() }, length: rows.count)
  }

  mutating func add(_ rows: [Row]) {
    for row in rows {
      if row.window.end <= watermark {
        late += 1
        continue
      }
      let texts = [row.k.map { "\($0)" }, row.s, row.x.map { "\($0)" }]
      let key = keys.map { texts[$0] ?? "null" }.joined(separator: " | ")
      var sums = windows[row.window, default: [:]][key] ?? Sums(first: row.number, last: row.number)
      if sums.count == 0 { keyCount += 1 }
      sums.count += 1
      if let v = row.v { sums.sum = (sums.sum ?? 0) + v }
      if let x = row.x { sums.sumOfFloats = (sums.sumOfFloats ?? 0) + x }
      if let s = row.s { sums.greatest = sums.greatest.map { $0.utf8.lexicographicallyPrecedes(s.utf8) ? s : $0 } ?? s }
      sums.last = row.number
      windows[row.window, default: [:]][key] = sums
    }
  }

  mutating func move(to time: Int64) {
    watermark = max(watermark, time)
    for (span, keys) in windows where span.end <= watermark {
      let bounds = [span.start, span.end].map { Literal.timestamp($0, .microsecond, timezone: nil) }
        .map { Column.constant($0, count: 1).text(at: 0) }.joined(separator: " | ")
      for (key, sums) in keys {
        let values = [
          "\(sums.count)", sums.sum.map { "\($0)" }, sums.sumOfFloats.map { "\($0)" }, sums.greatest, "\(sums.first)",
          "\(sums.last)",
        ]
        let prefix = self.keys.isEmpty ? "" : key + " | "
        results.append(prefix + bounds + " | " + values.map { $0 ?? "null" }.joined(separator: " | "))
      }
      windows[span] = nil
    }
  }
}

private final class Rows: Collector {
  var texts: [String] = []

  func emit(_ batch: RecordBatch, output: Int) {
    let batch = batch.compacted()
    for row in 0..<batch.length {
      texts.append(batch.columns.map { $0.isValid(row) ? $0.text(at: row) : "null" }.joined(separator: " | "))
    }
  }
}

/// The subtasks of an operator, between two restarts.
private final class SpilledRun {
  let parallelism: Int
  let checkpoints: DatabaseCheckpoints
  let memory: StateMemory
  private(set) var parts: [(operation: WindowOperator, epochs: OperatorEpochs)] = []
  let rows = Rows()
  private var epoch: UInt64 = 0
  private let seed: String

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
      check()
      if tells, let told = progress?.told, told != .earliest { try watermark(told.microseconds, in: subtask) }
    }
  }

  /// What is held was reserved, so that it keeps to the limit.
  private func check() {
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

@Suite("Windows with more keys than memory")
struct WindowSpillTests {
  private enum Step {
    case rows([SpilledModel.Row])
    case watermark(Int64)
  }

  /// Rows around a time that moves on, of keys of which some come often and most seldom, and watermarks behind them.
  private func steps(_ count: Int, told: Bool, _ random: inout SeededGenerator) -> [Step] {
    var (time, number, steps) = (Int64(0), Int64(0), [Step]())
    for step in 0..<count {
      if step % 4 == 3 {
        steps.append(.watermark(time - .random(in: 0...150, using: &random)))
        time += .random(in: 0...35, using: &random)
        continue
      }
      let distinct = step % 3 == 0 ? 40 : 8_000
      steps.append(
        .rows(
          (0..<Int.random(in: 100...300, using: &random)).map { _ in
            number += 1
            return row(time, number, distinct, told: told, &random)
          }))
    }
    return steps
  }

  private func row(
    _ time: Int64, _ number: Int64, _ distinct: Int, told: Bool, _ random: inout SeededGenerator
  ) -> SpilledModel.Row {
    func isNull(_ random: inout SeededGenerator) -> Bool { Int.random(in: 0..<20, using: &random) == 0 }
    let key = Int.random(in: 0..<distinct, using: &random)
    let rowTime = time + .random(in: -180...40, using: &random)
    let start = ((rowTime + 1_000_000) / 100 - 10_000) * 100
    // Of those that end together, some begin earlier.
    let length: Int64 = told && key % 3 == 0 ? 250 : 100
    return SpilledModel.Row(
      k: isNull(&random) ? nil : Int64(key) &* 0x9E37_79B9_7F4A_7C1,
      s: isNull(&random) ? nil : key == 0 ? "" : String(repeating: "k\u{0}é", count: key % 7) + "\(key)",
      x: isNull(&random) ? nil : Double(key - distinct / 2) / 8,
      v: isNull(&random) ? nil : .random(in: -9...9, using: &random), number: number, time: rowTime,
      window: WindowSpan(start: start + 100 - length, end: start + 100))
  }

  private func maker(_ keys: [Int], told: Bool) throws -> (SubtaskContext) throws -> any StatefulOperator {
    let window = Plan.Window(
      assigner: told ? .inherited : .tumbling(.init(size: 100)), scope: .key, time: .event, allowedLateness: 0,
      late: .drop, emission: .final, trigger: nil, aggregates: SpilledModel.calls)
    let results = try SpilledModel.calls.map { Field($0.name, try $0.signature(in: SpilledModel.schema).result) }
    let output = Schema(
      keys.map { SpilledModel.schema.fields[$0] } + Array(SpilledModel.schema.fields.suffix(2)) + results)
    let time = told ? RowTime.bounds(start: 6, end: 7) : .event(column: 5, shift: 0)
    return { context in
      try makeWindowOperator(
        window, input: .records(keys: keys, time: time), records: SpilledModel.schema, output: output,
        functions: NoScalarFunctions(), context: context)
    }
  }

  /// Bytes that are reserved at the most without a limit.
  private func most(_ steps: [Step], _ keys: [Int], _ make: (SubtaskContext) throws -> any StatefulOperator) throws
    -> Int
  {
    let memory = StateMemory(limit: .max)
    let operation = try make(
      SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: 1, stateMemory: memory))
    operation.trackChanges()
    try operation.open()
    var most = 0
    for step in steps {
      switch step {
      case .rows(let rows): try operation.process(SpilledModel.batch(rows), input: 0, to: Rows())
      case .watermark(let time):
        try operation.watermark(EventTime(microseconds: time), to: Rows())
        try operation.giveRest(to: Rows())
      }
      most = max(most, memory.usedBytes)
    }
    try operation.close()
    return most
  }

  /// Runs with epochs, some of them late or given up, and restarts from the last epoch that is whole.
  private func check(_ keys: [Int], told: Bool, spills: Bool = true) throws {
    var random = SeededGenerator()
    let seed = "\(random), keys \(keys), told \(told)"
    let steps = steps(160, told: told, &random)
    var model = SpilledModel(keys: keys)
    for step in steps {
      switch step {
      case .rows(let rows): model.add(rows)
      case .watermark(let time): model.move(to: time)
      }
    }
    model.move(to: .max)
    #expect(model.late > 0, "\(seed): no row is late")

    let make = try maker(keys, told: told)
    let third = try spills ? most(steps, keys, make) / 3 : 1 << 30
    let folder = TemporaryFolder()
    var counts = (sought: 0, evicted: 0, restarts: 0)
    func start(_ origins: [StateOrigin]) throws -> SpilledRun {
      let parallelism = keys.isEmpty ? 1 : Int.random(in: 1...3, using: &random)
      // Each has room for a batch.
      let memory = StateMemory(limit: max(third, parallelism * Self.leastBytes))
      return try SpilledRun(
        DatabaseCheckpoints(folder, origins, number: counts.restarts), parallelism: parallelism, memory: memory,
        tells: .random(using: &random), seed: seed, make)
    }
    var run = try start([])
    var texts: [String] = []
    var position = 0
    /// The epoch to go on from, and how far the rows were read there.
    var last = (origins: [StateOrigin](), position: 0)
    /// One that is being kept: how far the rows were read there, and what had come of them.
    var begun: (position: Int, rowCount: Int)?
    func complete() {
      run.checkpoints.settle()
      guard let epoch = begun else { return }
      last = (run.checkpoints.origins, epoch.position)
      texts += run.rows.texts.prefix(epoch.rowCount)
      run.rows.texts.removeFirst(epoch.rowCount)
      begun = nil
    }
    func stop() throws {
      let found = try run.close()
      counts = (counts.sought + found.sought, counts.evicted + found.evicted, counts.restarts + 1)
    }
    while position < steps.count {
      switch steps[position] {
      case .rows(let rows): try run.process(SpilledModel.batch(rows), keys: keys)
      case .watermark(let time): try run.watermark(time)
      }
      position += 1
      switch Int.random(in: 0..<14, using: &random) {
      case 0..<3:
        // One that was given up has left its changes in the databases.
        if Bool.random(using: &random) { complete() } else { begun = nil }
        run.checkpoints.settle()
        run.checkpoints.isLate = .random(using: &random)
        begun = (position, run.rows.texts.count)
        try run.take(told: watermark(steps[..<position]))
      case 3:
        if Bool.random(using: &random) { complete() }
        begun = nil
        try stop()
        position = last.position
        run = try start(last.origins)
      default: break
      }
    }
    try run.finish()
    texts += run.rows.texts
    run.checkpoints.settle()
    try run.take(told: .max)
    try stop()
    let left = try run.checkpoints.entryCount(table: WindowTables.panes)
    #expect(left == 0, "\(seed): entries are left of windows that are gone")
    let (missing, more) = CutRig.difference(model.results.sorted(), texts.sorted())
    #expect(missing.isEmpty && more.isEmpty, "\(seed): missing \(missing.prefix(5)), more \(more.prefix(5))")
    #expect(
      !spills || counts.evicted > 1_000 && counts.sought > 1_000,
      "\(seed): of \(model.keyCount) keys \(counts) left memory and were looked for")
  }

  private static let leastBytes = 160 << 10

  private func watermark(_ steps: ArraySlice<Step>) -> Int64 {
    steps.compactMap { if case .watermark(let time) = $0 { time } else { nil } }.max() ?? .min
  }

  @Test(
    "give what a dictionary gives, with epochs, kills and other parallelism, whatever the key",
    arguments: [[0], [1], [2], [0, 1]])
  func keys(keys: [Int]) throws { try check(keys, told: false) }

  @Test("that rows tell give what a dictionary gives", arguments: [[0], [1]])
  func told(keys: [Int]) throws { try check(keys, told: true) }

  @Test("of all rows give what a dictionary gives")
  func all() throws { try check([], told: false, spills: false) }
}
