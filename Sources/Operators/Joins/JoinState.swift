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

  private var byteCount: Int { stores.reduce(table.byteCount) { $0 + $1.byteCount } }

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
    empty.withUnsafeBufferPointer { empty in
      if let base = empty.baseAddress { table.remove(base, count: empty.count) }
    }
  }

  /// Tells what is held, after rows were removed.
  func settle() throws(Failure) { try reservation.set(byteCount, keyCount: table.count) }
}
