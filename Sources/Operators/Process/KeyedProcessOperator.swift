import Arrow
import Base
import Dataflow
import VolleyPlan

/// Runs user code by key, with state and timers.
///
/// The code is called once a batch. When a call returns, what it wrote is kept, then what it emitted goes on, then its timers that are
/// due fire, those of event time up to the last watermark and those of processing time up to the time of the call. A call that throws
/// leaves nothing behind.
public final class KeyedProcessOperator: StatefulOperator {
  /// Which columns of the input are what.
  public struct Columns: Sendable {
    /// The key's.
    public var keys: [Int]
    /// Those that the function takes, in its order.
    public var rows: [Int]
    /// The rows' event time, and microseconds to be added to it; nil when there is none.
    public var time: Int?
    public var timeShift: Int64

    public init(keys: [Int], rows: [Int], time: Int? = nil, timeShift: Int64 = 0) {
      self.keys = keys
      self.rows = rows
      self.time = time
      self.timeShift = timeShift
    }
  }

  private let code: any KeyedProcessCode
  private let columns: Columns
  private let rowSchema: Schema
  let keySchema: Schema
  let states: KeyedStates
  let timers: ProcessTimers
  let clock: SubtaskClock
  let reservation: StateReservation
  /// What the limit of all state is, and what of it is kept for this operator so that others cannot have all.
  let memoryLimit: Int
  var leastMemory: Int { spill == nil ? 0 : min(4 << 20, memoryLimit / 64) }
  /// Nil when all keys are in memory.
  var spill: ProcessSpill?
  /// Timers that are to fire, clock by clock, up to a time.
  private var firing: [(clock: TimerClock, time: Int64)] = []
  /// The input has ended, and the code has not heard of it.
  private var isFinishing = false

  /// Calls with timers that one call makes of the code.
  private static let timerCalls = 4
  let held: HeldEmissions
  /// Where records go that the code refuses; nil when they end the job.
  private let quarantine: Quarantine?
  private var reachedWatermark = EventTime.earliest
  /// What `states` would let go of: looked at so often without input.
  private static let expiryPause: Int64 = 1_000_000

  public init(
    _ code: any KeyedProcessCode, states: [Plan.State], columns: Columns, input: Schema, clock: SubtaskClock,
    memory: StateMemory = StateMemory(limit: .max), quarantine: Quarantine? = nil
  ) {
    self.code = code
    self.quarantine = quarantine
    self.columns = columns
    self.clock = clock
    rowSchema = Schema(columns.rows.map { input.fields[$0] })
    keySchema = Schema(columns.keys.map { input.fields[$0] })
    self.states = KeyedStates(states, keys: keySchema.fields.map(\.type))
    timers = ProcessTimers(self.states, hasEventTime: columns.time != nil)
    reservation = StateReservation(memory)
    memoryLimit = memory.limit
    held = HeldEmissions(memory, of: "a process function")
  }

  /// Keys that are in memory: all that have state or timers, unless some have left it.
  public var keyCount: Int { states.count }

  public func open() throws(Failure) { try code.open() }
  public func close() throws(Failure) { try code.close() }

  // MARK: Rows

  public func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    guard batch.rowCount > 0 else { return }
    let now = clock.now
    try states.expire(at: now.microseconds)
    try sweep(at: now)
    try forEachPart(batch, at: now) { part throws(Failure) in
      // From here to the end of the part no key leaves memory or comes back: a copy of the process may make the call.
      if let quarantine {
        try quarantine.take(
          part, input: input, to: output, call: { rows throws(Failure) in try take(rows, at: now) },
          done: { () throws(Failure) in try held.release(to: output) })
      } else {
        try take(part, at: now)
        try held.release(to: output)
      }
      try settleMemory()
    }
    due(.event, upTo: reachedWatermark.microseconds)
    due(.processing, upTo: now.microseconds)
    try proceed(to: output)
  }

  func keys(of batch: RecordBatch) -> [Column] { columns.keys.map { batch.compactedColumn($0) } }

  /// One call with rows; what it emits is held.
  private func take(_ batch: RecordBatch, at now: ProcessingTime) throws(Failure) {
    let rowCount = batch.rowCount
    let keys = keys(of: batch)
    let times = try columns.time.map { index throws(Failure) in
      try EventTimes(batch.compactedColumn(index), shift: columns.timeShift)
    }
    let rowKeys = Buffer(byteCount: rowCount * 4)
    let firstRows = try states.begin(keys, rowCount: rowCount, rowKeys: rowKeys.unsafeMutableValues(UInt32.self))
    let callKeys = firstRows.count == rowCount ? keys : keys.map { $0.gather(firstRows) }
    let rows = RecordBatch(
      schema: rowSchema, columns: columns.rows.map { batch.compactedColumn($0) }, length: rowCount)
    let call = self.call(
      callKeys, count: firstRows.count, rowCount: rowCount, rowKeys, times?.pointer, at: now)
    try run(call) { [code, held] () throws(Failure) in try code.process(rows, call, to: held) }
    withExtendedLifetime((times, rowKeys)) {}
  }

  private func call(
    _ keys: [Column], count: Int, rowCount: Int, _ rowKeys: Buffer, _ times: UnsafePointer<Int64>?,
    at now: ProcessingTime
  ) -> KeyedCall {
    KeyedCall(
      keys: RecordBatch(schema: keySchema, columns: keys, length: count), rowCount: rowCount,
      rowKeys: rowKeys.values(UInt32.self), times: times, watermark: reachedWatermark, processingTime: now,
      states: states, timers: timers)
  }

  /// Runs a call of the code, whose keys are begun. What it emits is held.
  private func run(_ call: KeyedCall, _ body: () throws(Failure) -> Void) throws(Failure) {
    let used = spill == nil ? [] : states.uses
    do throws(Failure) {
      try body()
      withExtendedLifetime(call) {}
    } catch {
      timers.forget()
      held.forget()
      try states.abort()
      throw error
    }
    states.commit(at: call.processingTime.microseconds)
    timers.commit()
    if let spill {
      states.noteUse(since: used, rows: call.rowCount)
      spill.noteEmitted(held.byteCount, rows: call.rowCount)
    }
    try states.end()
  }

  /// Bytes of all that is in memory.
  var heldBytes: Int { states.byteCount + timers.byteCount + (spill?.byteCount ?? 0) }

  /// - Parameter growth: bytes that the batch in hand may add.
  func reserve(_ growth: Int) throws(Failure) {
    try reservation.set(heldBytes + growth, keyCount: states.count)
  }

  // MARK: Timers

  public func watermark(_ time: EventTime, to output: any Collector) throws(Failure) {
    reachedWatermark = max(reachedWatermark, time)
    due(.event, upTo: time.microseconds)
    try proceed(to: output)
  }

  public var wakeTime: ProcessingTime? {
    let times = [nextTime(.processing), spill?.sweepTime].compactMap { $0 }
    let timer = times.min()
    // One look takes all that has expired until then.
    let expiry = states.nextExpiry.map { $0.addingReportingOverflow(Self.expiryPause) }.map {
      $0.overflow ? Int64.max : $0.partialValue
    }
    switch (timer, expiry) {
    case (let timer?, let expiry?): return ProcessingTime(microseconds: min(timer, expiry))
    case (let time?, nil), (nil, let time?): return ProcessingTime(microseconds: time)
    case (nil, nil): return nil
    }
  }

  public func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) {
    try states.expire(at: now.microseconds)
    try sweep(at: now)
    // Room is made for a call of timers, which would make keys leave for nothing.
    guard let next = nextTime(.processing), next <= now.microseconds else { return }
    _ = try fireSome(.processing, upTo: now.microseconds, at: now, to: output)
  }

  public func finish(to output: any Collector) throws(Failure) {
    reachedWatermark = .latest
    due(.event, upTo: .max)
    isFinishing = true
    try proceed(to: output)
  }

  public func barrier(_ epoch: Epoch, to output: any Collector) throws(Failure) {
    try quarantine?.barrier(epoch, to: output)
  }

  public var hasMore: Bool { !firing.isEmpty || isFinishing }

  /// No timer of the clock comes before this; nil when there is none.
  private func nextTime(_ clock: TimerClock) -> Int64? {
    let times = [timers.nextTime(clock), spill?.departed.nextTime(clock)].compactMap { $0 }
    return times.min()
  }

  /// All timers of a clock up to a time are to fire, those that are set meanwhile included.
  private func due(_ clock: TimerClock, upTo time: Int64) {
    if let next = nextTime(clock), next <= time { firing.append((clock, time)) }
  }

  public func proceed(to output: any Collector) throws(Failure) {
    for _ in 0..<Self.timerCalls {
      guard let (clock, time) = firing.first else { break }
      let now = self.clock.now
      try states.expire(at: now.microseconds)
      guard let next = nextTime(clock), next <= time,
        try fireSome(clock, upTo: time, at: now, to: output)
      else {
        firing.removeFirst()
        continue
      }
    }
    guard firing.isEmpty && isFinishing else { return }
    isFinishing = false
    do throws(Failure) {
      try code.flush(to: held)
    } catch {
      held.forget()
      throw error
    }
    try held.release(to: output)
    try quarantine?.finish(to: output)
  }

  /// One call with timers; false when none is due.
  private func fireSome(
    _ clock: TimerClock, upTo time: Int64, at now: ProcessingTime, to output: any Collector
  ) throws(Failure) -> Bool {
    let slots = Buffer(byteCount: ProcessTimers.maximum * 4)
    let times = Buffer(byteCount: ProcessTimers.maximum * 8)
    let timePointer = times.unsafeMutableValues(Int64.self)
    var (count, rounds) = (0, 0)
    while count == 0 {
      rounds += 1
      precondition(rounds < 1_000, "a timer that is due comes into memory with its key")
      let bound = try bringDue(clock, upTo: time, at: now)
      count = timers.take(
        clock, upTo: bound, slots: slots.unsafeMutableValues(UInt32.self), times: timePointer)
      if count == 0, try firstDue(clock, upTo: time) == nil { return false }
    }
    states.begin(slots, count: count)
    if clock == .event && reachedWatermark == .latest { timers.dropTimers(after: UnsafePointer(timePointer)) }
    let rowKeys = Buffer(byteCount: count * 4)
    let places = rowKeys.unsafeMutableValues(UInt32.self)
    for index in 0..<count { places[index] = UInt32(index) }
    let call = self.call(
      try states.keys(), count: count, rowCount: count, rowKeys, UnsafePointer(timePointer), at: now)
    try run(call) { [code, held] () throws(Failure) in try code.timers(clock, call, to: held) }
    try held.release(to: output)
    withExtendedLifetime((slots, times, rowKeys)) {}
    try settleMemory()
    return true
  }
}

extension KeyedProcessOperator {
  /// Whether a state can keep values of the type.
  public static func keeps(_ type: DataType) -> Bool { StateRecord.form(type) != nil }

  /// Whether entries of a map can have keys of the type: one that has equality of its own.
  public static func keepsByKey(_ type: DataType) -> Bool {
    switch type {
    case .float16, .float32, .float64, .interval: false
    default: keeps(type)
    }
  }
}
