import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// What a join keeps: the rows of its inputs, by the slots of their keys, which all inputs share.
final class JoinState {
  let layout: JoinLayout
  let format: JoinFormat
  let table: any KeyTable
  /// By input.
  let stores: [RowStore]
  /// What has changed, by table of the format; empty when nobody asks.
  var entries: [RowEntries] = []
  /// By slot: whether its key is null, and equals none.
  private let keyless = SlotColumn<Bool>(initial: false)
  private var hasKeyless = false
  /// By input: how rows are found that are taken back; nil where none are.
  private let indexes: [RowIndex?]
  /// By number of a row of the last input: the time from which on it does not hold, where the join says so.
  let ends = SlotColumn(initial: Int64.max)
  private let reservation: StateReservation

  /// - Parameters:
  ///   - schemas: by input, what is kept of its rows; nil: all.
  ///   - expiring: whether rows are found by their times.
  ///   - indexed: by input, the columns that tell apart the rows that are taken back; nil where none are.
  init(
    _ layout: JoinLayout, _ format: JoinFormat, schemas: [Schema]? = nil, expiring: Bool, indexed: [[Int]?] = [],
    memory: StateMemory
  ) {
    self.layout = layout
    self.format = format
    table = makeKeyTable(layout.keys[0].map { layout.inputs[0].fields[$0].type }, keepingKeys: true)
    let stores = RowStore.sharingSlots(schemas ?? layout.inputs, expiring: expiring)
    self.stores = stores
    indexes = stores.indices.map { input in
      let columns = input < indexed.count ? indexed[input] : nil
      return columns.map { RowIndex(stores[input], columns: $0) }
    }
    reservation = StateReservation(memory)
  }

  var keyCount: Int { table.count }
  var slotCount: Int { table.slotCount }

  private var byteCount: Int {
    let byKey = entries.reduce(table.byteCount + keyless.byteCount + ends.byteCount) { $0 + $1.byteCount }
    return indexes.reduce(stores.reduce(byKey) { $0 + $1.byteCount }) { $0 + ($1?.byteCount ?? 0) }
  }

  /// The slots of rows that may be appended to input `input`. Valid as long as the result is held.
  ///
  /// - Throws: `data` when that many more rows would not fit the memory.
  func find(_ batch: JoinBatch, input: Int) throws(Failure) -> SlotBuffer {
    let growth =
      table.growth(batch.keys, rowCount: batch.count) + (try indexes[input]?.growth(adding: batch.rows) ?? 0)
      + (ends.count == 0 ? 0 : ends.growth(to: ends.count + batch.count))
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

  /// Appends rows to an input whose rows are taken back.
  ///
  /// - Parameters:
  ///   - rows: without a selection.
  ///   - times: by row; nil: all are 0.
  func append(
    _ rows: RecordBatch, _ slots: SlotBuffer, times: UnsafePointer<Int64>? = nil, input: Int, _ numbers: SlotBuffer
  ) throws(Failure) {
    try stores[input].append(rows, slots: slots.pointer, times: times, numbers: numbers.pointer)
    try indexes[input]?.add(rows, numbers)
  }

  /// By row of a batch that is taken back, the row that is kept of it, which is found no longer; `RowStore.missing`
  /// where there is none.
  func take(_ rows: RecordBatch, input: Int) throws(Failure) -> SlotBuffer {
    guard let index = indexes[input] else { preconditionFailure("rows are taken back from a changelog") }
    return try index.take(rows)
  }

  /// Removes rows, each named once.
  ///
  /// - Returns: slots that may have no row any more, for `release`.
  func remove(_ numbers: UnsafePointer<UInt32>, count: Int, input: Int) -> [UInt32] {
    indexes[input]?.remove(numbers, count: count)
    return stores[input].remove(numbers, count: count)
  }

  /// Forgets the keys of those slots that have no row in any store.
  ///
  /// - Parameter slots: each once.
  func release(_ slots: [UInt32]) throws(Failure) {
    let empty = slots.filter { slot in stores.allSatisfy { !$0.hasRows(slot) } }
    if empty.isEmpty { return }
    for entries in entries { try entries.settle(table) }
    if hasKeyless {
      keyless.grow(to: table.slotCount)
      keyless.reset(empty, count: empty.count)
    }
    table.remove(empty, count: empty.count)
  }

  /// The keys of these slots are null.
  ///
  /// - Parameter keys: of all slots; only those that have a null there count. Nil: all do.
  func setKeyless(_ slots: SlotBuffer, where keys: [Column]? = nil) {
    hasKeyless = true
    keyless.grow(to: table.slotCount)
    for index in 0..<slots.count where keys?.contains(where: { !$0.isValid(index) }) ?? true {
      keyless.values[Int(slots.pointer[index])] = true
    }
  }

  /// From a time on a row of the last input does not hold.
  func setEnd(of number: UInt32, _ time: Int64) {
    ends.grow(to: Int(number) + 1)
    ends.values[Int(number)] = time
    var number = number
    stores[stores.count - 1].noteChange(of: &number, count: 1)
  }

  /// Rows that have come back are found when they are taken back, but for some.
  func addToIndex(_ rows: RecordBatch, _ numbers: SlotBuffer, _ isFound: [Bool], input: Int) throws(Failure) {
    guard let index = indexes[input] else { return }
    let found = isFound.indices.filter { isFound[$0] }
    if found.count == rows.length { return try index.add(rows, numbers) }
    if !found.isEmpty { try index.add(rows.selecting(Selection(found)).compacted(), numbers.gather(Selection(found))) }
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
