import Arrow
import Base
import Dataflow
import Expressions
import Observability
import State
import VolleyPlan

/// Joins the rows of a key that are in one session, which rows of all inputs make together: each comes less than the
/// gap after another.
///
/// A key is looked at when its first session may end. A row alone whose session would have ended is late: it is
/// counted.
final class SessionJoinOperator: RowKeepingJoin {
  private let gap: Int64
  private let rows: WindowJoinRows
  private let teller: WindowJoinTeller
  var search: JoinSearch { teller.search }
  var state: JoinState { rows.state }
  /// By slot of a key: a time at or before the end of its first session.
  private let deadlines = SlotDeadlines()
  private let metrics: StageMetrics
  /// Sessions that end at or before it have been told.
  private var told = Int64.min
  let steps = PendingSteps()

  init(
    _ join: Plan.Join, gap: Int64, layout: JoinLayout, functions: any ScalarFunctionProvider, context: SubtaskContext
  ) throws(Failure) {
    self.gap = gap
    metrics = context.metrics
    rows = WindowJoinRows(join.kind, layout, memory: context.stateMemory)
    teller = try WindowJoinTeller(join, layout, rows.state, steps, functions: functions)
  }

  func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    if batch.rowCount == 0 { return }
    let batch = batch.compacted()
    let times = try rows.times(of: batch, input: input)
    defer { withExtendedLifetime(times) {} }
    var (timely, doubtful): ([Int], [Int]) = ([], [])
    for row in 0..<batch.length {
      let time = times.pointer[row]
      guard time > .min + 2 * gap, time < .max - 4 * gap else { throw PaneSplit.beyond }
      if time + gap <= told { doubtful.append(row) } else { timely.append(row) }
    }
    let kept = doubtful.isEmpty ? batch : batch.selecting(Selection(timely)).compacted()
    if kept.length > 0 { try rows.append(kept, input: input, note) }
    var lateCount = 0
    for row in doubtful {
      let one = batch.slice(row..<(row + 1))
      let time = times.pointer[row]
      if try !rows.append(one, input: input, ifNear: (time - gap + 1)...(time + gap - 1), note) { lateCount += 1 }
    }
    if lateCount > 0 { metrics.addLateDropped(rows: lateCount) }
  }

  /// Rows have come: their keys are looked at when the sessions of the rows alone would end, or before.
  private func note(_ slots: SlotBuffer, _ times: EventTimes) {
    deadlines.grow(to: rows.state.slotCount)
    for row in 0..<slots.count {
      var (slot, end) = (slots.pointer[row], times.pointer[row] + gap)
      if end < deadlines.time(of: slot) { deadlines.set(&slot, &end, count: 1) }
    }
  }

  func restore(_ entries: RecordBatch, table: Int) throws(Failure) {
    let restored = try state.restore(entries, table: table)
    if let times = restored.times { note(restored.slots, times) }
  }

  var dueClock: DueClock? { .event }
  func dueTime(ofInput input: Int) -> ((Int64) -> Int64)? { { [gap] in $0.addingClamped(gap) } }

  func watermark(_ time: EventTime, to collector: any Collector) throws(Failure) {
    try tell(upTo: time.microseconds, to: collector)
  }

  func finish(to collector: any Collector) throws(Failure) { try tell(upTo: .max, to: collector) }

  private func tell(upTo time: Int64, to collector: any Collector) throws(Failure) {
    guard time >= told else { return }
    told = time
    steps.loop { [self] in
      let slots = deadlines.pop(upTo: time).map(\.slot)
      if slots.isEmpty { return false }
      tell(slots, upTo: time)
      return true
    }
    try steps.run(to: collector)
  }

  private struct Row {
    var index: Int
    var time: Int64
    var input: Int
    var number: UInt32
  }

  /// Tells the sessions of keys that have ended, and forgets their rows.
  private func tell(_ slots: [UInt32], upTo limit: Int64) {
    let all = allRows(of: slots)
    var windows = JoinWindows()
    var gone = [[UInt32]](repeating: [], count: rows.state.stores.count)
    var next = 0
    while next < all.count {
      let index = all[next].index
      var isOpen = false
      while next < all.count, all[next].index == index, !isOpen {
        let first = next
        var last = all[next].time
        next += 1
        while next < all.count, all[next].index == index, all[next].time - last < gap {
          last = all[next].time
          next += 1
        }
        let span = WindowSpan(start: all[first].time, end: last + gap)
        if span.end <= limit {
          windows.append(slots[index], from: span.start, to: last, of: span)
          for row in all[first..<next] { gone[row.input].append(row.number) }
        } else {
          var (slot, end) = (slots[index], span.end)
          deadlines.set(&slot, &end, count: 1)
          isOpen = true
        }
      }
      while next < all.count, all[next].index == index { next += 1 }
    }
    teller.tell(windows)
    steps.add { [self, gone] () throws(Failure) in
      for (input, numbers) in gone.enumerated() where !numbers.isEmpty {
        try rows.state.release(rows.state.remove(numbers, count: numbers.count, input: input))
      }
      try rows.state.settle()
    }
  }

  /// The rows of keys, by key and time.
  private func allRows(of slots: [UInt32]) -> [Row] {
    var all: [Row] = []
    for (input, store) in rows.state.stores.enumerated() {
      var cursor = RowCursor()
      while true {
        let found = store.match(slots, count: slots.count, cursor: &cursor, limit: 8_192)
        if found.count == 0 { break }
        let times = Buffer(byteCount: found.count * 8)
        let numbers = found.numbers.values(UInt32.self)
        store.times(of: numbers, count: found.count, into: times.unsafeMutableValues(Int64.self))
        for row in 0..<found.count {
          all.append(
            Row(
              index: Int(found.indices.values(UInt32.self)[row]), time: times.values(Int64.self)[row], input: input,
              number: numbers[row]))
        }
      }
    }
    all.sort { ($0.index, $0.time) < ($1.index, $1.time) }
    return all
  }
}
