import Arrow
import Base
import Dataflow
import Expressions
import Observability
import State
import VolleyPlan

/// Joins rows of a key whose event times are within an interval of each other: left.time + lower ≤ right.time ≤
/// left.time + upper.
///
/// Pairs are told as soon as both rows are there, rows without a partner when the watermark says that none can come:
/// all rows are new ones. A row is kept until then. One that comes behind the watermark is late: it is counted, and
/// joins nothing.
///
/// The watermark behind the operator is as far behind as a row's event time may be when its last partner comes.
final class IntervalJoinOperator: RowKeepingJoin {
  private let kind: Plan.JoinKind
  private let interval: JoinInterval
  private let layout: JoinLayout
  let search: JoinSearch
  private let output: JoinOutput
  let state: JoinState
  private let metrics: StageMetrics
  /// Microseconds by which the watermark is held back.
  private let delay: Int64
  private var reached = Int64.min
  let steps = PendingSteps()

  init(
    _ join: Plan.Join, _ interval: JoinInterval, layout: JoinLayout, functions: any ScalarFunctionProvider,
    context: SubtaskContext
  ) throws(Failure) {
    kind = join.kind
    self.interval = interval
    self.layout = layout
    search = try JoinSearch(join, layout, functions: functions)
    output = JoinOutput(layout)
    state = JoinState(layout, Self.format(join.kind, layout), expiring: true, memory: context.stateMemory)
    metrics = context.metrics
    delay = max(0, kind == .right ? -interval.lower : interval.upper)
  }

  static func format(_ kind: Plan.JoinKind, _ layout: JoinLayout) -> JoinFormat {
    JoinFormat(layout) { JoinFormat.Facts(marks: kind.keepsAll(ofInput: $0)) }
  }

  var dueClock: DueClock? { .event }

  func dueTime(ofInput input: Int) -> ((Int64) -> Int64)? {
    let distance = (input == 0 ? interval.upper : 0 - interval.lower).addingClamped(1)
    return { $0.addingClamped(distance) }
  }

  var makesWatermarks: Bool { delay > 0 }
  // What was to be given when the watermark came has been given.
  func inputBecame(idle: Bool, to collector: any Collector) { collector.follow(idle: idle) }

  func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    if batch.rowCount == 0 { return }
    guard let timely = try withoutLate(batch.compacted(), layout.times[input], behind: reached, metrics) else { return }
    let batch = try JoinBatch(timely, keys: layout.keys[input])
    if let keyless = batch.keyless {
      try tellAlone(.whole(keyless), count: keyless.length, input: input)
    }
    if batch.count > 0 {
      let slots = try state.find(batch, input: input)
      let times = try EventTimes(
        batch.rows.columns[layout.times[input].column], shift: layout.times[input].shift)
      let bounds = interval.partners(of: times, input: input)
      if kind.givesRowsOfFirst {
        joinByExistence(batch.rows, slots, times, bounds, input: input)
      } else {
        joinBoth(batch.rows, slots, times, bounds, input: input)
      }
    }
    try steps.run(to: collector)
  }

  private func joinBoth(
    _ rows: RecordBatch, _ slots: SlotBuffer, _ times: EventTimes, _ bounds: (low: Buffer, high: Buffer), input: Int
  ) {
    let others = state.stores[1 - input]
    let (keepsOwn, keepsOthers) = (kind.keepsAll(ofInput: input), kind.keepsAll(ofInput: 1 - input))
    var found = RowMarks(count: keepsOwn ? rows.length : 0)
    search.forEachPair(
      .whole(rows), count: rows.length, input: input, slots: slots.buffer, times: bounds, in: others, steps
    ) { [self] pairs throws(Failure) in
      if keepsOwn { found.mark(pairs.rows) }
      if keepsOthers { others.mark(pairs.numbers.rows, count: pairs.count) }
      let parts = JoinSearch.parts(.whole(rows), pairs, input: input, in: others)
      steps.give(output.rows(parts, count: pairs.count))
    }
    steps.add { [self] () throws(Failure) in
      let numbers = SlotBuffer(count: rows.length)
      try state.stores[input].append(rows, slots: slots.pointer, times: times.pointer, numbers: numbers.pointer)
      if keepsOwn { state.stores[input].mark(found.marked(numbers)) }
    }
  }

  /// A row of the first input is done with when it has a partner.
  private func joinByExistence(
    _ rows: RecordBatch, _ slots: SlotBuffer, _ times: EventTimes, _ bounds: (low: Buffer, high: Buffer), input: Int
  ) {
    let others = state.stores[1 - input]
    var found = RowMarks(count: input == 0 ? rows.length : 0)
    var partnered: [UInt32] = []
    search.forEachPair(
      .whole(rows), count: rows.length, input: input, slots: slots.buffer, times: bounds, in: others, steps
    ) { [self] pairs throws(Failure) in
      if input == 0 {
        found.mark(pairs.rows)
        return
      }
      let first = others.markingFirst(pairs.numbers)
      partnered.append(contentsOf: UnsafeBufferPointer(start: first.rows, count: first.count))
      if kind == .semi, first.count > 0 {
        steps.give(try output.batch([.stored(others, first), .none], count: first.count))
      }
      withExtendedLifetime(first) {}
    }
    steps.add { [self] () throws(Failure) in
      guard input == 0 else {
        try state.stores[1].append(rows, slots: slots.pointer, times: times.pointer)
        // Their slots have rows of the second input.
        _ = state.remove(partnered, count: partnered.count, input: 0)
        return
      }
      if kind == .semi, let marked = found.marked() {
        steps.give(try output.batch([.chosen(rows, marked), .none], count: marked.count))
      }
      guard let alone = found.unmarked() else { return }
      let (keptSlots, keptTimes) = (slots.gather(alone), times.gather(alone))
      try state.stores[0].append(
        rows.selecting(alone), slots: keptSlots.pointer, times: keptTimes.values(Int64.self))
      withExtendedLifetime((keptSlots, keptTimes)) {}
    }
  }

  private func tellAlone(_ rows: JoinPart, count: Int, input: Int) throws(Failure) {
    guard kind.keepsAll(ofInput: input) || (kind == .anti && input == 0) else { return }
    steps.give(try output.batch(JoinSearch.inOrder(rows, .none, input: input), count: count))
  }

  // MARK: Time

  func watermark(_ time: EventTime, to collector: any Collector) throws(Failure) {
    reached = max(reached, time.microseconds)
    expire()
    let (held, overflow) = reached.subtractingReportingOverflow(delay)
    if delay > 0, !overflow { steps.advance(to: EventTime(microseconds: held)) }
    try steps.run(to: collector)
  }

  func finish(to collector: any Collector) throws(Failure) {
    reached = .max
    expire()
    try steps.run(to: collector)
  }

  /// Removes rows that no row which is still to come can be a partner of, and tells those that had none.
  private func expire() {
    var removed = false
    for input in 0...1 {
      let store = state.stores[input]
      let tells = kind.keepsAll(ofInput: input) || (kind == .anti && input == 0)
      let limit = interval.limit(ofInput: input, at: reached)
      steps.loop { [self] () throws(Failure) in
        let numbers = store.popExpired(before: limit, limit: store.blockRows(8_192))
        if numbers.isEmpty { return false }
        removed = true
        if tells {
          let alone = store.unmarked(numbers)
          if alone.count > 0 { try tellAlone(.stored(store, alone), count: alone.count, input: input) }
        }
        try state.release(state.remove(numbers, count: numbers.count, input: input))
        return true
      }
    }
    steps.add { [self] () throws(Failure) in if removed { try state.settle() } }
  }
}

/// Which times the partners of a row have: right.time - left.time is in `lower...upper`, microseconds.
struct JoinInterval {
  let lower: Int64
  let upper: Int64

  /// By row of an input: the earliest and the latest time of its partners, 8 bytes each.
  func partners(of times: EventTimes, input: Int) -> (low: Buffer, high: Buffer) {
    let (low, high) = input == 0 ? (lower, upper) : (0 - upper, 0 - lower)
    let buffers = (low: Buffer(byteCount: times.count * 8), high: Buffer(byteCount: times.count * 8))
    let (lows, highs) = (buffers.low.unsafeMutableValues(Int64.self), buffers.high.unsafeMutableValues(Int64.self))
    for row in 0..<times.count {
      lows[row] = times.pointer[row].addingClamped(low)
      highs[row] = times.pointer[row].addingClamped(high)
    }
    return buffers
  }

  /// Rows of the input before this time have no partner to come when the watermark has come to `time`.
  func limit(ofInput input: Int, at time: Int64) -> Int64 {
    if time == .max { return .max }
    return time.addingClamped(input == 0 ? 0 - upper : lower)
  }
}

extension Int64 {
  /// The sum, or the end of the range that it is beyond.
  @inline(__always)  // Two instructions in loops over rows.
  func addingClamped(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other < 0 ? .min : .max) : sum
  }
}
