import Arrow
import Base
import Dataflow
import Expressions
import State
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("Windows that are cut")
struct WindowCutTests {
  private static let bound = DataType.timestamp(.microsecond, timezone: nil)
  /// Of rows that tell their windows: behind the other columns.
  private static let told = Schema(
    CutRows.schema.fields + [
      Field("window_start", bound, nullable: false), Field("window_end", bound, nullable: false),
    ]
  )
  /// That come out the same whatever the order in which rows were merged.
  private static let exact = [CutRows.few[0], CutRows.few[1], CutRows.few[3]]

  /// Batches around a time that moves on, watermarks behind it, and the clock.
  static func steps(
    _ count: Int, told: Bool = false, distinct: Int = 12, _ random: inout SeededGenerator
  ) -> [CutStep] {
    var (time, clock, steps) = (Int64(0), Int64(0), [CutStep]())
    var watermark = Int64.min
    for _ in 0..<count {
      switch Int.random(in: 0..<6, using: &random) {
      case 0..<3:
        let batch = CutRows.batch((time - 220)...(time + 60), distinct: distinct, rows: 1...25, &random)
        steps.append(.batch(told ? telling(batch) : batch))
      case 3:
        watermark = max(watermark, time - .random(in: 0...90, using: &random))
        steps.append(.watermark(watermark))
      case 4:
        clock += .random(in: 1...70, using: &random)
        steps.append(.clock(clock))
      default: time += .random(in: 20...130, using: &random)
      }
    }
    return steps
  }

  /// Rows that tell windows of 100.
  private static func telling(_ batch: RecordBatch) -> RecordBatch {
    let times = batch.columns[6].values(Int64.self)
    let starts = (0..<batch.length).map { ((times[$0] + 10_000) / 100 - 100) * 100 }
    var columns = batch.columns
    for add in [Int64(0), 100] {
      let builder = ColumnBuilder(bound)
      for start in starts { builder.append(.timestamp(start + add, .microsecond, timezone: nil)) }
      columns.append(builder.finish())
    }
    return RecordBatch(schema: told, columns: columns, length: batch.length)
  }

  static func output(_ window: Plan.Window, _ keys: [Int]) throws -> Schema {
    var fields = keys.map { CutRows.schema.fields[$0] }
    if window.emission == .updating { fields.insert(Field(Plan.rowKindColumn, .utf8, nullable: false), at: 0) }
    if case .count = window.assigner {
    } else {
      fields += [Field("window_start", bound, nullable: false), Field("window_end", bound, nullable: false)]
    }
    return Schema(fields + (try CutRows.results(window.aggregates)))
  }

  private func rig(_ window: Plan.Window, _ keys: [Int], partials: Bool = false) throws -> CutRig {
    let output = try Self.output(window, keys)
    var records = CutRows.schema
    if case .inherited = window.assigner { records = Self.told }
    return CutRig(
      make: { context in
        var time = RowTime.event(column: 6, shift: 0)
        if case .inherited = window.assigner { time = .bounds(start: 7, end: 8) }
        if window.time == .processing { time = .processing(context.clock) }
        let operation = try makeWindowOperator(
          window, input: partials ? .partials(keyCount: keys.count) : .records(keys: keys, time: time),
          records: records, output: output, functions: CutFunctions(), context: context)
        // What planning says without an operator.
        #expect(
          try windowStateTables(window, keyCount: keys.count, records: records, output: output)
            == operation.stateTables)
        return operation
      }, keys: [partials ? Array(keys.indices) : keys], dependsOnBatches: true)
  }

  private static let assigners: [Plan.WindowAssigner] = [
    .tumbling(.init(size: 100)), .sliding(.init(size: 300, slide: 100)), .sliding(.init(size: 250, slide: 100)),
    .cumulative(.init(size: 400, step: 100)), .inherited, .session(.init(gap: 40)),
  ]

  private static func isShared(_ assigner: Plan.WindowAssigner) -> Bool {
    switch assigner {
    case .sliding, .cumulative: true
    default: false
    }
  }

  private static func isTold(_ assigner: Plan.WindowAssigner) -> Bool {
    if case .inherited = assigner { true } else { false }
  }

  private func check(_ window: Plan.Window, rescales: Bool = true, runs: Int = 2) throws {
    var random = SeededGenerator()
    for keys in CutRows.keys.shuffled(using: &random).prefix(2) {
      var window = window
      var rig = try rig(window, keys)
      for _ in 0..<runs {
        rig.rescales = false
        try rig.check(Self.steps(45, told: Self.isTold(window.assigner), &random), &random)
      }
      // A batch revises a window pane by pane, in the order of the rows that the subtask has.
      let isInParts = window.emission == .updating && Self.isShared(window.assigner)
      guard rescales, !isInParts, !keys.isEmpty else { continue }
      if Self.isShared(window.assigner) {
        window.aggregates = Self.exact
        rig = try self.rig(window, keys)
        // Which rows are of which pane of a stack depends on when the subtask's windows fired.
        rig.comparison = .none
      }
      rig.rescales = true
      for _ in 0..<runs {
        try rig.check(Self.steps(45, told: Self.isTold(window.assigner), &random), &random, cuts: 8)
      }
    }
  }

  @Test("with final results go on as if nothing had been", arguments: assigners)
  func final(assigner: Plan.WindowAssigner) throws {
    for (lateness, late) in [(Int64(0), Plan.LateRows.drop), (0, .route), (150, .route)] {
      try check(
        Plan.Window(
          assigner: assigner, scope: .key, time: .event, allowedLateness: lateness, late: late, emission: .final,
          trigger: nil, aggregates: CutRows.few), runs: 1)
    }
  }

  @Test("with updating results go on as if nothing had been", arguments: assigners)
  func updating(assigner: Plan.WindowAssigner) throws {
    let triggers: [Plan.WindowTrigger?] = [nil, .init(everyRows: 3), .init(every: 60), .init(everyRows: 2, every: 90)]
    for trigger in triggers {
      for lateness in [Int64(0), 150] {
        try check(
          Plan.Window(
            assigner: assigner, scope: .key, time: .event, allowedLateness: lateness, late: .drop, emission: .updating,
            trigger: trigger, aggregates: CutRows.few), rescales: trigger?.every == nil, runs: 1)
      }
    }
  }

  @Test("of processing time go on as if nothing had been", arguments: assigners.filter { !isTold($0) })
  func processing(assigner: Plan.WindowAssigner) throws {
    for (emission, trigger) in [
      (Plan.WindowEmission.final, Plan.WindowTrigger?.none), (.updating, nil), (.updating, .init(everyRows: 3)),
    ] {
      try check(
        Plan.Window(
          assigner: assigner, scope: .key, time: .processing, allowedLateness: 0, late: .drop, emission: emission,
          trigger: trigger, aggregates: CutRows.few), runs: 1)
    }
  }

  @Test("of a number of rows go on as if nothing had been", arguments: [(5, nil), (6, 2), (4, 4), (6, 4), (1, nil)])
  func counts(size: Int, slide: Int?) throws {
    try check(
      Plan.Window(
        assigner: .count(.init(size: size, slide: slide)), scope: .key, time: .event, allowedLateness: 0, late: .drop,
        emission: .final, trigger: nil, aggregates: CutRows.few), runs: 3)
  }

  @Test("with all aggregates go on as if nothing had been", arguments: assigners.filter { !isTold($0) })
  func aggregates(assigner: Plan.WindowAssigner) throws {
    var random = SeededGenerator()
    for emission in [Plan.WindowEmission.final, .updating] {
      let window = Plan.Window(
        assigner: assigner, scope: .key, time: .event, allowedLateness: 50, late: .drop, emission: emission,
        trigger: nil, aggregates: CutRows.all)
      var rig = try rig(window, [1])
      rig.rescales = false
      rig.comparison = .addresses
      try rig.check(Self.steps(50, &random), &random)
    }
  }

  @Test("of combined rows go on as if nothing had been", arguments: assigners.prefix(4))
  func partials(assigner: Plan.WindowAssigner) throws {
    var random = SeededGenerator()
    for emission in [Plan.WindowEmission.final, .updating] {
      let window = Plan.Window(
        assigner: assigner, scope: .key, time: .event, allowedLateness: 100, late: .drop, emission: emission,
        trigger: nil, aggregates: CutRows.few)
      var rig = try rig(window, [1], partials: true)
      rig.rescales = !Self.isShared(assigner)
      let combine = try WindowCombineOperator(
        window, keys: [1], time: .event(column: 6, shift: 0), input: CutRows.schema, functions: CutFunctions())
      try combine.open()
      let steps = try Self.steps(60, &random).flatMap { step -> [CutStep] in
        guard case .batch(let batch, _) = step else { return [step] }
        let partials = Collected()
        try combine.process(batch, input: 0, to: partials)
        return partials.batches.map { .batch($0) }
      }
      try rig.check(steps, &random)
    }
  }

  @Test("a window that lives between two epochs only is never heard of, and one that fired is removed by its keys")
  func entries() throws {
    let window = Plan.Window(
      assigner: .tumbling(.init(size: 100)), scope: .key, time: .event, allowedLateness: 0, late: .drop,
      emission: .final, trigger: nil, aggregates: CutRows.few)
    var random = SeededGenerator()
    let context = SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: 1)
    let operation = try makeWindowOperator(
      window, input: .records(keys: [0], time: .event(column: 6, shift: 0)), records: CutRows.schema,
      output: Self.output(window, [0]), functions: CutFunctions(), context: context)
    operation.trackChanges()
    try operation.open()
    let rows = Collected()
    func counts() throws -> [Int] {
      var changes = StateChanges()
      try operation.takeChanges(into: &changes)
      var (put, removed) = (0, 0)
      for part in changes.parts {
        switch part {
        case .put(let rows, 1): put += rows.length
        case .remove(let rows, 1): removed += rows.length
        default: break
        }
      }
      return [put, removed]
    }
    try operation.process(CutRows.batch(0...99, rows: 50...50, &random), input: 0, to: rows)
    try operation.watermark(EventTime(microseconds: 100), to: rows)
    #expect(try counts() == [0, 0])
    try operation.process(CutRows.batch(100...199, rows: 50...50, &random), input: 0, to: rows)
    let keys = try counts()[0]
    #expect(keys > 1)
    try operation.process(CutRows.batch(200...299, rows: 50...50, &random), input: 0, to: rows)
    try operation.watermark(EventTime(microseconds: 300), to: rows)
    #expect(try counts() == [0, keys])
    try operation.close()
  }
}
