import Arrow
import Base
import Dataflow
import Expressions
import Observability
import State
import VolleyPlan

/// Joins each row of the first input with the version of its key that held at its event time: the last row of the second input that is not
/// later. Of several versions of one time the last one to come counts.
///
/// A row is told when the watermark has passed its time, so that every version that it may need is there. Of each key the versions since then are
/// kept, and the last one before. Rows that come behind the watermark are late: they are counted.
final class VersionJoinOperator: Operator {
  private let kind: Plan.JoinKind
  private let layout: JoinLayout
  private let condition: JoinCondition?
  private let output: JoinOutput
  private let state: JoinState
  private let metrics: StageMetrics
  private var reached = Int64.min
  private let steps = PendingSteps()

  init(
    _ join: Plan.Join, layout: JoinLayout, functions: any ScalarFunctionProvider, context: SubtaskContext
  ) throws(Failure) {
    kind = join.kind
    self.layout = layout
    condition = try join.condition.map { condition throws(Failure) in
      try JoinCondition(condition, layout, functions: functions)
    }
    output = JoinOutput(layout)
    state = JoinState(
      keyTypes: layout.keys[0].map { layout.inputs[0].fields[$0].type }, layout.inputs, expiring: true,
      memory: context.stateMemory)
    metrics = context.metrics
  }

  func open() throws(Failure) { try condition?.open() }
  func close() throws(Failure) {
    steps.removeAll()
    try condition?.close()
  }

  var hasMore: Bool { !steps.isEmpty }
  func proceed(to collector: any Collector) throws(Failure) { try steps.run(to: collector) }

  func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    if batch.rowCount == 0 { return }
    let time = layout.times[input]
    guard let timely = try withoutLate(batch.compacted(), time, behind: reached, metrics) else { return }
    let changes = input == 0 ? RowChanges(timely) : RowChanges(timely, kinds: layout.kindColumns[1])
    let batch = try JoinBatch(changes.rows, keys: layout.keys[input])
    if input == 0, kind == .left || kind == .anti, let keyless = batch.keyless {
      try collector.emit(output.batch([.whole(keyless), .none], count: keyless.length), output: 0)
    }
    if batch.count == 0 { return }
    let slots = try state.find(batch, input: input)
    let times = try EventTimes(batch.rows.columns[time.column], shift: time.shift)
    let numbers = SlotBuffer(count: batch.count)
    try state.stores[input].append(
      batch.rows, slots: slots.pointer, times: times.pointer, numbers: numbers.pointer)
    if input == 1, let ends = RowChanges.ends(of: batch.rows, kinds: layout.kindColumns[1]) {
      // A version that says that the key has no row.
      state.stores[1].mark(numbers.gather(ends))
    }
    withExtendedLifetime((slots, times)) {}
  }

  func watermark(_ time: EventTime, to collector: any Collector) throws(Failure) {
    guard time.microseconds > reached else { return }
    reached = time.microseconds
    tell()
    try steps.run(to: collector)
  }

  func finish(to collector: any Collector) throws(Failure) {
    reached = .max
    tell()
    try steps.run(to: collector)
  }

  private func tell() {
    var removed = false
    steps.loop { [self] () throws(Failure) in
      let numbers = state.stores[0].popExpired(before: reached, limit: state.stores.reduce(8_192) { $1.blockRows($0) })
      if numbers.isEmpty { return false }
      removed = true
      try tell(numbers)
      state.release(state.remove(numbers, count: numbers.count, input: 0))
      return true
    }
    steps.loop { [self] in
      let numbers = state.stores[1].popExpired(before: reached)
      if numbers.isEmpty { return false }
      removed = true
      forgetFormer(of: numbers)
      return true
    }
    steps.add { [self] () throws(Failure) in if removed { try state.settle() } }
  }

  /// Tells rows of the first input with their versions.
  private func tell(_ numbers: [UInt32]) throws(Failure) {
    let (rows, versions) = (state.stores[0], state.stores[1])
    let count = numbers.count
    let slots = SlotBuffer(count: count)
    let times = Buffer(byteCount: count * 8)
    rows.slots(of: numbers, count: count, into: slots.pointer)
    rows.times(of: numbers, count: count, into: times.unsafeMutableValues(Int64.self))
    let own = SlotBuffer(count: count)
    for index in 0..<count { own.pointer[index] = numbers[index] }
    let found = versions.latest(slots.pointer, count: count, upTo: times.values(Int64.self)).numbers
    withExtendedLifetime((slots, times)) {}
    let isEnd = versions.markedRows(found)
    var there = Selection((0..<count).filter { found.pointer[$0] != RowStore.missing && !isEnd[$0] })
    if let condition, there.count > 0 {
      let parts: [JoinPart] = [
        .stored(rows, own.selection.selecting(there)), .stored(versions, found.selection.selecting(there)),
      ]
      if let kept = try condition.select(parts, count: there.count) { there = there.selecting(kept) }
    }
    try emit(own, found, there)
  }

  /// - Parameter there: the rows that have a version.
  private func emit(
    _ own: SlotBuffer, _ found: SlotBuffer, _ there: Selection
  ) throws(Failure) {
    let (rows, versions) = (state.stores[0], state.stores[1])
    switch kind {
    case .left:
      let partners = SlotBuffer(count: own.count)
      partners.pointer.update(repeating: RowStore.missing, count: own.count)
      for index in 0..<there.count {
        let row = Int(there.rows[index])
        partners.pointer[row] = found.pointer[row]
      }
      let parts: [JoinPart] = [.stored(rows, own.selection), .stored(versions, partners.selection)]
      try emit(parts, own.count)
    case .anti:
      let has = Set((0..<there.count).map { there.rows[$0] })
      let alone = Selection((0..<own.count).filter { !has.contains(UInt32($0)) })
      try emit([.stored(rows, own.selection.selecting(alone)), .none], alone.count)
    case .semi: try emit([.stored(rows, own.selection.selecting(there)), .none], there.count)
    default:
      try emit(
        [.stored(rows, own.selection.selecting(there)), .stored(versions, found.selection.selecting(there))],
        there.count)
    }
    withExtendedLifetime((there, own, found)) {}
  }

  private func emit(_ parts: [JoinPart], _ count: Int) throws(Failure) {
    if count > 0 { steps.give(try output.batch(parts, count: count)) }
  }

  /// Forgets the versions before those that hold at the watermark, of the keys of some.
  private func forgetFormer(of numbers: [UInt32]) {
    let versions = state.stores[1]
    let all = SlotBuffer(count: numbers.count)
    versions.slots(of: numbers, count: numbers.count, into: all.pointer)
    let slots = Set((0..<numbers.count).map { all.pointer[$0] }).sorted()
    let limits = [Int64](repeating: reached == .max ? .max : reached - 1, count: slots.count)
    let (latest, found) = versions.latest(slots, count: slots.count, upTo: limits)
    let isEnd = versions.markedRows(latest)
    var holding: Set<UInt32> = []
    for index in 0..<latest.count where !isEnd[index] { holding.insert(latest.pointer[index]) }
    let gone = found.filter { !holding.contains($0) }
    state.release(state.remove(gone, count: gone.count, input: 1))
  }
}

extension RowStore {
  /// By slot asked for, its last row that is not later than `limits` says, of several of one time the last to be appended;
  /// `RowStore.missing` where there is none. And all rows that were looked at.
  func latest(
    _ slots: UnsafePointer<UInt32>, count: Int, upTo limits: UnsafePointer<Int64>
  ) -> (numbers: SlotBuffer, all: [UInt32]) {
    let result = SlotBuffer(count: count)
    result.pointer.update(repeating: RowStore.missing, count: count)
    let best = Buffer(byteCount: count * 8)
    let bestTimes = best.unsafeMutableValues(Int64.self)
    bestTimes.update(repeating: .min, count: count)
    var all: [UInt32] = []
    var cursor = RowCursor()
    while true {
      let found = match(slots, count: count, to: limits, cursor: &cursor, limit: 8_192)
      if found.count == 0 { break }
      let (indices, numbers) = (found.indices.values(UInt32.self), found.numbers.values(UInt32.self))
      let times = Buffer(byteCount: found.count * 8)
      self.times(of: numbers, count: found.count, into: times.unsafeMutableValues(Int64.self))
      for row in 0..<found.count {
        let (index, time) = (Int(indices[row]), times.values(Int64.self)[row])
        if time >= bestTimes[index] {
          bestTimes[index] = time
          result.pointer[index] = numbers[row]
        }
      }
      all.append(contentsOf: UnsafeBufferPointer(start: numbers, count: found.count))
      withExtendedLifetime((found, times)) {}
    }
    withExtendedLifetime(best) {}
    return (result, all)
  }

  /// Whether rows are marked; false for `RowStore.missing`.
  func markedRows(_ numbers: SlotBuffer) -> [Bool] {
    (0..<numbers.count).map { index in
      var number = numbers.pointer[index]
      if number == RowStore.missing { return false }
      var mark = false
      marks(of: &number, count: 1, into: &mark)
      return mark
    }
  }
}
