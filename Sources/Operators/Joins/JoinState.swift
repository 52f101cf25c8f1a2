import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// What a join keeps: the rows of its inputs, by the slots of their keys, which all inputs share.
final class JoinState {
  private let table: any KeyTable
  /// By input.
  let stores: [RowStore]
  /// By slot: whether its key is null, and equals none.
  private let keyless = SlotColumn<Bool>(initial: false)
  private var hasKeyless = false
  private let reservation: StateReservation

  /// - Parameters:
  ///   - schemas: by input, what is kept of its rows.
  ///   - expiring: whether rows are found by their times.
  init(keyTypes: [DataType], _ schemas: [Schema], expiring: Bool, memory: StateMemory) {
    table = makeKeyTable(keyTypes, keepingKeys: true)
    stores = schemas.map { RowStore($0, expiring: expiring) }
    reservation = StateReservation(memory)
  }

  var keyCount: Int { table.count }
  var slotCount: Int { table.slotCount }

  private var byteCount: Int { stores.reduce(table.byteCount + keyless.byteCount) { $0 + $1.byteCount } }

  /// The slots of rows that may be appended to input `input`. Valid as long as the result is held.
  ///
  /// - Throws: `data` when that many more rows would not fit the memory.
  func find(_ batch: JoinBatch, input: Int) throws(Failure) -> SlotBuffer {
    let growth =
      table.growth(batch.keys, rowCount: batch.count)
      + stores[input].growth(appending: batch.rows, slotCount: table.slotCount + batch.count)
    try reservation.set(byteCount + growth, keyCount: table.count)
    let slots = SlotBuffer(count: batch.count)
    try table.find(batch.keys, rowCount: batch.count, into: slots.pointer)
    for store in stores { store.grow(to: table.slotCount) }
    return slots
  }

  /// The slots of rows that are only looked for; `UInt32.max` where no row of the key is kept.
  func lookup(_ batch: JoinBatch) throws(Failure) -> SlotBuffer {
    let slots = SlotBuffer(count: batch.count)
    try table.lookup(batch.keys, rowCount: batch.count, into: slots.pointer)
    return slots
  }

  /// The slots that the last `find` touched, each once, with their first rows.
  var touched: TouchedSlots { table.touched }

  /// Removes rows, each named once.
  ///
  /// - Returns: slots that may have no row any more, for `release`.
  func remove(_ numbers: UnsafePointer<UInt32>, count: Int, input: Int) -> [UInt32] {
    stores[input].remove(numbers, count: count)
  }

  /// Forgets the keys of those slots that have no row in any store.
  ///
  /// - Parameter slots: each once.
  func release(_ slots: [UInt32]) {
    let empty = slots.filter { slot in stores.allSatisfy { !$0.hasRows(slot) } }
    if empty.isEmpty { return }
    if hasKeyless {
      keyless.grow(to: table.slotCount)
      keyless.reset(empty, count: empty.count)
    }
    table.remove(empty, count: empty.count)
  }

  /// The keys of these slots are null.
  func setKeyless(_ slots: SlotBuffer) {
    hasKeyless = true
    keyless.grow(to: table.slotCount)
    for index in 0..<slots.count { keyless.values[Int(slots.pointer[index])] = true }
  }

  /// The slots, and none for those whose keys are null.
  func partnerSlots(_ slots: Buffer, count: Int) -> Buffer {
    guard hasKeyless else { return slots }
    keyless.grow(to: table.slotCount)
    let (source, result) = (slots.values(UInt32.self), SlotBuffer(count: count))
    for index in 0..<count { result.pointer[index] = keyless.values[Int(source[index])] ? .max : source[index] }
    return result.selection.indices
  }

  /// Tells what is held, after rows were removed.
  func settle() throws(Failure) { try reservation.set(byteCount, keyCount: table.count) }
}
