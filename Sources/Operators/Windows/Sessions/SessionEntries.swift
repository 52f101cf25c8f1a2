import Arrow
import Base
import State
import VolleyPlan

/// The entries of open sessions: key, first row's time, and the rest. By slot of the sessions.
final class SessionEntries {
  private let table: StateTable
  private let number: Int
  let changes = SlotChanges()
  private var gone: GoneEntries
  /// Under which time the slot has its entry.
  private let starts = SlotColumn<Int64>(initial: SessionEntries.absent)

  private static let absent = Int64.min
  private static let time = DataType.timestamp(.microsecond, timezone: nil)

  /// - Parameter number: of the table among the operator's.
  init(_ tables: [StateTable], _ number: Int) {
    table = tables[number]
    self.number = number
    gone = GoneEntries(tables[number])
  }

  static func table(_ name: String, keys: [Field], value: [Field]) -> StateTable {
    StateTable(
      name, key: keys, namespace: [Field("window_start", time, nullable: false)],
      value: [Field("last_row", time, nullable: false)] + value)
  }

  var byteCount: Int { changes.byteCount + starts.byteCount }

  /// Sessions are joined to others, or end.
  func forget(_ slots: [UInt32], _ sessions: SessionTable, _ keys: any KeyTable) throws(Failure) {
    guard let stored = changes.forget(slots, count: slots.count) else { return }
    try remove((0..<stored.count).map { stored.rows[$0] }, sessions, keys)
  }

  private func remove(_ slots: [UInt32], _ sessions: SessionTable, _ keys: any KeyTable) throws(Failure) {
    if slots.isEmpty { return }
    let owners = slots.map { sessions.key(of: $0) }
    let times = slots.map { starts.values[Int($0)] }
    for slot in slots { starts.values[Int(slot)] = Self.absent }
    gone.add(try keys.keys(of: owners, count: owners.count) + [Self.column(times)], count: slots.count)
  }

  private static func column(_ times: [Int64]) -> Column {
    let buffer = Buffer(byteCount: times.count * 8)
    let target = buffer.unsafeMutableValues(Int64.self)
    for (index, time) in times.enumerated() { target[index] = time }
    return Column(type: time, length: times.count, validity: nil, buffers: [buffer])
  }

  /// - Parameter values: of slots, behind the time of the last row.
  func take(
    into changes: inout StateChanges, _ sessions: SessionTable, _ keys: any KeyTable,
    _ values: (Selection) throws(Failure) -> [Column]
  ) throws(Failure) {
    starts.grow(to: sessions.slotCount)
    var put = StateChanges()
    try self.changes.take { slots throws(Failure) in
      let count = slots.count
      let (firsts, lasts, owners) = (
        Buffer(byteCount: count * 8), Buffer(byteCount: count * 8), SlotBuffer(count: count)
      )
      let (first, last) = (firsts.unsafeMutableValues(Int64.self), lasts.unsafeMutableValues(Int64.self))
      // Rows may come before what was the first one.
      var moved: [UInt32] = []
      for index in 0..<count {
        let slot = slots.rows[index]
        let session = sessions.session(of: slot)
        (first[index], last[index]) = (session.first, session.last)
        owners.pointer[index] = sessions.key(of: slot)
        let former = starts.values[Int(slot)]
        if former != Self.absent, former != session.first { moved.append(slot) }
      }
      try remove(moved, sessions, keys)
      for index in 0..<count { starts.values[Int(slots.rows[index])] = first[index] }
      let times = [firsts, lasts].map { Column(type: Self.time, length: count, validity: nil, buffers: [$0]) }
      let columns = try keys.keys(of: owners.pointer, count: count) + times + values(slots)
      put.put(RecordBatch(schema: table.entry, columns: columns, length: count), table: number)
    }
    try gone.take(into: &changes, table: number)
    for case .put(let rows, let table) in put.parts { changes.put(rows, table: table) }
  }

  /// Puts sessions back. A key's come in the order of their times.
  ///
  /// - Returns: the slots, and the columns behind the time of the last row.
  func restore(
    _ entries: RecordBatch, _ sessions: SessionTable, _ keys: any KeyTable
  ) throws(Failure) -> (slots: SlotBuffer, values: ArraySlice<Column>) {
    let restored = try Self.restore(entries, table, sessions, keys)
    changes.markStored(restored.slots.pointer, count: restored.slots.count, slotCount: sessions.slotCount)
    starts.grow(to: sessions.slotCount)
    for index in 0..<restored.slots.count {
      let slot = restored.slots.pointer[index]
      starts.values[Int(slot)] = sessions.session(of: slot).first
    }
    return restored
  }

  /// The same where nothing is noted.
  static func restore(
    _ entries: RecordBatch, _ table: StateTable, _ sessions: SessionTable, _ keys: any KeyTable
  ) throws(Failure) -> (slots: SlotBuffer, values: ArraySlice<Column>) {
    let keyCount = table.key.count
    let (owners, slots) = (SlotBuffer(count: entries.length), SlotBuffer(count: entries.length))
    try keys.find(Array(entries.columns.prefix(keyCount)), rowCount: entries.length, into: owners.pointer)
    let (firsts, lasts) = (entries.columns[keyCount], entries.columns[keyCount + 1])
    let (first, last) = (firsts.values(Int64.self), lasts.values(Int64.self))
    for row in 0..<entries.length {
      slots.pointer[row] = sessions.restore(
        first: first[row], last: last[row], key: owners.pointer[row], keyCount: keys.slotCount)
    }
    withExtendedLifetime((firsts, lasts)) {}
    return (slots, entries.columns.dropFirst(keyCount + 2))
  }
}
