import Arrow
import Base
import Dataflow
import Expressions
import State
import VolleyPlan

/// Running aggregates of each key.
///
/// Output: the key columns, then one column an aggregate, either once per touched key and batch, in the order of the
/// keys' first rows in the batch, or once per record.
public final class AggregateOperator: Operator {
  /// What the rows of the input are.
  public enum Input: Sendable {
    /// Records, with the key in these columns.
    case records(keys: [Int])
    /// Partial aggregates from a `CombineOperator`: that many key columns, then states.
    case partials(keyCount: Int)
  }

  private let inputKind: Input
  private let keyIndices: [Int]
  private let output: Schema
  private let emission: Plan.Emission
  private var table: any KeyTable
  private let aggregates: AggregateSet
  /// Nil when partial aggregates arrive: their arguments were evaluated where they were made.
  private let arguments: AggregateArguments?
  private let reservation: StateReservation
  public let stateTables: [StateTable]
  /// Nil when no epochs are taken.
  private var changes: SlotChanges?
  /// Nil when all keys are in memory.
  private(set) var spilled: SpilledKeys?

  /// - Parameters:
  ///   - records: the schema of the records, also when partial aggregates arrive: the arguments are typed by it.
  ///   - output: the key columns, then the aggregates.
  ///   - memory: what keys and aggregates may take.
  public init(
    _ calls: [Plan.AggregateCall], input: Input, records: Schema, output: Schema, emission: Plan.Emission,
    functions: any ScalarFunctionProvider, memory: StateMemory = StateMemory(limit: .max)
  ) throws(Failure) {
    inputKind = input
    reservation = StateReservation(memory)
    switch input {
    case .records(let keys): keyIndices = keys
    case .partials(let keyCount):
      precondition(emission == .perBatch, "records cannot be told apart once they are combined")
      keyIndices = Array(0..<keyCount)
    }
    self.output = output
    self.emission = emission
    table = makeKeyTable(output.fields.prefix(keyIndices.count).map(\.type), keepingKeys: false)
    aggregates = try AggregateSet(calls, input: records, functions: functions)
    switch input {
    case .records: arguments = try AggregateArguments(calls, input: records, functions: functions)
    case .partials: arguments = nil
    }
    stateTables = try Self.stateTables(calls, keyCount: keyIndices.count, records: records, output: output)
  }

  /// What it keeps: the accumulators of each key.
  public static func stateTables(
    _ calls: [Plan.AggregateCall], keyCount: Int, records: Schema, output: Schema
  ) throws(Failure) -> [StateTable] {
    [
      StateTable(
        "aggregates", key: Array(output.fields.prefix(keyCount)),
        value: try AggregateSet.namedStateFields(calls, input: records))
    ]
  }

  public func open() throws(Failure) { try aggregates.open(with: arguments) }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    let rowCount = batch.rowCount
    if rowCount == 0 { return }
    let keys = keyIndices.map { batch.compactedColumn($0) }
    if let spilled { try fetch(spilled) }
    try reserve(keys, batch)
    let slotBuffer = Buffer(byteCount: rowCount * MemoryLayout<UInt32>.stride)
    let slots = slotBuffer.unsafeMutableValues(UInt32.self)
    try table.find(keys, rowCount: rowCount, into: slots)
    try aggregates.grow(to: table.slotCount)
    if let spilled { try bring(keys, spilled) }
    changes?.mark(table.touched.slots.values(UInt32.self), count: table.touched.count, slotCount: table.slotCount)
    defer { withExtendedLifetime(slotBuffer) {} }

    switch inputKind {
    case .partials(let keyCount):
      let states = batch.columns.indices.dropFirst(keyCount).map { batch.compactedColumn($0) }
      try aggregates.merge(slots, count: rowCount, states: states[...])
    case .records:
      guard let arguments else { preconditionFailure("records have arguments") }
      let inputs = try arguments.evaluate(batch)
      if emission == .perRecord {
        let results = try aggregates.updateRunning(slots, count: rowCount, inputs: inputs)
        try collector.emit(RecordBatch(schema: output, columns: keys + results, length: rowCount), output: 0)
        return
      }
      try aggregates.update(slots, count: rowCount, inputs: inputs)
    }
    try emitTouched(keys, to: collector)
  }

  public func close() throws(Failure) { try aggregates.close(with: arguments) }

  /// - Parameter batch: its rows may all be of new keys.
  private func reserve(_ keys: [Column], _ batch: RecordBatch) throws(Failure) {
    guard spilled != nil, table.count > 0 else {
      return try reservation.set(needed(keys, batch), keyCount: table.count)
    }
    // Some keys, those that were not touched for the longest time, make room for others in the memory that is there: the fewer at once, the
    // more of the memory is in use. When that does not do, all go, and the memory.
    // Keys of many bytes make room only when half of these are gone.
    for part in [Self.leavingPart, 2, 1] {
      do throws(Failure) { return try reservation.set(needed(keys, batch), keyCount: table.count) } catch {
        try evict(min(table.count, max(batch.rowCount, table.count / part)))
        if part == 1 { releaseMemory() }
      }
    }
    try reservation.set(needed(keys, batch), keyCount: table.count)
  }

  /// One key in so many leaves at once, or as many as a batch may bring.
  private static let leavingPart = 8

  /// Bytes that it holds and may need for a batch.
  private func needed(_ keys: [Column], _ batch: RecordBatch) -> Int {
    // Slots that were given back are taken first.
    let slotCount = max(table.slotCount, table.count + batch.rowCount)
    let growth =
      table.growth(keys, rowCount: batch.rowCount) + aggregates.growth(batch, slotCount: slotCount - batch.rowCount)
    let noted = changes.map { $0.byteCount + $0.growth(to: slotCount) } ?? 0
    let marked = spilled.map { $0.byteCount + $0.growth(to: slotCount) } ?? 0
    return table.byteCount + aggregates.byteCount + growth + noted + marked
  }

  private func emitTouched(_ keys: [Column], to collector: any Collector) throws(Failure) {
    let touched = table.touched
    let touchedKeys = keys.map { $0.length == touched.count ? $0 : $0.gather(touched.selection) }
    let results = try aggregates.results(touched.slots.values(UInt32.self), count: touched.count)
    try collector.emit(
      RecordBatch(schema: output, columns: touchedKeys + results, length: touched.count), output: 0)
  }
}

extension AggregateOperator: StatefulOperator {
  public func trackChanges() {
    changes = SlotChanges()
    // Whoever tells an entry tells its key.
    table = makeKeyTable(output.fields.prefix(keyIndices.count).map(\.type), keepingKeys: true)
  }

  public func restore(_ entries: RecordBatch, table _: Int) throws(Failure) {
    try reserve(Array(entries.columns.prefix(keyIndices.count)), entries)
    try load(entries)
  }

  /// Takes entries of keys that are not in memory.
  private func load(_ entries: RecordBatch) throws(Failure) {
    let (keys, states) = (Array(entries.columns.prefix(keyIndices.count)), entries.columns.dropFirst(keyIndices.count))
    let slots = SlotBuffer(count: entries.length)
    try table.find(keys, rowCount: slots.count, into: slots.pointer)
    try merge(slots.selection, states)
  }

  /// The slots, each of which comes once, have been given these states.
  private func merge(_ slots: Selection, _ states: ArraySlice<Column>) throws(Failure) {
    try aggregates.grow(to: table.slotCount)
    try aggregates.merge(slots.rows, count: slots.count, states: states)
    changes?.markStored(slots.rows, count: slots.count, slotCount: table.slotCount)
  }

  public func takeChanges(into changes: inout StateChanges) throws(Failure) {
    guard let own = self.changes else { preconditionFailure("an operator notes changes before they are taken") }
    if spilled?.isWhole ?? true, own.areMost {
      changes.removeAll(table: 0)
      try own.takeAll { slots throws(Failure) in changes.put(try entries(slots), table: 0) }
    } else {
      try own.take { slots throws(Failure) in changes.put(try entries(slots), table: 0) }
    }
  }

  private func entries(_ slots: Selection) throws(Failure) -> RecordBatch {
    let keys = try table.keys(of: slots.rows, count: slots.count)
    let states = try aggregates.states(slots.rows, count: slots.count)
    return RecordBatch(schema: stateTables[0].entry, columns: keys + states, length: slots.count)
  }
}

extension AggregateOperator: SpillingOperator {
  public func spill(to database: StateDatabase) {
    precondition(changes != nil, "an operator notes changes before it spills")
    spilled = SpilledKeys(database, table: 0)
  }

  /// Entries that are brought into memory together, before their keys come.
  private static let fetchedRows = 1 << 16

  /// Brings some of the keys that were there before into memory.
  private func fetch(_ spilled: SpilledKeys) throws(Failure) {
    for _ in 0..<spilled.takeFetches() where try !fetchSome(spilled) { return }
  }

  /// Returns whether there may be more.
  private func fetchSome(_ spilled: SpilledKeys) throws(Failure) -> Bool {
    guard let entries = try spilled.next(Self.fetchedRows) else { return false }
    let keys = Array(entries.columns.prefix(keyIndices.count))
    do throws(Failure) { try reservation.set(needed(keys, entries), keyCount: table.count) } catch {
      spilled.stopFetching()
      return false
    }
    // As long as entries come no key has left memory, and new ones get the slots behind the others.
    let formerCount = table.slotCount
    let slots = SlotBuffer(count: entries.length)
    try table.find(keys, rowCount: slots.count, into: slots.pointer)
    if table.slotCount > formerCount {
      let (rows, new) = Self.places(slots, from: formerCount)
      let states = entries.columns.dropFirst(keyIndices.count).map { $0.gather(rows) }
      try merge(new, states[...])
      spilled.note(new, slotCount: table.slotCount)
    }
    if let expected = spilled.takeExpectedCount() { try makeRoom(expected, spilled) }
    return true
  }

  /// The rows whose slots are not below `first`, and these slots.
  private static func places(_ slots: SlotBuffer, from first: Int) -> (rows: Selection, slots: Selection) {
    let (rowBuffer, slotBuffer) = (Buffer(byteCount: slots.count * 4), Buffer(byteCount: slots.count * 4))
    let (rows, found) = (rowBuffer.unsafeMutableValues(UInt32.self), slotBuffer.unsafeMutableValues(UInt32.self))
    var count = 0
    for row in 0..<slots.count {
      rows[count] = UInt32(truncatingIfNeeded: row)
      found[count] = slots.pointer[row]
      count &+= Int(slots.pointer[row]) >= first ? 1 : 0
    }
    return (Selection(indices: rowBuffer, count: count), Selection(indices: slotBuffer, count: count))
  }

  /// Takes memory for so many keys at once, when it is there: to double it again and again costs three times as much, most of it for
  /// pages that the system has to clear.
  private func makeRoom(_ keyCount: Int, _ spilled: SpilledKeys) throws(Failure) {
    let held = table.byteCount + aggregates.byteCount + (changes?.byteCount ?? 0) + spilled.byteCount
    let more =
      table.growth(reserving: keyCount) + aggregates.growth(reserving: keyCount) + spilled.growth(to: keyCount)
    do throws(Failure) { try reservation.set(held + more, keyCount: table.count) } catch { return }
    table.reserve(keyCount: keyCount)
    try aggregates.reserve(keyCount)
    spilled.reserve(keyCount)
  }

  /// How many keys were looked for in the database, and how many left memory.
  public var spillCounts: (sought: Int, evicted: Int) {
    (spilled?.soughtCount ?? 0, spilled?.evictedCount ?? 0)
  }

  /// Brings the keys that the last batch touched into memory.
  private func bring(_ keys: [Column], _ spilled: SpilledKeys) throws(Failure) {
    try spilled.bring(table.touched, slotCount: table.slotCount, keys: keys) { slots, values throws(Failure) in
      try merge(slots, values.columns[...])
    }
  }

  /// Makes so many keys leave memory.
  private func evict(_ count: Int) throws(Failure) {
    guard let spilled, let changes else { return }
    try spilled.evict(count, slotCount: table.slotCount, changes: changes) { slots throws(Failure) in
      try entries(slots)
    } remove: { slots in
      aggregates.reset(slots.rows, count: slots.count)
      table.remove(slots.rows, count: slots.count)
    }
  }

  /// No key is in memory: nor is what they took.
  private func releaseMemory() {
    precondition(table.count == 0, "memory without keys is released")
    table = makeKeyTable(output.fields.prefix(keyIndices.count).map(\.type), keepingKeys: true)
    aggregates.release(above: 0)
    changes = SlotChanges()
    spilled?.removeAll()
  }
}
