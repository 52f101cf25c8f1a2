import Arrow
import Base
import Expressions
import Observability
import State
import TestSupport
import Testing
import VolleyPlan

@testable import Dataflow
@testable import Operators

@Suite("Windows with more keys than memory")
struct WindowSpillTests {
  private enum Step {
    case rows([SpilledModel.Row])
    case watermark(Int64)
  }

  /// Rows around a time that moves on, of keys of which some come often and most seldom, and watermarks behind them.
  ///
  /// - Parameter eases: whether there are few keys for a while.
  private func steps(_ count: Int, told: Bool, eases: Bool, _ random: inout SeededGenerator) -> [Step] {
    var (time, number, steps) = (Int64(0), Int64(0), [Step]())
    for step in 0..<count {
      let isEasy = eases && Self.isEasy(step, of: count)
      if step % 4 == 3 {
        steps.append(.watermark(time - .random(in: 0...150, using: &random)))
        time += isEasy ? 200 : .random(in: 0...35, using: &random)
        continue
      }
      let distinct = isEasy ? 4 : step % 3 == 0 ? 40 : 8_000
      steps.append(
        .rows(
          (0..<Int.random(in: 100...300, using: &random)).map { _ in
            number += 1
            return row(time, number, distinct, told: told, &random)
          }))
    }
    return steps
  }

  private static func isEasy(_ step: Int, of count: Int) -> Bool { (count / 2..<count * 3 / 4).contains(step) }

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

  private func maker(
    _ keys: [Int], _ assigner: Plan.WindowAssigner, lateness: Int64
  ) throws -> (SubtaskContext) throws -> any StatefulOperator {
    let calls = SpilledModel.calls(assigner)
    let window = Plan.Window(
      assigner: assigner, scope: .key, time: .event, allowedLateness: lateness, late: .drop, emission: .final,
      trigger: nil, aggregates: calls)
    let results = try calls.map { Field($0.name, try $0.signature(in: SpilledModel.schema).result) }
    let output = Schema(
      keys.map { SpilledModel.schema.fields[$0] } + Array(SpilledModel.schema.fields.suffix(2)) + results)
    let time = Self.isTold(assigner) ? RowTime.bounds(start: 6, end: 7) : .event(column: 5, shift: 0)
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
      case .rows(let rows): try operation.process(SpilledModel.batch(rows), input: 0, to: SpilledRows())
      case .watermark(let time):
        try operation.watermark(EventTime(microseconds: time), to: SpilledRows())
        try operation.giveRest(to: SpilledRows())
      }
      most = max(most, memory.usedBytes)
    }
    try operation.close()
    return most
  }

  /// Runs with epochs, some of them late or given up, and restarts from the last epoch that is whole.
  ///
  /// - Parameter eases: whether there are few keys for a while, so that all is in memory then.
  private func check(
    _ keys: [Int], _ assigner: Plan.WindowAssigner, lateness: Int64 = 0, spills: Bool = true, eases: Bool = false
  ) throws {
    var random = SeededGenerator()
    let seed = "\(random), keys \(keys), \(assigner), lateness \(lateness)"
    let steps = steps(160, told: Self.isTold(assigner), eases: eases, &random)
    var model = SpilledModel(keys: keys, assigner)
    for step in steps {
      switch step {
      case .rows(let rows): model.add(rows)
      case .watermark(let time): model.move(to: time - lateness)
      }
    }
    model.move(to: .max)
    #expect(model.late > 0, "\(seed): no row is late")

    let make = try maker(keys, assigner, lateness: lateness)
    let third = try spills ? most(steps, keys, make) / 3 : 1 << 30
    let folder = TemporaryFolder()
    var counts = (sought: 0, evicted: 0, restarts: 0)
    var returns = 0
    func start(_ origins: [StateOrigin]) throws -> SpilledRun {
      let parallelism = keys.isEmpty || eases ? 1 : Int.random(in: 1...3, using: &random)
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
      returns += run.returns
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
      // What a restart brings into memory is no way back of its own.
      case 3 where !eases || position > steps.count * 3 / 4:
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
    let left = try (WindowTables.panes..<run.tableCount).map { try run.checkpoints.entryCount(table: $0) }
    #expect(left.allSatisfy { $0 == 0 }, "\(seed): \(left) entries are left of windows that are gone")
    let (missing, more) = CutRig.difference(model.results.sorted(), texts.sorted())
    #expect(missing.isEmpty && more.isEmpty, "\(seed): missing \(missing.prefix(5)), more \(more.prefix(5))")
    // Only late rows seek the keys of panes that windows share.
    let least = eases ? -1 : Self.sharing.contains(assigner) ? 50 : 1_000
    #expect(
      !spills || counts.evicted > 1_000 && counts.sought > least,
      "\(seed): of \(model.keyCount) keys \(counts) left memory and were looked for")
    #expect(!eases || returns > 0, "\(seed): all was never in memory again")
  }

  private static let leastBytes = 160 << 10

  private static func isTold(_ assigner: Plan.WindowAssigner) -> Bool {
    if case .inherited = assigner { true } else { false }
  }

  private func watermark(_ steps: ArraySlice<Step>) -> Int64 {
    steps.compactMap { if case .watermark(let time) = $0 { time } else { nil } }.max() ?? .min
  }

  @Test(
    "give what a dictionary gives, with epochs, kills and other parallelism, whatever the key",
    arguments: [[0], [1], [2], [0, 1]])
  func keys(keys: [Int]) throws { try check(keys, .tumbling(.init(size: 100))) }

  @Test("that rows tell give what a dictionary gives", arguments: [[0], [1]])
  func told(keys: [Int]) throws { try check(keys, .inherited) }

  @Test("of all rows give what a dictionary gives")
  func all() throws { try check([], .tumbling(.init(size: 100)), spills: false) }

  private static let sharing: [Plan.WindowAssigner] = [
    .sliding(.init(size: 300, slide: 100)), .sliding(.init(size: 250, slide: 100, offset: 30)),
    .sliding(.init(size: 100, slide: 20)), .cumulative(.init(size: 400, step: 100)),
    .cumulative(.init(size: 120, step: 20, offset: 10)),
  ]

  @Test(
    "that share panes give what a dictionary gives, with late rows, epochs, kills and other parallelism",
    arguments: sharing)
  func shared(assigner: Plan.WindowAssigner) throws {
    var random = SeededGenerator()
    for keys in [[0], [1], [2], [0, 1]].shuffled(using: &random).prefix(2) {
      try check(keys, assigner, lateness: [0, 30, 60].randomElement(using: &random) ?? 0)
    }
  }

  @Test("that share panes are in memory again when there are few keys", arguments: sharing)
  func eased(assigner: Plan.WindowAssigner) throws { try check([0], assigner, eases: true) }

  @Test("that share panes of all rows give what a dictionary gives", arguments: sharing)
  func allShared(assigner: Plan.WindowAssigner) throws { try check([], assigner, lateness: 40, spills: false) }
}
