import Arrow
import Base
import Dataflow
import Expressions
import Observability
import State
import VolleyPlan

/// Joins each row of the first input with the version of its key that held at its event time: the last row of the
/// second input that is not later. Of several versions of one time the last one to come counts. A row of a changelog
/// that is taken back does not hold from the time on that it comes back with; then the one before it does that was not
/// taken back.
///
/// A row is told when the watermark has passed its time, so that every version that it may need is there. Of each key
/// the versions since then are kept, and the last one before. Rows that come behind the watermark are late: they are
/// counted.
final class VersionJoinOperator: RowKeepingJoin {
  private let kind: Plan.JoinKind
  private let layout: JoinLayout
  let search: JoinSearch
  private let output: JoinOutput
  let state: JoinState
  private let metrics: StageMetrics
  private let walk: VersionWalk
  private var order = ChangeOrder()
  private var reached = Int64.min
  let steps = PendingSteps()

  init(
    _ join: Plan.Join, layout: JoinLayout, functions: any ScalarFunctionProvider, context: SubtaskContext
  ) throws(Failure) {
    kind = join.kind
    self.layout = layout
    search = try JoinSearch(join, layout, functions: functions)
    output = JoinOutput(layout)
    state = JoinState(
      layout, Self.format(layout), expiring: true,
      indexed: [nil, layout.valueColumns[1]?.filter { $0 != layout.times[1].column }], memory: context.stateMemory)
    metrics = context.metrics
    walk = VersionWalk(versions: state.stores[1], ends: layout.kindColumns[1] == nil ? nil : state.ends)
  }

  static func format(_ layout: JoinLayout) -> JoinFormat {
    JoinFormat(layout) { input in
      let isRevised = input == 1 && layout.kindColumns[1] != nil
      return JoinFormat.Facts(marks: isRevised, ends: isRevised)
    }
  }

  func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    if batch.rowCount == 0 { return }
    let time = layout.times[input]
    guard let timely = try withoutLate(batch.compacted(), time, behind: reached, metrics) else { return }
    let batch = try JoinBatch(timely, keys: layout.keys[input])
    if input == 0, kind == .left || kind == .anti, let keyless = batch.keyless {
      try collector.emit(output.batch([.whole(keyless), .none], count: keyless.length), output: 0)
    }
    if batch.count == 0 { return }
    let slots = try state.find(batch, input: input)
    if input == 1, let kinds = layout.kindColumns[1] { return try change(batch, slots, kinds: kinds) }
    _ = try append(batch.rows, slots, input: input)
    withExtendedLifetime(slots) {}
  }

  private func append(_ rows: RecordBatch, _ slots: SlotBuffer, input: Int) throws(Failure) -> SlotBuffer {
    let time = layout.times[input]
    let times = try EventTimes(rows.columns[time.column], shift: time.shift)
    let numbers = SlotBuffer(count: rows.length)
    try state.append(rows, slots, times: times.pointer, input: input, numbers)
    withExtendedLifetime(times) {}
    return numbers
  }

  private func change(_ batch: JoinBatch, _ slots: SlotBuffer, kinds: Int) throws(Failure) {
    let isBack = RowChanges.takenBack(batch.rows, kinds: kinds)
    let touched = state.touched
    for block in order.blocks(isBack, slots, slotCount: state.slotCount) {
      if let rows = block.takenBack { try end(batch.rows.selecting(rows).compacted(), slots.gather(rows)) }
      guard let rows = block.new else { continue }
      let numbers = try append(batch.rows.selecting(rows).compacted(), slots.gather(rows), input: 1)
      for index in 0..<numbers.count { state.setEnd(of: numbers.pointer[index], .max) }
    }
    // A key that came with nothing but rows to take back.
    let touchedSlots = touched.slots.values(UInt32.self)
    try state.release((0..<touched.count).map { touchedSlots[$0] })
    withExtendedLifetime((slots, touched)) {}
  }

  /// Versions end, at the times of these rows. What says so is kept until the watermark has passed it, and marked.
  private func end(_ named: RecordBatch, _ namedSlots: SlotBuffer) throws(Failure) {
    let numbers = try state.take(named, input: 1)
    let there = numbers.present
    if there.count == 0 { return }
    let rows = named.selecting(there).compacted()
    let (slots, ended) = (namedSlots.gather(there), numbers.gather(there))
    let time = layout.times[1]
    let times = try EventTimes(rows.columns[time.column], shift: time.shift)
    for index in 0..<there.count { state.setEnd(of: ended.pointer[index], times.pointer[index]) }
    let told = SlotBuffer(count: there.count)
    try state.stores[1].append(rows, slots: slots.pointer, times: times.pointer, numbers: told.pointer)
    state.stores[1].mark(told)
    for index in 0..<told.count { state.setEnd(of: told.pointer[index], .max) }
    withExtendedLifetime((slots, times)) {}
  }

  var dueClock: DueClock? { .event }
  func dueTime(ofInput input: Int) -> ((Int64) -> Int64)? { { $0.addingClamped(1) } }

  func watermark(_ time: EventTime, to collector: any Collector) throws(Failure) {
    guard time.microseconds >= reached else { return }
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
      try state.release(state.remove(numbers, count: numbers.count, input: 0))
      return true
    }
    steps.loop { [self] () throws(Failure) in
      let numbers = state.stores[1].popExpired(before: reached)
      if numbers.isEmpty { return false }
      removed = true
      try forgetFormer(of: numbers)
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
    let found = walk.holding(slots, at: times.values(Int64.self))
    withExtendedLifetime((slots, times)) {}
    var there = found.present
    if there.count > 0 {
      let parts: [JoinPart] = [
        .stored(rows, own.selection.selecting(there)), .stored(versions, found.selection.selecting(there)),
      ]
      if let kept = try search.select(parts, count: there.count) { there = there.selecting(kept) }
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
  private func forgetFormer(of numbers: [UInt32]) throws(Failure) {
    let versions = state.stores[1]
    let all = SlotBuffer(count: numbers.count)
    versions.slots(of: numbers, count: numbers.count, into: all.pointer)
    let slots = Set((0..<numbers.count).map { all.pointer[$0] }).sorted()
    let gone = walk.former(slots, at: reached)
    try state.release(state.remove(gone, count: gone.count, input: 1))
  }
}

extension RowStore {
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
