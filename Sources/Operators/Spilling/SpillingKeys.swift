import Arrow
import Base
import Dataflow
import State

/// Has the keys of an operator leave memory when it runs out, with all that the operator has of them, and come back when a row of theirs
/// comes or something is due.
///
/// As long as all keys have room, and where there is no database, it does nothing but hand on calls. When they have no room any more the
/// operator's last changes go to the database, and the operator is made anew, without keys: as after a restart from an epoch that has just been
/// taken. From then on the keys of each batch are looked for in the database before the operator gets it, many in one call.
///
/// All keys leave at once: of keys that are equally frequent a part that stays would be worth no more than its size, and those that
/// are frequent are back with the next batches, at the cost of one look each. It costs no list of which keys were used when.
public final class SpillingKeys: SpillingOperator, DeferringOperator {
  /// What is still to be done of a call, in parts whose keys are in memory together.
  private enum Pending {
    case rows(RecordBatch, input: Int, first: Int)
    case watermark(EventTime)
    case wake(ProcessingTime)
    case finish
  }

  private let make: (SubtaskContext) throws(Failure) -> any DepartingOperator
  private var body: any DepartingOperator
  private let context: SubtaskContext
  /// Nil when all keys have to be in memory.
  private(set) var spill: KeySpill?
  private var pending: Pending?
  private let gate = GatedCollector()
  /// The watermark up to which it has done everything.
  private var reached = EventTime.earliest
  /// Of an operator that does in turn what is due: the time whose keys come now, part by part.
  private var turn: EventTime?
  private var isOpen = false

  private init(
    _ context: SubtaskContext, _ body: any DepartingOperator,
    _ make: @escaping (SubtaskContext) throws(Failure) -> any DepartingOperator
  ) {
    self.make = make
    self.context = context
    self.body = body
  }

  /// The operator that `make` gives, with keys that leave memory if they can.
  public static func around(
    _ context: SubtaskContext, _ make: @escaping (SubtaskContext) throws(Failure) -> any Operator
  ) throws(Failure) -> any Operator {
    let first = try make(context)
    guard let body = first as? any DepartingOperator, !body.keyColumns.contains([]) else { return first }
    return SpillingKeys(context, body) { context throws(Failure) in
      guard let body = try make(context) as? any DepartingOperator else {
        preconditionFailure("what is made for one subtask is of one type")
      }
      return body
    }
  }

  // MARK: State

  public var stateTables: [StateTable] { body.stateTables }
  public func trackChanges() { body.trackChanges() }
  public func restore(_ entries: RecordBatch, table: Int) throws(Failure) { try body.restore(entries, table: table) }
  public func restored() throws(Failure) { try body.restored() }

  public func spill(to database: StateDatabase) throws(Failure) {
    let spill = try KeySpill(database, body, context)
    self.spill = spill
    try spill.readSubtaskEntries()
    try renew(spill)
    if database.isEmpty, !spill.hasSubtaskEntries { return }
    if try !spill.loadAll(into: body) {
      try renew(spill)
      try spill.noteDeparted(body)
    }
    try body.restored()
  }

  /// Puts an operator without keys in the place of the one that there is.
  private func renew(_ spill: KeySpill) throws(Failure) {
    if isOpen {
      isOpen = false
      try body.close()
    }
    body = try make(spill.bodyContext)
    body.trackChanges()
    try body.open()
    isOpen = true
    try spill.restoreSubtask(body)
  }

  public func takeChanges(into changes: inout StateChanges) throws(Failure) {
    guard let spill else { return try body.takeChanges(into: &changes) }
    changes.append(try spill.takeChanges(of: body))
    spill.settle()
  }

  /// Keys that were looked for in the database, and times that all keys left memory.
  var spillCounts: (sought: Int, evictions: Int) { spill.map { ($0.soughtCount, $0.evictionCount) } ?? (0, 0) }

  // MARK: Calls

  public var makesWatermarks: Bool { body.makesWatermarks }
  public var alignment: WatermarkAlignment? { body.alignment }

  public func inputBecame(idle: Bool, to output: any Collector) throws(Failure) {
    try body.inputBecame(idle: idle, to: output)
  }

  public func splitsChanged(to output: any Collector) throws(Failure) { try body.splitsChanged(to: output) }

  public func barrier(_ epoch: Epoch, to output: any Collector) throws(Failure) {
    try body.barrier(epoch, to: output)
  }

  public func open() throws(Failure) {
    try body.open()
    isOpen = true
  }

  public func close() throws(Failure) {
    pending = nil
    guard isOpen else { return }
    isOpen = false
    try body.close()
  }

  public func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    guard let spill else { return try body.process(batch, input: input, to: output) }
    if try spill.staysWhole(with: batch.byteCount, body) { return try body.process(batch, input: input, to: output) }
    try process(apart: batch, input, output)
  }

  public func process(_ rows: any DeferredRows, input: Int, to output: any Collector) throws(Failure) {
    // Of the columns that are put together later it is not known how large they are.
    if let spill, try !spill.staysWhole(with: rows.rowCount * 64, body) {
      return try process(apart: rows.batch(), input, output)
    }
    guard let body = body as? any DeferringOperator else {
      return try body.process(rows.batch(), input: input, to: output)
    }
    try body.process(rows, input: input, to: output)
  }

  public var defers: Bool { (body as? any DeferringOperator)?.defers ?? false }

  private func process(apart batch: RecordBatch, _ input: Int, _ output: any Collector) throws(Failure) {
    if batch.rowCount == 0 { return }
    pending = .rows(batch.compacted(), input: input, first: 0)
    try step(output)
  }

  public func watermark(_ time: EventTime, to output: any Collector) throws(Failure) {
    if !body.isDueInTurn { reached = max(reached, time) }
    guard let spill, spill.clock == .event, !spill.isWhole else {
      reached = max(reached, time)
      return try body.watermark(time, to: output)
    }
    pending = .watermark(time)
    try step(output)
  }

  public func finish(to output: any Collector) throws(Failure) {
    guard let spill, let clock = spill.clock, clock != .expiry, !spill.isWhole else {
      return try body.finish(to: output)
    }
    pending = .finish
    try step(output)
  }

  public var wakeTime: ProcessingTime? {
    guard let spill, let clock = spill.clock, clock != .event, let due = spill.nextDue else { return body.wakeTime }
    let time = ProcessingTime(microseconds: due)
    return body.wakeTime.map { min($0, time) } ?? time
  }

  public func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) {
    guard let spill, let clock = spill.clock, clock != .event, !spill.isWhole else {
      return try body.wake(at: now, to: output)
    }
    pending = .wake(now)
    try step(output)
  }

  public var hasMore: Bool { body.hasMore || pending != nil }

  public func proceed(to output: any Collector) throws(Failure) {
    if !body.hasMore { return try step(output) }
    switch pending {
    case nil, .rows: try body.proceed(to: output)
    case .watermark, .wake, .finish:
      try gate.leading(to: output) { (gate) throws(Failure) in try body.proceed(to: gate) }
    }
  }

  /// Does the next part of what is pending.
  private func step(_ output: any Collector) throws(Failure) {
    guard let spill, let pending else { return }
    switch pending {
    case .rows(let rows, let input, let first):
      let part = try bring(spill) { () throws(Failure) in
        let end = min(rows.length, first + spill.pieceRows)
        let part = end - first == rows.length ? rows : rows.selecting(Selection(first..<end)).compacted()
        return (part, part.columns.chosen(body.keyColumns[input]))
      }
      guard let part else { return }
      let next = first + part.length
      self.pending = next < rows.length ? .rows(rows, input: input, first: next) : nil
      spill.note(dirty: part.byteCount)
      try body.process(part, input: input, to: output)
    case .watermark(let time):
      if try stepInTurn(upTo: time.microseconds, spill, output) { return }
      if try bringDue(upTo: time.microseconds, spill) {
        return try gate.leading(to: output) { (gate) throws(Failure) in try body.watermark(time, to: gate) }
      }
      self.pending = nil
      reached = max(reached, time)
      try body.watermark(time, to: output)
    case .wake(let now):
      if try bringDue(upTo: now.microseconds, spill) {
        return try gate.leading(to: output) { (gate) throws(Failure) in try body.wake(at: now, to: gate) }
      }
      self.pending = nil
      try body.wake(at: now, to: output)
    case .finish:
      if try stepInTurn(upTo: endOfInput, spill, output) { return }
      if try bringDue(upTo: endOfInput, spill) {
        return try gate.leading(to: output) { (gate) throws(Failure) in try body.finish(to: gate) }
      }
      self.pending = nil
      try body.finish(to: output)
    }
  }

  /// Of an operator that does in turn what is due: does it for some of the keys of the first time that is due; false when none is.
  private func stepInTurn(upTo time: Int64, _ spill: KeySpill, _ output: any Collector) throws(Failure) -> Bool {
    guard body.isDueInTurn else { return false }
    if turn == nil, try spill.firstDue(upTo: time) == nil { return false }
    // All keys come by their times, each once: also those that are in memory, and those that have been told leave. Only then it is
    // known when all of them are due.
    if turn != nil || spill.hasResidents { try evict(spill) }
    if turn == nil { turn = try spill.firstDue(upTo: time) }
    guard let due = turn else { return false }
    spill.keepsSubtask = true
    if try !bringDue(upTo: due.microseconds, spill) {
      turn = nil
      spill.keepsSubtask = false
      reached = max(reached, due)
    }
    try gate.leading(to: output) { (gate) throws(Failure) in
      if due.microseconds == endOfInput { try body.finish(to: gate) } else { try body.watermark(due, to: gate) }
    }
    return true
  }

  /// Brings the keys of a part of the rows into memory, and makes room for them, and tries a smaller part when they have none.
  ///
  /// - Parameters:
  ///   - due: the time by which they are due, if they come for that.
  ///   - rows: a part of at most `pieceRows` rows, and their keys; nil when there is none.
  /// - Returns: the part whose keys have come.
  private func bring(
    _ spill: KeySpill, due: Int64? = nil, _ rows: () throws(Failure) -> (RecordBatch, keys: [Column])?
  ) throws(Failure) -> RecordBatch? {
    while true {
      try spill.settleChanges(body)
      guard let (part, keys) = try rows() else { return nil }
      switch try spill.bring(keys, count: part.length, due: due, into: body) {
      case .done: return part
      case .noRoom: try evict(spill)
      case .tooMany: break
      }
    }
  }

  /// Brings some keys that are due; false when none is.
  private func bringDue(upTo time: Int64, _ spill: KeySpill) throws(Failure) -> Bool {
    let part = try bring(spill, due: body.isDueInTurn ? time : nil) { () throws(Failure) in
      try spill.due(upTo: time).map { ($0, Array($0.columns.dropFirst())) }
    }
    guard let part else { return false }
    try spill.removeDue(part)
    return true
  }

  /// All keys leave memory, if they can: between any two calls, when it has no more to give.
  func evict() throws(Failure) {
    if let spill { try evict(spill) }
  }

  private func evict(_ spill: KeySpill) throws(Failure) {
    try spill.write(body)
    try renew(spill)
    try body.restored()
    if reached > .earliest { try body.watermark(reached, to: SilentCollector()) }
    spill.noteEvicted()
  }
}

extension [Column] {
  fileprivate func chosen(_ indices: [Int]) -> [Column] { indices.map { self[$0] } }
}
