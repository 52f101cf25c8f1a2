import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// The first row of each key to arrive, as it is: nothing but keys is kept.
public final class FirstRowOperator: Operator {
  private let keys: [Int]
  private let table: any KeyTable
  /// By slot, whether its row was told: slots of keys that have expired go to others.
  private let told = SlotColumn<Bool>(initial: false)
  private let timeToLive: SlotExpiry?
  private let reservation: StateReservation

  /// - Parameters:
  ///   - keys: the key's columns in the input.
  ///   - timeToLive: microseconds of processing time after which a key is forgotten; nil: never.
  public init(keys: [Int], input: Schema, timeToLive: Int64? = nil, context: SubtaskContext) {
    self.keys = keys
    table = makeKeyTable(keys.map { input.fields[$0].type }, keepingKeys: timeToLive != nil)
    self.timeToLive = timeToLive.map { SlotExpiry($0, context.clock) }
    reservation = StateReservation(context.stateMemory)
  }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    let count = batch.rowCount
    if count == 0 { return }
    timeToLive?.expire(table) { told.reset($0, count: $1) }
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
    for index in 0..<touched.count { flags[Int(touchedSlots[index])] = true }
    if found == 0 { return }
    try collector.emit(batch.selecting(Selection(indices: first, count: found)), output: 0)
  }

  private var byteCount: Int { table.byteCount + told.byteCount + (timeToLive?.byteCount ?? 0) }
}
