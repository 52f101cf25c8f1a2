import Arrow
import Base
import Dataflow
import Expressions
import State
import VolleyPlan

/// Joins each row of the first input, when it comes, with the rows of the second input that are kept then: what was
/// read to its end before, or what has come so far. Rows of the first input are not kept.
final class SideJoinOperator: RowKeepingJoin {
  private let kind: Plan.JoinKind
  private let bounds: Plan.SideJoin
  private let layout: JoinLayout
  let search: JoinSearch
  private let output: JoinOutput
  let state: JoinState
  /// Whether a row takes the place of those that have its key.
  private let keepsLatest: Bool
  private var order = ChangeOrder()
  /// By slot: the last batch that had a row for it.
  private let batches = SlotColumn<UInt64>(initial: 0)
  private var batch: UInt64 = 0
  let steps = PendingSteps()
  /// Whether all subtasks have the same rows: the first one's are the state of all then.
  private let isEverywhere: Bool
  private let subtask: Int
  private let parallelism: Int
  /// How many subtasks there were when the entries were written that are there; nil: there are none.
  private var writtenFor: Int?

  init(
    _ join: Plan.Join, _ bounds: Plan.SideJoin, layout: JoinLayout, functions: any ScalarFunctionProvider,
    context: SubtaskContext
  ) throws(Failure) {
    kind = join.kind
    self.bounds = bounds
    self.layout = layout
    search = try JoinSearch(join, layout, functions: functions)
    output = JoinOutput(layout)
    state = JoinState(
      layout, Self.format(bounds, layout), expiring: false, indexed: layout.valueColumns, memory: context.stateMemory)
    keepsLatest = bounds.keep == .latest
    isEverywhere = bounds.spread == .broadcast
    subtask = context.id.index
    parallelism = context.parallelism
  }

  // MARK: State

  private static func format(_ bounds: Plan.SideJoin, _ layout: JoinLayout) -> JoinFormat {
    JoinFormat(layout) { $0 == 0 ? nil : JoinFormat.Facts(everywhere: bounds.spread == .broadcast) }
  }

  /// The rows of the second input; behind those that all subtasks have, how many subtasks there were.
  static func tables(_ bounds: Plan.SideJoin, _ layout: JoinLayout) -> [StateTable] {
    let rows = format(bounds, layout).tables
    if bounds.spread != .broadcast { return rows }
    return rows + [
      StateTable(
        "$written", scope: .subtask, key: [], value: [Field("parallelism", .int64, nullable: false)])
    ]
  }

  var stateTables: [StateTable] { Self.tables(bounds, layout) }
  private var isWriter: Bool { !isEverywhere || subtask == 0 }
  func trackChanges() { if isWriter { state.trackChanges() } }

  func restore(_ entries: RecordBatch, table: Int) throws(Failure) {
    if table == 0 {
      try state.restore(entries, table: 0)
    } else {
      writtenFor = Int(entries.columns[0].values(Int64.self)[0])
    }
  }

  func restored() throws(Failure) {
    if isEverywhere, writtenFor != parallelism {
      // Entries of other subtasks are gone.
      writtenFor = nil
      state.stores[1].noteChangeOfAll()
    }
    try state.settle()
  }

  func takeChanges(into changes: inout StateChanges) throws(Failure) {
    guard isWriter else { return }
    try state.takeChanges(into: &changes)
    if !isEverywhere || writtenFor == parallelism { return }
    writtenFor = parallelism
    let column = Column.constant(.int64(Int64(parallelism)), count: 1)
    changes.put(RecordBatch(schema: stateTables[1].entry, columns: [column], length: 1), table: 1)
  }

  // MARK: Rows

  func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    if batch.rowCount == 0 { return }
    guard input == 0 else {
      try keep(batch.compacted())
      return
    }
    try join(batch.compacted())
    try steps.run(to: collector)
  }

  private func join(_ batch: RecordBatch) throws(Failure) {
    let batch = try JoinBatch(batch, keys: layout.keys[0])
    let tellsAlone = kind == .left || kind == .anti
    if tellsAlone, let keyless = batch.keyless {
      steps.give(try output.batch([.whole(keyless), .none], count: keyless.length))
    }
    if batch.count == 0 { return }
    let slots = try state.lookup(batch)
    let side = state.stores[1]
    var found = RowMarks(count: kind == .inner ? 0 : batch.count)
    search.forEachPair(
      .whole(batch.rows), count: batch.count, input: 0, slots: slots.buffer, in: side, lastOnly: keepsLatest, steps
    ) {
      [self] pairs throws(Failure) in
      if kind != .inner { found.mark(pairs.rows) }
      if kind.givesRowsOfFirst { return }
      let parts = JoinSearch.parts(.whole(batch.rows), pairs, input: 0, in: side)
      steps.give(output.rows(parts, count: pairs.count))
    }
    steps.add { [self] () throws(Failure) in
      if kind == .semi, let marked = found.marked() {
        steps.give(try output.batch([.chosen(batch.rows, marked), .none], count: marked.count))
      }
      if tellsAlone, let alone = found.unmarked() {
        steps.give(try output.batch([.chosen(batch.rows, alone), .none], count: alone.count))
      }
    }
  }

  private func keep(_ batch: RecordBatch) throws(Failure) {
    let batch = try JoinBatch(batch, keys: layout.keys[1])
    if batch.count == 0 { return }
    let slots = try state.find(batch, input: 1)
    defer { withExtendedLifetime(slots) {} }
    if let kinds = layout.kindColumns[1] { return try change(batch, slots, kinds: kinds) }
    guard keepsLatest else {
      try state.stores[1].append(batch.rows, slots: slots.pointer)
      return
    }
    let touched = state.touched
    state.stores[1].remove(rowsOf: touched.slots.values(UInt32.self), count: touched.count)
    let kept = lastRows(slots)
    let keptSlots = slots.gather(kept)
    try state.stores[1].append(batch.rows.selecting(kept), slots: keptSlots.pointer)
    withExtendedLifetime(keptSlots) {}
  }

  /// Of a changelog all rows are kept that hold: a row that goes to another key leaves one behind that was there before
  /// it.
  private func change(_ batch: JoinBatch, _ slots: SlotBuffer, kinds: Int) throws(Failure) {
    let isBack = RowChanges.takenBack(batch.rows, kinds: kinds)
    let touched = state.touched
    for block in order.blocks(isBack, slots, slotCount: state.slotCount) {
      if let rows = block.takenBack {
        let numbers = try state.take(batch.rows.selecting(rows).compacted(), input: 1)
        let gone = numbers.gather(numbers.present)
        _ = state.remove(gone.pointer, count: gone.count, input: 1)
        withExtendedLifetime(gone) {}
      }
      if let rows = block.new {
        let numbers = SlotBuffer(count: rows.count)
        try state.append(batch.rows.selecting(rows).compacted(), slots.gather(rows), input: 1, numbers)
      }
    }
    let touchedSlots = touched.slots.values(UInt32.self)
    try state.release((0..<touched.count).map { touchedSlots[$0] })
    withExtendedLifetime(touched) {}
  }

  /// The last row of each slot.
  private func lastRows(_ slots: SlotBuffer) -> Selection {
    batches.grow(to: state.slotCount)
    batch += 1
    var last: [Int] = []
    for row in stride(from: slots.count - 1, through: 0, by: -1) {
      let slot = Int(slots.pointer[row])
      if batches.values[slot] == batch { continue }
      batches.values[slot] = batch
      last.append(row)
    }
    return Selection(last.reversed())
  }
}
