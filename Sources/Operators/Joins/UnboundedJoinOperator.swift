import Arrow
import Base
import Dataflow
import Expressions
import State
import VolleyPlan

/// Joins all rows of a key, as long as they are kept: a row that comes meets those of the other input that came before
/// it.
///
/// An inner or semi join gives new rows only. The others tell a row without a partner as soon as it comes, and take
/// that back ("-D") when the first partner comes: their output is a changelog. A partner that is kept no longer changes
/// nothing that was told.
final class UnboundedJoinOperator: ExpiringJoin {
  private let kind: Plan.JoinKind
  private let layout: JoinLayout
  let search: JoinSearch
  private let output: JoinOutput
  let state: JoinState
  let expiry: JoinExpiry?
  private let clock: SubtaskClock
  let steps = PendingSteps()
  /// Whether of the second input's rows only their keys matter: of each key one is kept, without columns.
  private let secondIsKeysOnly: Bool

  init(
    _ join: Plan.Join, _ bounds: Plan.UnboundedJoin, layout: JoinLayout, functions: any ScalarFunctionProvider,
    context: SubtaskContext
  ) throws(Failure) {
    kind = join.kind
    self.layout = layout
    search = try JoinSearch(join, layout, functions: functions)
    output = JoinOutput(layout)
    secondIsKeysOnly = Self.keepsKeysOnly(join)
    state = JoinState(
      layout, Self.format(join, bounds, layout),
      schemas: secondIsKeysOnly ? [layout.inputs[0], Schema([])] : layout.inputs,
      expiring: bounds.timeToLive != nil, memory: context.stateMemory)
    expiry = bounds.timeToLive.map { JoinExpiry($0) }
    clock = context.clock
  }

  private static func keepsKeysOnly(_ join: Plan.Join) -> Bool {
    join.kind.givesRowsOfFirst && join.condition == nil
  }

  static func format(_ join: Plan.Join, _ bounds: Plan.UnboundedJoin, _ layout: JoinLayout) -> JoinFormat {
    JoinFormat(layout) { input in
      JoinFormat.Facts(
        times: bounds.timeToLive != nil, marks: join.kind.keepsAll(ofInput: input),
        keysOnly: input == 1 && keepsKeysOnly(join))
    }
  }

  func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    if batch.rowCount == 0 { return }
    let now = clock.now.microseconds
    try expiry?.removeExpired(from: state, at: now)
    let batch = try JoinBatch(batch, keys: layout.keys[input])
    if let keyless = batch.keyless { try tellAlone(keyless, input: input) }
    if batch.count > 0 {
      let slots = try state.find(batch, input: input)
      if !kind.givesRowsOfFirst {
        joinBoth(batch.rows, slots, input: input, at: now)
      } else if input == 0 {
        joinFirst(batch.rows, slots, at: now)
      } else if secondIsKeysOnly {
        joinKeys(state.touched, at: now)
      } else {
        joinSecond(batch.rows, slots, at: now)
      }
    }
    try steps.run(to: collector)
  }

  // MARK: Pairs

  private func joinBoth(_ rows: RecordBatch, _ slots: SlotBuffer, input: Int, at now: Int64) {
    let others = state.stores[1 - input]
    let keepsOwn = kind.keepsAll(ofInput: input)
    let keepsOthers = kind.keepsAll(ofInput: 1 - input)
    var found = RowMarks(count: keepsOwn ? rows.length : 0)
    search.forEachPair(.whole(rows), count: rows.length, input: input, slots: slots.buffer, in: others, steps) {
      [self] pairs throws(Failure) in
      if keepsOwn { found.mark(pairs.rows) }
      if keepsOthers {
        let first = others.markingFirst(pairs.numbers)
        if first.count > 0 {
          let parts = JoinSearch.inOrder(.none, .stored(others, first), input: input)
          steps.give(try output.batch(parts, count: first.count, .delete))
        }
      }
      let parts = JoinSearch.parts(.whole(rows), pairs, input: input, in: others)
      if layout.isChangelog {
        steps.give(try output.batch(parts, count: pairs.count))
      } else {
        steps.give(output.rows(parts, count: pairs.count))
      }
    }
    steps.add { [self] () throws(Failure) in
      if keepsOwn, let alone = found.unmarked() {
        try tellAlone(rows.selecting(alone).compacted(), input: input)
      }
      let numbers = SlotBuffer(count: rows.length)
      try append(rows, slots, input: input, at: now, numbers: numbers)
      if keepsOwn { state.stores[input].mark(found.marked(numbers)) }
    }
  }

  /// Rows that have no partner: told at once where the kind keeps them.
  private func tellAlone(_ rows: RecordBatch, input: Int) throws(Failure) {
    guard kind.keepsAll(ofInput: input) || (kind == .anti && input == 0) else { return }
    let parts = JoinSearch.inOrder(.whole(rows), .none, input: input)
    steps.give(try output.batch(parts, count: rows.length))
  }

  // MARK: Rows of the first input with and without partners

  /// Those that have a partner are done with; the others are kept until one comes.
  private func joinFirst(_ rows: RecordBatch, _ slots: SlotBuffer, at now: Int64) {
    var found = RowMarks(count: rows.length)
    search.forEachPair(.whole(rows), count: rows.length, input: 0, slots: slots.buffer, in: state.stores[1], steps) {
      found.mark($0.rows)
    }
    steps.add { [self] () throws(Failure) in
      if kind == .semi, let partnered = found.marked() {
        let parts: [JoinPart] = [.whole(rows.selecting(partnered).compacted()), .none]
        steps.give(try output.batch(parts, count: partnered.count))
      }
      guard let alone = found.unmarked() else { return }
      let kept = rows.selecting(alone).compacted()
      if kind == .anti { try tellAlone(kept, input: 0) }
      try append(kept, slots.gather(alone), input: 0, at: now)
    }
  }

  private func joinSecond(_ rows: RecordBatch, _ slots: SlotBuffer, at now: Int64) {
    partner(.whole(rows), slots) { [self] () throws(Failure) in try append(rows, slots, input: 1, at: now) }
  }

  /// Keys of the second input, each once: a key that is on many rows meets those that wait for it once.
  private func joinKeys(_ touched: TouchedSlots, at now: Int64) {
    var slots = SlotBuffer(touched.slots, count: touched.count)
    if expiry == nil {
      // One that is there has met all that waited for it, and stays as it is.
      slots = slots.gather(Selection((0..<slots.count).filter { !state.stores[1].hasRows(slots.pointer[$0]) }))
    }
    partner(.none, slots) { [self] () throws(Failure) in
      state.stores[1].remove(rowsOf: slots.pointer, count: slots.count)
      try append(RecordBatch(schema: Schema([]), columns: [], length: slots.count), slots, input: 1, at: now)
    }
  }

  /// Rows of the first input get partners, rows of the second input of these slots: they are told, and kept no longer.
  ///
  /// - Parameter keep: keeps the rows of the second input.
  private func partner(_ rows: JoinPart, _ slots: SlotBuffer, _ keep: @escaping () throws(Failure) -> Void) {
    let others = state.stores[0]
    var partnered: [UInt32] = []
    search.forEachPair(rows, count: slots.count, input: 1, slots: slots.buffer, in: others, steps) {
      [self] pairs throws(Failure) in
      let first = others.markingFirst(pairs.numbers)
      if first.count == 0 { return }
      let parts: [JoinPart] = [.stored(others, first), .none]
      steps.give(try output.batch(parts, count: first.count, kind == .anti ? .delete : .insert))
      partnered.append(contentsOf: UnsafeBufferPointer(start: first.rows, count: first.count))
      withExtendedLifetime(first) {}
    }
    steps.add { [self] () throws(Failure) in
      try keep()
      // The slots have rows of the second input.
      partnered.withUnsafeBufferPointer { numbers in
        if let base = numbers.baseAddress { _ = state.remove(base, count: numbers.count, input: 0) }
      }
    }
  }

  // MARK: What is kept

  private func append(
    _ rows: RecordBatch, _ slots: SlotBuffer, input: Int, at now: Int64, numbers: SlotBuffer? = nil
  ) throws(Failure) {
    guard expiry != nil else {
      try state.stores[input].append(rows, slots: slots.pointer, numbers: numbers?.pointer)
      return
    }
    let times = WindowRows.constant(now, rows.length)
    try state.stores[input].append(
      rows, slots: slots.pointer, times: times.values(Int64.self), numbers: numbers?.pointer)
    withExtendedLifetime(times) {}
  }
}
