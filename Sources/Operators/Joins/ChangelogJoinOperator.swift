import Arrow
import Base
import Dataflow
import Expressions
import Observability
import State
import VolleyPlan

/// An unbounded join of streams whose rows may revise former ones: what it gives is a changelog.
///
/// A row that is taken back takes back its pairs, and leaves the rows whose last partner it was without one. Of a batch
/// the rows that are taken back go before the new ones, unless a key has them the other way round. A row that is taken
/// back when it is kept no longer, since its time to live is over, is dropped and counted: what was told of it stays.
final class ChangelogJoinOperator: ExpiringJoin {
  private let kind: Plan.JoinKind
  private let layout: JoinLayout
  let search: JoinSearch
  private let output: JoinOutput
  let state: JoinState
  let expiry: JoinExpiry?
  private let clock: SubtaskClock
  private let metrics: StageMetrics
  private var order = ChangeOrder()
  let steps = PendingSteps()
  /// Rows told together.
  private static let batchRows = 8_192

  init(
    _ join: Plan.Join, _ bounds: Plan.UnboundedJoin, layout: JoinLayout, functions: any ScalarFunctionProvider,
    context: SubtaskContext
  ) throws(Failure) {
    kind = join.kind
    self.layout = layout
    search = try JoinSearch(join, layout, functions: functions)
    output = JoinOutput(layout)
    state = JoinState(
      layout, Self.format(join, bounds, layout), expiring: bounds.timeToLive != nil, indexed: layout.valueColumns,
      memory: context.stateMemory)
    metrics = context.metrics
    expiry = bounds.timeToLive.map { JoinExpiry($0) }
    clock = context.clock
  }

  static func format(_ join: Plan.Join, _ bounds: Plan.UnboundedJoin, _ layout: JoinLayout) -> JoinFormat {
    JoinFormat(layout) { _ in JoinFormat.Facts(times: bounds.timeToLive != nil, marks: join.kind != .inner) }
  }

  func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    if batch.rowCount == 0 { return }
    let now = clock.now.microseconds
    try expiry?.removeExpired(from: state, at: now)
    let rows = batch.compacted()
    let isTakenBack = RowChanges.takenBack(rows, kinds: layout.kindColumns[input])
    let parts = try JoinBatch.split(rows, keys: layout.keys[input])
    if let keyless = parts.keyless { try tellKeyless(rows, keyless, isTakenBack, input) }
    if let keyed = parts.keyed { try join(rows, keyed, isTakenBack, input, at: now) }
    try steps.run(to: collector)
  }

  private func join(
    _ rows: RecordBatch, _ keyed: Selection, _ isTakenBack: [Bool], _ input: Int, at now: Int64
  ) throws(Failure) {
    let batch = JoinBatch(
      all: keyed.count == rows.length ? rows : rows.selecting(keyed).compacted(), keys: layout.keys[input])
    let slots = try state.find(batch, input: input)
    let isBack = keyed.count == rows.length ? isTakenBack : (0..<keyed.count).map { isTakenBack[Int(keyed.rows[$0])] }
    for block in order.blocks(isBack, slots, slotCount: state.slotCount) {
      if let rows = block.takenBack {
        steps.add { [self] () throws(Failure) in
          try takeBack(batch.rows.selecting(rows).compacted(), slots.gather(rows), input)
        }
      }
      if let rows = block.new {
        steps.add { [self] in add(batch.rows.selecting(rows).compacted(), slots.gather(rows), input, at: now) }
      }
    }
    let touched = state.touched
    steps.add { [self] () throws(Failure) in
      // A key that came with nothing but rows to take back.
      let touchedSlots = touched.slots.values(UInt32.self)
      try state.release((0..<touched.count).map { touchedSlots[$0] })
      try state.settle()
    }
  }

  private func tells(_ input: Int) -> Bool { kind.keepsAll(ofInput: input) || (kind == .anti && input == 0) }

  private func tellKeyless(
    _ rows: RecordBatch, _ keyless: Selection, _ isTakenBack: [Bool], _ input: Int
  ) throws(Failure) {
    guard tells(input) else { return }
    // In their order: a row may come and be taken back in one batch.
    var first = 0
    while first < keyless.count {
      let isBack = isTakenBack[Int(keyless.rows[first])]
      var run: [Int] = []
      while first < keyless.count, isTakenBack[Int(keyless.rows[first])] == isBack {
        run.append(Int(keyless.rows[first]))
        first += 1
      }
      let parts = JoinSearch.inOrder(.chosen(rows, Selection(run)), .none, input: input)
      try give(parts, run.count, isBack ? .delete : .insert)
    }
    withExtendedLifetime(keyless) {}
  }

  private func give(_ parts: [JoinPart], _ count: Int, _ kind: RowKind) throws(Failure) {
    if count > 0 { steps.give(try output.batch(parts, count: count, kind)) }
  }

  // MARK: New rows

  private func add(_ rows: RecordBatch, _ slots: SlotBuffer, _ input: Int, at now: Int64) {
    let others = state.stores[1 - input]
    var found = RowMarks(count: rows.length)
    search.forEachPair(.whole(rows), count: rows.length, input: input, slots: slots.buffer, in: others, steps) {
      [self] pairs throws(Failure) in
      found.mark(pairs.rows)
      let first = others.markingFirst(pairs.numbers)
      try tellPartnered(first, input: 1 - input)
      if !kind.givesRowsOfFirst {
        try give(JoinSearch.parts(.whole(rows), pairs, input: input, in: others), pairs.count, .insert)
      }
    }
    steps.add { [self] () throws(Failure) in
      if let alone = found.unmarked(), tells(input) {
        try give(JoinSearch.inOrder(.chosen(rows, alone), .none, input: input), alone.count, .insert)
      }
      if kind == .semi, input == 0, let marked = found.marked() {
        try give([.chosen(rows, marked), .none], marked.count, .insert)
      }
      let numbers = SlotBuffer(count: rows.length)
      let times = WindowRows.constant(now, rows.length)
      try state.append(rows, slots, times: times.values(Int64.self), input: input, numbers)
      state.stores[input].mark(found.marked(numbers))
      withExtendedLifetime((slots, times)) {}
    }
  }

  /// Rows of an input that are kept have got their first partner.
  private func tellPartnered(_ numbers: Selection, input: Int) throws(Failure) {
    let parts = JoinSearch.inOrder(.stored(state.stores[input], numbers), .none, input: input)
    if tells(input) { try give(parts, numbers.count, .delete) }
    if kind == .semi, input == 0 { try give(parts, numbers.count, .insert) }
  }

  // MARK: Rows that are taken back

  private func takeBack(_ named: RecordBatch, _ namedSlots: SlotBuffer, _ input: Int) throws(Failure) {
    let numbers = try state.take(named, input: input)
    let there = numbers.present
    if there.count < named.length { metrics.addLateDropped(rows: named.length - there.count) }
    if there.count == 0 { return }
    let rows = named.selecting(there).compacted()
    let (slots, kept) = (namedSlots.gather(there), numbers.gather(there))
    let (own, others) = (state.stores[input], state.stores[1 - input])
    let hadPartner = own.markedRows(kept)
    _ = state.remove(kept.pointer, count: kept.count, input: input)
    withExtendedLifetime(kept) {}

    var found = RowMarks(count: rows.length)
    var partners: [UInt32] = []
    search.forEachPair(.whole(rows), count: rows.length, input: input, slots: slots.buffer, in: others, steps) {
      [self] pairs throws(Failure) in
      found.mark(pairs.rows)
      partners.append(contentsOf: UnsafeBufferPointer(start: pairs.numbers.rows, count: pairs.count))
      if !kind.givesRowsOfFirst {
        try give(JoinSearch.parts(.whole(rows), pairs, input: input, in: others), pairs.count, .delete)
      }
      withExtendedLifetime(pairs) {}
    }
    steps.add { [self] () throws(Failure) in
      let alone = Selection((0..<rows.length).filter { !hadPartner[$0] && !found.isMarked($0) })
      if tells(input) {
        try give(JoinSearch.inOrder(.chosen(rows, alone), .none, input: input), alone.count, .delete)
      }
      if kind == .semi, input == 0 {
        let partnered = Selection((0..<rows.length).filter { hadPartner[$0] || found.isMarked($0) })
        try give([.chosen(rows, partnered), .none], partnered.count, .delete)
      }
      tellDeserted(Set(partners).sorted(), input: 1 - input)
    }
  }

  /// Of rows of an input that have lost a partner, those that have none any more.
  private func tellDeserted(_ numbers: [UInt32], input: Int) {
    if !tells(input) && !(kind == .semi && input == 0) { return }
    let store = state.stores[input]
    for start in stride(from: 0, to: numbers.count, by: Self.batchRows) {
      let rows = SlotBuffer(Array(numbers[start..<min(numbers.count, start + Self.batchRows)]))
      let slots = SlotBuffer(count: rows.count)
      store.slots(of: rows.pointer, count: rows.count, into: slots.pointer)
      var found = RowMarks(count: rows.count)
      search.forEachPair(
        .stored(store, rows.selection), count: rows.count, input: input, slots: slots.buffer,
        in: state.stores[1 - input], steps
      ) { found.mark($0.rows) }
      steps.add { [self] () throws(Failure) in
        guard let alone = found.unmarked() else { return }
        let deserted = rows.gather(alone)
        store.unmark(deserted.pointer, count: deserted.count)
        let parts = JoinSearch.inOrder(.stored(store, deserted.selection), .none, input: input)
        try give(parts, deserted.count, tells(input) ? .insert : .delete)
      }
    }
  }
}
