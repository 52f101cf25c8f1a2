import Arrow
import Base
import State
import VolleyPlan

@testable import Dataflow

private func columns(_ columns: [[Int64]], _ schema: Schema) -> RecordBatch {
  RecordBatch(
    schema: schema,
    columns: columns.map { values in
      let builder = FixedBuilder<Int64>(.int64, capacity: values.count)
      for value in values { builder.append(value) }
      return builder.finish()
    }, length: columns.first?.count ?? 0)
}

private func int64(_ name: String) -> Field { Field(name, .int64, nullable: false) }

/// Keeps every row until the end, as state of its subtask.
final class HoldingOperator: StatefulOperator {
  private static let table = StateTable(
    "rows", scope: .subtask, key: [], namespace: [int64("subtask"), int64("number")], value: [int64("id")])
  private let place: SubtaskContext
  private var rows: [Int64] = []
  private var taken: Int?

  init(_ place: SubtaskContext) { self.place = place }

  var stateTables: [StateTable] { [Self.table] }
  func trackChanges() {}

  func restore(_ entries: RecordBatch, table: Int) throws(Failure) {
    let (subtasks, ids) = (entries.columns[0].values(Int64.self), entries.columns[2].values(Int64.self))
    for row in 0..<entries.length where Int(subtasks[row]) % place.parallelism == place.id.index {
      rows.append(ids[row])
    }
  }

  func takeChanges(into changes: inout StateChanges) throws(Failure) {
    // Those of others, and the numbers of before.
    if taken == nil { changes.removeAll(table: 0) }
    let new = (taken ?? 0)..<rows.count
    changes.put(
      columns(
        [new.map { _ in Int64(place.id.index) }, new.map { Int64($0) }, new.map { rows[$0] }], Self.table.entry),
      table: 0)
    taken = rows.count
  }

  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) { rows += Rows.ids(batch) }
  // What it has given it still holds.
  func finish(to output: any Collector) throws(Failure) { try output.emit(Rows.batch(rows), output: 0) }
}

/// Keeps every row until the end and gives one a call then; it notes whether its state is over when it does.
final class GivingOperator: StatefulOperator {
  private let journal: Journal
  private let isOver: () -> Bool
  private var rows: [Int64] = []
  private(set) var hasMore = false

  init(_ journal: Journal, isOver: @escaping () -> Bool) {
    self.journal = journal
    self.isOver = isOver
  }

  let stateTables: [StateTable] = []
  func trackChanges() {}
  func restore(_ entries: RecordBatch, table: Int) {}
  func takeChanges(into changes: inout StateChanges) {}

  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) { rows += Rows.ids(batch) }
  func finish(to output: any Collector) throws(Failure) { hasMore = !rows.isEmpty }
  func proceed(to output: any Collector) throws(Failure) {
    try journal.note("giving", isOver() ? "without state" : "with state")
    try output.emit(Rows.batch([rows.removeLast()]), output: 0)
    hasMore = !rows.isEmpty
  }
}

/// Counts rows by id, and does with a count what it is made for; behind an exchange by the id.
final class CountingOperator: StatefulOperator {
  enum Kind {
    /// Each id once, when it comes first.
    case distinct
    /// Each id as often as it came, at the end.
    case count
    /// Each id when it comes for the second time, and then forgets it.
    case pairs
  }

  private static let table = StateTable("counts", key: [int64("id")], value: [int64("count")])
  private let kind: Kind
  private let place: SubtaskContext
  private var counts: [Int64: Int64] = [:]
  private var changed: Set<Int64> = []
  private var tracks = false

  init(_ kind: Kind, _ place: SubtaskContext) {
    self.kind = kind
    self.place = place
  }

  var stateTables: [StateTable] { [Self.table] }
  func trackChanges() { tracks = true }

  func restore(_ entries: RecordBatch, table: Int) throws(Failure) {
    for row in 0..<entries.length {
      let id = entries.columns[0].values(Int64.self)[row]
      precondition(
        ModuloPartitioner.target(of: id, place.parallelism) == place.id.index && counts[id] == nil, "keys of its own")
      counts[id] = entries.columns[1].values(Int64.self)[row]
    }
  }

  func takeChanges(into changes: inout StateChanges) throws(Failure) {
    let there = changed.filter { counts[$0] != nil }.sorted()
    changes.put(columns([there, there.map { counts[$0] ?? 0 }], Self.table.entry), table: 0)
    changes.remove(columns([changed.filter { counts[$0] == nil }], Self.table.address), table: 0)
    changed = []
  }

  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    var found: [Int64] = []
    for id in Rows.ids(batch) {
      let count = (counts[id] ?? 0) + 1
      counts[id] = kind == .pairs && count == 2 ? nil : count
      if count == 1 && kind == .distinct || count == 2 && kind == .pairs { found.append(id) }
      if tracks { changed.insert(id) }
    }
    try output.emit(Rows.batch(found), output: 0)
  }

  func finish(to output: any Collector) throws(Failure) {
    guard kind == .count else { return }
    for (id, count) in counts { try output.emit(Rows.batch([Int64](repeating: id, count: Int(count))), output: 0) }
  }
}

/// Keeps rows that are no state, until a barrier or the end.
final class GatheringOperator: Operator {
  private var rows: [Int64] = []

  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) { rows += Rows.ids(batch) }
  func barrier(_ epoch: Epoch, to output: any Collector) throws(Failure) { try give(output) }
  func finish(to output: any Collector) throws(Failure) { try give(output) }

  private func give(_ output: any Collector) throws(Failure) {
    try output.emit(Rows.batch(rows), output: 0)
    rows = []
  }
}

/// Gives its rows one by one, as it is asked for more.
final class TricklingOperator: StatefulOperator {
  private var rows: [Int64] = []
  /// Given at barriers only, and then one by one too.
  private var kept: [Int64] = []

  var stateTables: [StateTable] { [] }
  func trackChanges() {}
  func restore(_ entries: RecordBatch, table: Int) throws(Failure) { preconditionFailure("it has no table") }
  func takeChanges(into changes: inout StateChanges) throws(Failure) {
    precondition(rows.isEmpty, "it has given all")
  }

  var hasMore: Bool { !rows.isEmpty }
  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    precondition(rows.isEmpty, "it has given all")
    let ids = Rows.ids(batch)
    rows = ids.filter { $0 % 4 != 1 }.reversed()
    kept += ids.filter { $0 % 4 == 1 }
  }
  func proceed(to output: any Collector) throws(Failure) {
    if let id = rows.popLast() { try output.emit(Rows.batch([id]), output: 0) }
  }
  func barrier(_ epoch: Epoch, to output: any Collector) throws(Failure) {
    precondition(rows.isEmpty, "it has given all")
    rows = kept.reversed()
    kept = []
  }
  func finish(to output: any Collector) throws(Failure) { rows = kept.reversed() }
}

/// Is full when two batches are under way, which come back one a call; none is at a barrier.
final class DelayingOperator: WaitingOperator {
  private var pending: [RecordBatch] = []

  var isFull: Bool { pending.count >= 2 }
  var isPending: Bool { !pending.isEmpty }
  var pendingRows: Int { pending.reduce(0) { $0 + $1.rowCount } }
  var wakeTime: ProcessingTime? { isPending ? ProcessingTime(microseconds: .min) : nil }
  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    pending.append(batch.compacted())
  }
  func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) {
    try output.emit(pending.removeFirst(), output: 0)
  }
  func barrier(_ epoch: Epoch, to output: any Collector) throws(Failure) {
    precondition(pending.isEmpty, "all has come back before a barrier")
  }
}

/// Its watermark is the highest id so far, less a delay.
final class MarkingOperator: StatefulOperator {
  private let delay: Int64
  let alignment: WatermarkAlignment?
  /// Whether it is idle after each batch.
  private let rests: Bool

  init(delay: Int64, alignment: WatermarkAlignment? = nil, rests: Bool = false) {
    self.delay = delay
    self.rests = rests
    self.alignment = alignment
  }

  var makesWatermarks: Bool { true }
  var stateTables: [StateTable] { [] }
  func trackChanges() {}
  func restore(_ entries: RecordBatch, table: Int) throws(Failure) { preconditionFailure("it has no table") }
  func takeChanges(into changes: inout StateChanges) throws(Failure) {}
  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    try output.emit(batch, output: 0)
    if let highest = Rows.ids(batch).max() { output.advance(to: EventTime(microseconds: highest - delay)) }
    if rests { output.becomeIdle() }
  }
}

/// Drops rows whose id is below the watermark, which it has from nowhere but what it was told.
final class LateOperator: StatefulOperator {
  private var watermark = EventTime.earliest

  var stateTables: [StateTable] { [] }
  func trackChanges() {}
  func restore(_ entries: RecordBatch, table: Int) throws(Failure) { preconditionFailure("it has no table") }
  func takeChanges(into changes: inout StateChanges) throws(Failure) {}
  func watermark(_ time: EventTime, to output: any Collector) throws(Failure) {
    precondition(time > watermark, "a watermark is told when it has moved on")
    watermark = time
  }
  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    try output.emit(Rows.filter(batch) { $0 >= watermark.microseconds }, output: 0)
  }
}

/// Whether what was asked for is answered.
final class EpochGate: Sendable {
  private struct State {
    var isOpen = false
    var isHolding = false
    var notifier: SubtaskNotifier?
  }

  private let state = Monitor(State())

  var isOpen: Bool { state.withLock { $0.isOpen } }
  var isHolding: Bool { state.withLock { $0.isHolding } }
  func hold(_ notifier: SubtaskNotifier) {
    state.withLock { state in
      state.isHolding = true
      state.notifier = notifier
    }
  }
  func open() {
    let notifier = state.withLock { state in
      state.isOpen = true
      return state.notifier
    }
    notifier?.notify()
  }
}

/// Has its rows answered by a gate.
final class GatedOperator: WaitingOperator {
  private let gate: EpochGate
  private let notifier: SubtaskNotifier
  private var held: [RecordBatch] = []

  init(_ gate: EpochGate, _ notifier: SubtaskNotifier) {
    self.gate = gate
    self.notifier = notifier
  }

  var isFull: Bool { !held.isEmpty }
  var isPending: Bool { !held.isEmpty }
  var pendingRows: Int { held.count }
  var wakeTime: ProcessingTime? { isPending && gate.isOpen ? ProcessingTime(microseconds: .min) : nil }
  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    held.append(batch)
    gate.hold(notifier)
  }
  func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) {
    try output.emit(held.removeFirst(), output: 0)
  }
}
