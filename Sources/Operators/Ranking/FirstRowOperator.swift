import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// The first row of each key to arrive, as it is: nothing but keys is kept.
public final class FirstRowOperator: DepartingOperator {
  private let keys: [Int]
  private let keyFields: [Field]
  private var table: any KeyTable
  /// By slot, whether its row was told: slots of keys that have expired go to others.
  private let told = SlotColumn<Bool>(initial: false)
  private let timeToLive: SlotExpiry?
  private let reservation: StateReservation
  /// By slot, what has changed, and the keys that are gone; nil when nobody asks.
  private var changes: SlotChanges?
  private var gone: GoneEntries?

  /// - Parameters:
  ///   - keys: the key's columns in the input.
  ///   - timeToLive: microseconds of processing time after which a key is forgotten; nil: never.
  public init(keys: [Int], input: Schema, timeToLive: Int64? = nil, context: SubtaskContext) {
    self.keys = keys
    keyFields = keys.map { input.fields[$0] }
    table = makeKeyTable(keys.map { input.fields[$0].type }, keepingKeys: timeToLive != nil)
    self.timeToLive = timeToLive.map { SlotExpiry($0, context.clock) }
    reservation = StateReservation(context.stateMemory)
  }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    let count = batch.rowCount
    if count == 0 { return }
    try expire()
    let columns = keys.map { batch.compactedColumn($0) }
    let growth =
      table.growth(columns, rowCount: count) + told.growth(to: table.slotCount + count)
      + (timeToLive?.growth(count, table) ?? 0)
    try reservation.set(byteCount + growth, keyCount: table.count)
    let slots = SlotBuffer(count: count)
    try table.find(columns, rowCount: count, into: slots.pointer)
    told.grow(to: table.slotCount)
    let touched = table.touched
    let (touchedSlots, touchedRows) = (touched.slots.values(UInt32.self), touched.rows.values(UInt32.self))
    let first = Buffer(byteCount: touched.count * 4)
    let (firstRows, flags) = (first.unsafeMutableValues(UInt32.self), told.values)
    var found = 0
    for index in 0..<touched.count {
      let slot = Int(touchedSlots[index])
      firstRows[found] = touchedRows[index]
      found &+= flags[slot] ? 0 : 1
    }
    if let timeToLive {
      timeToLive.touch((0..<touched.count).map { touchedSlots[$0] }.filter { !flags[Int($0)] }, table)
    }
    if let changes, found > 0 {
      let new = (0..<touched.count).map { touchedSlots[$0] }.filter { !flags[Int($0)] }
      changes.mark(new, count: new.count, slotCount: table.slotCount)
    }
    for index in 0..<touched.count { flags[Int(touchedSlots[index])] = true }
    if found == 0 { return }
    try collector.emit(batch.selecting(Selection(indices: first, count: found)), output: 0)
  }

  private func expire() throws(Failure) {
    try timeToLive?.expire(table) { slots, count throws(Failure) in
      told.reset(slots, count: count)
      guard let stored = changes?.forget(slots, count: count) else { return }
      gone?.add(try table.keys(of: stored.rows, count: stored.count), count: stored.count)
      withExtendedLifetime(stored) {}
    }
  }

  /// For keys that come back to be forgotten; others are when rows come.
  public func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) { try expire() }

  private var byteCount: Int {
    table.byteCount + told.byteCount + (timeToLive?.byteCount ?? 0) + (changes?.byteCount ?? 0) + (gone?.byteCount ?? 0)
  }

  // MARK: State

  /// An entry a key that has had a row.
  public static func stateTables(keys: [Int], input: Schema, timeToLive: Int64?) -> [StateTable] {
    stateTables(keys.map { input.fields[$0] }, expiring: timeToLive != nil)
  }

  private static func stateTables(_ keys: [Field], expiring: Bool) -> [StateTable] {
    [StateTable("keys", key: keys, value: expiring ? [TimeToLive.written] : [])]
  }

  public var stateTables: [StateTable] { Self.stateTables(keyFields, expiring: timeToLive != nil) }

  public func trackChanges() {
    table = makeKeyTable(keyFields.map(\.type), keepingKeys: true)
    changes = SlotChanges()
    gone = GoneEntries(stateTables[0])
  }

  public func restore(_ entries: RecordBatch, table index: Int) throws(Failure) {
    let keys = Array(entries.columns.prefix(keyFields.count))
    try reservation.set(byteCount + table.growth(keys, rowCount: entries.length), keyCount: table.count)
    let slots = SlotBuffer(count: entries.length)
    try table.find(keys, rowCount: entries.length, into: slots.pointer)
    told.grow(to: table.slotCount)
    for row in 0..<slots.count { told.values[Int(slots.pointer[row])] = true }
    changes?.markStored(slots.pointer, count: slots.count, slotCount: table.slotCount)
    if let timeToLive { timeToLive.restore(slots, entries.columns[keyFields.count], table) }
  }

  public var keyColumns: [[Int]] { [keys] }
  public var dueClock: DueClock? { timeToLive == nil ? nil : .expiry }

  public func dueTimes(of entries: RecordBatch, table: Int, after _: Int64) -> [[Int64]] {
    timeToLive.map { [$0.dueTimes(entries.columns[keyFields.count])] } ?? []
  }

  public func takeChanges(into taken: inout StateChanges) throws(Failure) {
    try gone?.take(into: &taken, table: 0)
    let tables = stateTables
    try changes?.take { slots throws(Failure) in
      var columns = try table.keys(of: slots.rows, count: slots.count)
      if let timeToLive { columns.append(timeToLive.writtenColumn(of: (0..<slots.count).map { slots.rows[$0] })) }
      taken.put(RecordBatch(schema: tables[0].entry, columns: columns, length: slots.count), table: 0)
    }
    try reservation.set(byteCount, keyCount: table.count)
  }
}
