import Arrow
import Base
import Keys
import State
import TestSupport
import Testing
import VolleyPlan

@testable import Dataflow
@testable import Operators

/// The subtasks of a process function that keeps everything, with their epochs.
private final class SpillingSubtasks: Collector {
  private(set) var texts: [String] = []
  let operators: [KeyedProcessOperator]
  let memories: [StateMemory]
  private let epochs: [OperatorEpochs]
  private let clock: ManualClock
  let checkpoints: DatabaseCheckpoints?
  private var told = EventTime.earliest

  /// - Parameters:
  ///   - limit: bytes for each.
  ///   - checkpoints: nil: there are no epochs.
  ///   - key: the column that the rows are keyed by.
  init(
    _ parallelism: Int, timeToLive: Int64?, limit: Int, _ clock: ManualClock, _ checkpoints: DatabaseCheckpoints?,
    key: Int = 0
  ) throws {
    self.clock = clock
    self.checkpoints = checkpoints
    let memories = (0..<parallelism).map { _ in StateMemory(limit: limit) }
    let fields = EverythingCode.rowFields
    let operators = memories.map { memory in
      KeyedProcessOperator(
        EverythingCode(pageLimit: .max), states: EverythingCode.states(timeToLive: timeToLive),
        columns: KeyedProcessOperator.Columns(keys: [key], rows: Array(fields.indices), time: 4), input: Schema(fields),
        clock: SubtaskClock(.manual(clock)), memory: memory)
    }
    (self.operators, self.memories) = (operators, memories)
    guard let checkpoints else {
      epochs = []
      for operation in operators { try operation.open() }
      return
    }
    let job = JobEpochs(checkpoints)
    epochs = operators.indices.map { subtask in
      let place = StagePlace(id: "all", subtask: subtask, parallelism: parallelism)
      return OperatorEpochs(StageEpochs(job: job, place: place), operators[subtask])
    }
    for (operation, epochs) in zip(operators, epochs) {
      try operation.open()
      // As the subtask does.
      if let progress = try epochs.restore() { try run(operation) { try $0.watermark(progress.told, to: self) } }
    }
  }

  func emit(_ batch: RecordBatch, output: Int) {
    let batch = batch.compacted()
    for row in 0..<batch.length { texts.append(batch.columns[0].text(at: row)) }
  }

  private func run(_ operation: KeyedProcessOperator, _ body: (KeyedProcessOperator) throws -> Void) throws {
    do {
      try body(operation)
    } catch let failure as Failure {
      guard failure.message.contains("poison") else { throw failure }
    }
    try operation.giveRest(to: self)
  }

  func run(_ step: CutStep) throws {
    switch step {
    case .batch(let batch, _):
      let subtasks = try Self.subtasks([batch.columns[0]], batch.length, operators.count)
      for (index, operation) in operators.enumerated() {
        let rows = subtasks.indices.filter { subtasks[$0] == index }
        if rows.isEmpty { continue }
        try run(operation) { try $0.process(batch.selecting(Selection(rows)), input: 0, to: self) }
      }
    case .watermark(let time):
      told = EventTime(microseconds: time)
      for operation in operators { try run(operation) { try $0.watermark(told, to: self) } }
    case .clock(let time):
      clock.advance(to: ProcessingTime(microseconds: time))
      for operation in operators { try wake(operation) }
    }
  }

  /// By row, as a job shares rows out.
  private static func subtasks(_ keys: [Column], _ rows: Int, _ parallelism: Int) throws -> [Int] {
    var hashes = [UInt64](repeating: 0, count: rows)
    KeyHasher.hash(columns: try KeyColumn.plain(keys), rows: rows, into: &hashes)
    let assignment = KeyGroupAssignment(parallelism: parallelism)
    return hashes.map { assignment.subtask(of: KeyGroup.of($0, maxKeyGroups: KeyGroup.defaultCount)) }
  }

  private func wake(_ operation: KeyedProcessOperator) throws {
    while let wanted = operation.wakeTime, wanted <= clock.now {
      try run(operation) { try $0.wake(at: clock.now, to: self) }
    }
  }

  /// Lets time pass until nobody wants to be woken any more.
  func letTimePass() throws {
    for operation in operators {
      while let wanted = operation.wakeTime {
        clock.advance(to: max(clock.now, wanted))
        try run(operation) { try $0.wake(at: clock.now, to: self) }
      }
    }
  }

  func take(_ epoch: Int) throws {
    // One epoch is under way at a time.
    _ = checkpoints?.origins
    for epochs in epochs { _ = try epochs.take(Epoch(UInt64(epoch)), OperatorProgress(told: told)) }
  }

  /// Entries of all states and timers, but for what tells map entries apart that is nobody's business.
  func entries() throws -> [String] {
    var entries: [String] = []
    _ = checkpoints?.origins
    for database in (checkpoints?.databases ?? [:]).values {
      for (index, table) in database.tables.enumerated() where table.scope == .key {
        let columns = table.entry.fields.indices.filter { table.entry.fields[$0].name != "$order" }
        try database.scan(table: index) { batch in
          for row in 0..<batch.length {
            let values = columns.map { batch.columns[$0].isValid(row) ? batch.columns[$0].text(at: row) : "null" }
            entries.append("\(table.name): \(values.joined(separator: " | "))")
          }
        }
      }
    }
    return entries.sorted()
  }

  var counts: (sought: Int, evicted: Int) {
    operators.reduce((0, 0)) { ($0.0 + $1.spillCounts.sought, $0.1 + $1.spillCounts.evicted) }
  }

  func finish() throws {
    for operation in operators { try run(operation) { try $0.finish(to: self) } }
    try close()
  }

  func close() throws { for operation in operators { try operation.close() } }

  func drain() -> [String] {
    defer { texts = [] }
    return texts
  }
}

@Suite("Process functions with more keys than memory")
struct ProcessSpillTests {
  /// Some keys come often, most seldom.
  private func steps(_ count: Int, keys: Int, _ random: inout SeededGenerator) -> [CutStep] {
    var steps: [CutStep] = []
    for step in 0..<count {
      let isPoison = Int.random(in: 0..<10, using: &random) == 0
      let rows = isPoison ? 1 : Int.random(in: 50...250, using: &random)
      let builders = EverythingCode.rowFields.map { ColumnBuilder($0.type) }
      let few = Int.random(in: 0..<3, using: &random) == 0
      for _ in 0..<rows {
        let key = Int.random(in: 0..<(few ? 20 : keys), using: &random)
        if key == 7 { builders[0].appendNull() } else { builders[0].append(.utf8("key number \(key)")) }
        builders[1].append(
          .int64(Int64.random(in: 0...23, using: &random) + (isPoison ? EverythingCode.failure : 0)))
        builders[2].append(.int64(Int64.random(in: 0..<20, using: &random)))
        builders[3].append(randomLiteral(.utf8, distinct: 40, &random))
        let time = Int64(step * 6) + Int64.random(in: -10...10, using: &random)
        builders[4].append(.timestamp(time, .microsecond, timezone: nil))
      }
      steps.append(
        .batch(
          RecordBatch(schema: Schema(EverythingCode.rowFields), columns: builders.map { $0.finish() }, length: rows)))
      if Int.random(in: 0..<4, using: &random) == 0 { steps.append(.watermark(Int64(step * 6 - 15))) }
      if Int.random(in: 0..<3, using: &random) == 0 { steps.append(.clock(Int64(step) * 400_000)) }
    }
    return steps
  }

  /// Runs the steps with little memory, with epochs, and with kills behind which another number of subtasks goes on from the last
  /// epoch; what comes out, and what the databases have in the end, is as with memory for all.
  private func check(timeToLive: Int64?, room: Int, _ random: inout SeededGenerator) throws {
    let seed = random.description
    let steps = steps(120, keys: 1_500, &random)
    let folder = TemporaryFolder()
    let plain = try SpillingSubtasks(
      1, timeToLive: timeToLive, limit: .max, ManualClock(), DatabaseCheckpoints(folder, [], number: 1_000))
    var expected: [[String]] = []
    for step in steps {
      try plain.run(step)
      expected.append(plain.drain().sorted())
    }

    let isLate = Bool.random(using: &random)
    var clock = ManualClock()
    var number = 0
    var run = try SpillingSubtasks(
      2, timeToLive: timeToLive, limit: room, clock, DatabaseCheckpoints(folder, [], number: 0, isLate: isLate))
    var counts = (sought: 0, evicted: 0)
    var (index, epochIndex) = (0, 0)
    var origins: [StateOrigin]? = nil
    var isTaken = false
    while index < steps.count {
      try run.run(steps[index])
      let found = run.drain().sorted()
      let (missing, more) = CutRig.difference(expected[index], found)
      #expect(
        missing.isEmpty && more.isEmpty,
        "\(seed): step \(index), \(number) kills, the last at \(epochIndex): missing \(missing.prefix(3)), more \(more.prefix(3))"
      )
      if !missing.isEmpty || !more.isEmpty { return }
      for memory in run.memories { #expect(memory.usedBytes <= room, "\(seed)") }
      index += 1
      if Int.random(in: 0..<8, using: &random) == 0 {
        try run.take(index)
        (epochIndex, isTaken) = (index, true)
      }
      guard isTaken || origins != nil, Int.random(in: 0..<25, using: &random) == 0 else { continue }
      counts = (counts.sought + run.counts.sought, counts.evicted + run.counts.evicted)
      if isTaken { origins = run.checkpoints?.origins }
      isTaken = false
      try run.close()
      number += 1
      // Time goes back with the steps that come again.
      clock = ManualClock()
      for step in steps[..<epochIndex] {
        if case .clock(let time) = step { clock.advance(to: ProcessingTime(microseconds: time)) }
      }
      run = try SpillingSubtasks(
        Int.random(in: 1...3, using: &random), timeToLive: timeToLive, limit: room, clock,
        DatabaseCheckpoints(folder, origins ?? [], number: number, isLate: isLate))
      for step in steps[..<epochIndex] {
        if case .watermark = step { try run.run(step) }
      }
      _ = run.drain()
      index = epochIndex
    }
    counts = (counts.sought + run.counts.sought, counts.evicted + run.counts.evicted)
    #expect(counts.evicted > 300, "keys have left memory")
    #expect(counts.sought > 300, "keys were looked for")
    if timeToLive != nil {
      // Nobody asks for the keys any more.
      try run.run(.watermark(1_000_000))
      try plain.run(.watermark(1_000_000))
      let (missing, more) = CutRig.difference(plain.drain().sorted(), run.drain().sorted())
      #expect(missing.isEmpty && more.isEmpty, "\(seed): missing \(missing.prefix(3)), more \(more.prefix(3))")
      try run.letTimePass()
    }
    try run.take(steps.count)
    try plain.take(steps.count)
    let (wanted, left) = (timeToLive == nil ? try plain.entries() : [], try run.entries())
    let (missing, more) = CutRig.difference(wanted, left)
    #expect(missing.isEmpty && more.isEmpty, "\(seed): entries missing \(missing.prefix(3)), stale \(more.prefix(3))")
    guard timeToLive == nil else { return try run.close() }
    _ = (plain.drain(), run.drain())
    try plain.finish()
    try run.finish()
    #expect(plain.texts.sorted() == run.texts.sorted(), "\(seed)")
  }

  @Test("give what they give without a database while memory has all, with a number as key")
  func fixedKeys() throws {
    var random = SeededGenerator()
    let seed = random.description
    let (clocks, folder) = ((ManualClock(), ManualClock()), TemporaryFolder())
    let plain = try SpillingSubtasks(1, timeToLive: 3_000_000, limit: .max, clocks.0, nil, key: 2)
    let run = try SpillingSubtasks(
      1, timeToLive: 3_000_000, limit: 64 << 20, clocks.1, DatabaseCheckpoints(folder, [], number: 0), key: 2)
    for (index, step) in steps(120, keys: 20, &random).enumerated() {
      try plain.run(step)
      try run.run(step)
      #expect(plain.drain().sorted() == run.drain().sorted(), "\(seed), step \(index)")
      if index % 10 == 9 { try run.take(index + 1) }
    }
    #expect(run.counts.evicted == 0)
    try plain.finish()
    try run.finish()
    #expect(plain.drain().sorted() == run.drain().sorted(), "\(seed)")
  }

  @Test(
    "give what they give with enough of it: values, lists, maps and timers, with epochs and kills", arguments: 0..<6)
  func everything(round: Int) throws {
    var random = SeededGenerator()
    try check(timeToLive: nil, room: [500, 600, 900][round % 3] << 10, &random)
  }

  @Test("forget what has expired, and the disk forgets it too though nobody asks", arguments: 0..<4)
  func timeToLive(round: Int) throws {
    var random = SeededGenerator()
    try check(timeToLive: 3_000_000, room: [1_000, 1_200][round % 2] << 10, &random)
  }

  @Test("look for no key that is new, and find every other one")
  func newKeys() throws {
    var random = SeededGenerator()
    let seed = random.description
    let folder = TemporaryFolder()
    let plain = try SpillingSubtasks(1, timeToLive: nil, limit: .max, ManualClock(), nil)
    let run = try SpillingSubtasks(
      2, timeToLive: nil, limit: 600 << 10, ManualClock(), DatabaseCheckpoints(folder, [], number: 0))
    func give(_ keys: [Int], step: Int) throws {
      let builders = EverythingCode.rowFields.map { ColumnBuilder($0.type) }
      for key in keys {
        builders[0].append(.utf8("key number \(key)"))
        builders[1].append(.int64(Int64.random(in: 0...23, using: &random)))
        builders[2].append(.int64(Int64.random(in: 0..<20, using: &random)))
        builders[3].append(randomLiteral(.utf8, distinct: 40, &random))
        builders[4].append(.timestamp(Int64(step), .microsecond, timezone: nil))
      }
      let batch = RecordBatch(
        schema: Schema(EverythingCode.rowFields), columns: builders.map { $0.finish() }, length: keys.count)
      try plain.run(.batch(batch, input: 0))
      try run.run(.batch(batch, input: 0))
      #expect(plain.drain().sorted() == run.drain().sorted(), "\(seed), step \(step)")
    }
    for step in 0..<50 {
      try give(Array(step * 200..<step * 200 + 200), step: step)
      if step % 10 == 9 { try run.take(step + 1) }
    }
    let new = run.counts
    #expect(new.evicted > 5_000, "keys have left memory")
    #expect(new.sought < new.evicted / 20, "\(seed): \(new.sought) new keys were looked for")
    for step in 50..<80 { try give((0..<100).map { _ in Int.random(in: 0..<10_000, using: &random) }, step: step) }
    #expect(run.counts.sought > new.sought + 500, "keys have come back")
    try run.take(80)
    try run.close()
  }
}
