import Arrow
import Base
import Dataflow
import Observability
import State
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

/// What a test does with an operator.
enum CutStep {
  case batch(RecordBatch, input: Int = 0)
  /// Microseconds; told to all subtasks.
  case watermark(Int64)
  /// Processing time, microseconds: operators that want to be woken are.
  case clock(Int64)
}

/// Runs an operator as it is, and once more with cuts: its changes are taken and applied to a model of its tables, and it
/// goes on in the same instances or in new ones, as many or more or fewer, that are restored from the model. What comes out has to be
/// the same rows, and the model to be what one that takes everything at once is given.
struct CutRig {
  /// What of the model is compared with that of an operator that takes everything at once.
  enum Comparison {
    case entries
    case addresses
    /// What changes from run to run.
    case none
  }

  /// Makes the operator in a subtask.
  var make: (SubtaskContext) throws -> any Operator
  /// By input: the columns of the key, by which rows are shared out. None: all are the first subtask's, and there is one only.
  var keys: [[Int]]
  var comparison = Comparison.entries
  /// Whether it goes on in more or fewer subtasks: not where what comes out depends on how many there are.
  var rescales = true
  /// Columns of entries that are not compared, since they tell apart entries in ways that are nobody's business.
  var unnamed: Set<String> = []
  /// Whether the watermark is told once more before changes are taken: for operators that do then what they would do after a restart.
  var tellsAgain = false
  /// Whether nothing is left when all steps have run.
  var endsEmpty = false
  /// Whether one that was restored may have forgotten more.
  var mayForget = false
  /// Whether what comes out depends on which rows come in one batch.
  var dependsOnBatches = false
  /// Of an operator that has another one in it whose keys leave memory: makes both. Nil: it is one whose keys leave memory, or none do.
  var makeSpilling: ((SubtaskContext) throws -> (outer: any SpillingOperator, keys: SpillingKeys))?
  /// Inputs whose rows go to all subtasks.
  var broadcast: Set<Int> = []
  /// Of rows of the outputs that depend on the number of subtasks or on when it was cut: makes them comparable, or drops them.
  var text: (_ row: String, _ output: Int) -> String? = { row, output in "\(output): \(row)" }

  /// - Parameter steps: in their order; times do not go back.
  func check(_ steps: [CutStep], _ random: inout SeededGenerator, cuts: Int = 6) throws {
    let seed = random.description
    let plain = try CutInstances(self, parallelism: 1, tracks: false, ManualClock())
    for step in steps { try plain.run(step) }
    try plain.finish()
    let expected = plain.texts.sorted()

    let clock = ManualClock()
    var run = try CutInstances(self, parallelism: 1, tracks: true, clock)
    guard let tables = run.tables else {
      Issue.record("the operator has no state to be cut")
      return
    }
    var model = StateModel(tables)
    var texts: [String] = []
    let places = Set((0..<cuts).map { _ in Int.random(in: 0...steps.count, using: &random) })
    for index in 0...steps.count {
      if places.contains(index) {
        if tellsAgain, let told = Self.told(steps[..<index]) { try run.run(.watermark(told)) }
        try run.take(into: &model)
        try compare(model, after: steps.prefix(index), run.parallelism, seed)
        let choice = Int.random(in: 0..<3, using: &random)
        if choice > 0 {
          texts += run.texts
          try run.close()
          let wanted =
            choice == 1 || !rescales || keys.contains([]) ? run.parallelism : Int.random(in: 1...3, using: &random)
          let isRescaled = wanted != run.parallelism
          run = try CutInstances(self, parallelism: wanted, tracks: true, clock)
          try run.restore(model, rows: Int.random(in: 1...100, using: &random))
          if isRescaled { model.forgetSubtasks() }
          // As the subtask does.
          if let told = Self.told(steps[..<index]) { try run.run(.watermark(told)) }
        }
      }
      if index < steps.count { try run.run(steps[index]) }
    }
    if endsEmpty {
      try run.take(into: &model)
      let left = model.texts(values: true)
      #expect(left.isEmpty, "\(seed): entries that are left \(left.prefix(5))")
    }
    try run.finish()
    texts += run.texts
    let (missing, more) = Self.difference(expected, texts.sorted())
    #expect(missing.isEmpty && more.isEmpty, "\(seed): missing \(missing.prefix(5)), not expected \(more.prefix(5))")
    try checkSpilled(steps, expected, &random)
  }

  static func told(_ steps: ArraySlice<CutStep>) -> Int64? {
    steps.compactMap { if case .watermark(let time) = $0 { time } else { nil } }.max()
  }

  private func compare(_ model: StateModel, after steps: ArraySlice<CutStep>, _ parallelism: Int, _ seed: String) throws
  {
    if case .none = comparison { return }
    let whole = try CutInstances(self, parallelism: parallelism, tracks: true, ManualClock())
    for step in steps { try whole.run(step) }
    if tellsAgain, let told = Self.told(steps) { try whole.run(.watermark(told)) }
    var full = StateModel(model.tables)
    try whole.take(into: &full)
    var values = false
    if case .entries = comparison { values = true }
    let (missing, more) = Self.difference(
      full.texts(values: values, without: unnamed), model.texts(values: values, without: unnamed))
    #expect(
      (mayForget || missing.isEmpty) && more.isEmpty,
      "\(seed): entries that are missing \(missing.prefix(5)), entries that are stale \(more.prefix(5))")
    try whole.close()
  }

  /// What two sorted lists do not share.
  static func difference(_ left: [String], _ right: [String]) -> (missing: [String], more: [String]) {
    var (missing, more): ([String], [String]) = ([], [])
    var (first, second) = (0, 0)
    while first < left.count || second < right.count {
      if second == right.count || first < left.count && left[first] < right[second] {
        missing.append(left[first])
        first += 1
      } else if first == left.count || left[first] > right[second] {
        more.append(right[second])
        second += 1
      } else {
        (first, second) = (first + 1, second + 1)
      }
    }
    return (missing, more)
  }
}

/// The subtasks of an operator.
private final class CutInstances: Collector {
  let parallelism: Int
  private let rig: CutRig
  private let operators: [any Operator]
  private let clock: ManualClock
  private(set) var texts: [String] = []
  private var epoch: UInt64 = 0

  init(_ rig: CutRig, parallelism: Int, tracks: Bool, _ clock: ManualClock) throws {
    self.rig = rig
    self.parallelism = parallelism
    self.clock = clock
    operators = try (0..<parallelism).map { index in
      try rig.make(
        SubtaskContext(
          id: SubtaskID(task: 0, index: index), parallelism: parallelism, clock: SubtaskClock(.manual(clock))))
    }
    if tracks { for operation in operators { (operation as? any StatefulOperator)?.trackChanges() } }
    for operation in operators { try operation.open() }
  }

  var tables: [StateTable]? { (operators[0] as? any StatefulOperator)?.stateTables }

  func emit(_ batch: RecordBatch, output: Int) throws(Failure) {
    let batch = batch.compacted()
    for row in 0..<batch.length {
      let text = batch.columns.map { $0.isValid(row) ? $0.text(at: row) : "null" }.joined(separator: " | ")
      if let text = rig.text(text, output) { texts.append(text) }
    }
  }

  private func each(_ body: (any Operator) throws -> Void) throws {
    for operation in operators {
      try body(operation)
      try operation.giveRest(to: self)
    }
  }

  func run(_ step: CutStep) throws {
    switch step {
    case .batch(let batch, let input):
      let batch = batch.compacted()
      if rig.broadcast.contains(input) { return try each { try $0.process(batch, input: input, to: self) } }
      let keys = rig.keys[input].map { batch.columns[$0] }
      let subtasks = try StateModel.subtasks(keys, rows: batch.length, parallelism: parallelism)
      for (index, operation) in operators.enumerated() {
        let rows = subtasks.indices.filter { subtasks[$0] == index }
        if rows.isEmpty { continue }
        let part = rows.count == batch.length ? batch : batch.selecting(Selection(rows))
        try operation.process(part, input: input, to: self)
        try operation.giveRest(to: self)
      }
    case .watermark(let time): try each { try $0.watermark(EventTime(microseconds: time), to: self) }
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

  func finish() throws {
    try each { try $0.finish(to: self) }
    try close()
  }

  func close() throws { for operation in operators { try operation.close() } }

  /// A barrier, at which changes are taken twice: the second time there are none.
  func take(into model: inout StateModel) throws {
    epoch += 1
    for (index, operation) in operators.enumerated() {
      try operation.barrier(Epoch(epoch), to: self)
      guard let operation = operation as? any StatefulOperator else { continue }
      var changes = StateChanges()
      try operation.takeChanges(into: &changes)
      try model.apply(changes, subtask: index, parallelism: parallelism)
      var again = StateChanges()
      try operation.takeChanges(into: &again)
      #expect(again.parts.isEmpty, "what was taken is not given again")
    }
  }

  func restore(_ model: StateModel, rows: Int) throws {
    for (index, operation) in operators.enumerated() {
      guard let operation = operation as? any StatefulOperator else { continue }
      try model.restore(subtask: index, parallelism: parallelism, rows: rows) { entries, table throws(Failure) in
        try operation.restore(entries, table: table)
      }
      try operation.restored()
    }
  }
}
