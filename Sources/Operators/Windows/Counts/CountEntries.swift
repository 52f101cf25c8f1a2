import Arrow
import Base
import State
import VolleyPlan

/// The entries of sliding windows of a number of rows: what each key is at, and its panes by their numbers.
///
/// A key's panes are numbered as they were begun; that which is being filled has the number behind the last full one. Panes of the
/// front hold what is behind them as well, and the aggregates of the whole back are an entry as a pane is: merged again they are
/// what they were to the last bit.
final class CountEntries {
  /// Of the slots of keys.
  let keys = SlotChanges()
  /// Of the slots of panes.
  let panes = SlotChanges()
  /// By key: the number of its first pane.
  private let firsts = SlotColumn<Int64>(initial: 0)
  /// Addresses of panes that are gone and have entries: keys, which stay as long as the operator, and numbers.
  private var goneKeys: [UInt32] = []
  private var goneNumbers: [Int64] = []

  /// The number of the aggregates of a whole back.
  private static let back: Int64 = -1

  var byteCount: Int { keys.byteCount + panes.byteCount + firsts.byteCount + goneKeys.capacity * 12 }

  static func tables(
    _ windows: Plan.CountWindows, slide: Int, keys: [Field], states: [Field]
  ) -> [StateTable] {
    let name = "\(windows.size) rows, slide \(slide)"
    let counts = ["first_pane", "front", "back", "since_result", "rows"]
    return [
      StateTable("keys of \(name)", key: keys, value: counts.map { Field($0, .int64, nullable: false) }),
      StateTable("panes of \(name)", key: keys, namespace: [Field("number", .int64, nullable: false)], value: states),
    ]
  }

  /// The first panes of a key are given back.
  func forget(_ slots: ArraySlice<UInt32>, of key: UInt32) {
    firsts.grow(to: Int(key) + 1)
    for slot in slots {
      if panes.isStored(slot) {
        goneKeys.append(key)
        goneNumbers.append(firsts.values[Int(key)])
      }
      firsts.values[Int(key)] += 1
    }
    let all = Array(slots)
    _ = panes.forget(all, count: all.count)
  }

  // MARK: Taking

  /// - Parameter first: the number of the first of the two tables.
  func take(
    into changes: inout StateChanges, _ history: CountHistory, _ table: any KeyTable, _ tables: [StateTable]
  ) throws(Failure) {
    firsts.grow(to: table.slotCount)
    try removeGone(into: &changes, table, tables[1])
    try keys.take { slots throws(Failure) in
      let owners = (0..<slots.count).map { slots.rows[$0] }
      try put(owners, into: &changes, history, table, tables[0])
      try putPanes(owners, into: &changes, history, table, tables[1])
    }
    try panes.take { _ throws(Failure) in }
  }

  private func removeGone(
    into changes: inout StateChanges, _ table: any KeyTable, _ panes: StateTable
  ) throws(Failure) {
    defer { (goneKeys, goneNumbers) = ([], []) }
    if goneKeys.isEmpty { return }
    let columns = try table.keys(of: goneKeys, count: goneKeys.count) + [Self.column(goneNumbers)]
    changes.remove(RecordBatch(schema: panes.address, columns: columns, length: goneKeys.count), table: 1)
  }

  private func put(
    _ owners: [UInt32], into changes: inout StateChanges, _ history: CountHistory, _ table: any KeyTable,
    _ keys: StateTable
  ) throws(Failure) {
    let own = owners.map { history.keys.values[Int($0)] }
    let columns =
      try table.keys(of: owners, count: owners.count) + [
        Self.column(owners.map { firsts.values[Int($0)] }), Self.column(own.map { Int64($0.front) }),
        Self.column(own.map { Int64($0.back) }), Self.column(own.map { Int64($0.sinceResult) }),
        Self.column(owners.map { Int64(history.panes.fillingRows(of: $0)) }),
      ]
    changes.put(RecordBatch(schema: keys.entry, columns: columns, length: owners.count), table: 0)
  }

  private func putPanes(
    _ owners: [UInt32], into changes: inout StateChanges, _ history: CountHistory, _ table: any KeyTable,
    _ panes: StateTable
  ) throws(Failure) {
    var (keys, numbers, slots): ([UInt32], [Int64], [UInt32]) = ([], [], [])
    func note(_ slot: UInt32, _ number: Int64, _ key: UInt32) throws(Failure) {
      guard slot != CountTable.none, self.panes.isChanged(slot) else { return }
      keys.append(key)
      numbers.append(number)
      slots.append(slot)
      if slots.count == SlotChanges.blockSlots { try flush() }
    }
    func flush() throws(Failure) {
      if slots.isEmpty { return }
      let columns =
        try table.keys(of: keys, count: keys.count) + [Self.column(numbers)]
        + history.aggregates.states(slots, count: slots.count)
      changes.put(RecordBatch(schema: panes.entry, columns: columns, length: slots.count), table: 1)
      (keys, numbers, slots) = ([], [], [])
    }
    for owner in owners {
      let key = history.keys.values[Int(owner)]
      try note(key.backSlot, Self.back, owner)
      var (pane, number) = (key.first, firsts.values[Int(owner)])
      for _ in 0..<(key.front + key.back) {
        try note(pane, number, owner)
        pane = history.next.values[Int(pane)]
        number += 1
      }
      try note(history.panes.fillingSlot(of: owner), number, owner)
    }
    try flush()
  }

  private static func column(_ numbers: [Int64]) -> Column {
    let buffer = Buffer(byteCount: numbers.count * 8)
    let target = buffer.unsafeMutableValues(Int64.self)
    for (index, number) in numbers.enumerated() { target[index] = number }
    return Column(type: .int64, length: numbers.count, validity: nil, buffers: [buffer])
  }

  // MARK: Putting back

  /// Entries of keys, with the slots that their keys have.
  func restoreKeys(_ rows: RecordBatch, _ owners: SlotBuffer, _ history: CountHistory, keyCount: Int) {
    let columns = rows.columns.suffix(5).map { $0.values(Int64.self) }
    history.keys.grow(to: keyCount)
    firsts.grow(to: keyCount)
    for row in 0..<owners.count {
      let owner = Int(owners.pointer[row])
      firsts.values[owner] = columns[0][row]
      history.keys.values[owner].front = UInt32(columns[1][row])
      history.keys.values[owner].back = UInt32(columns[2][row])
      history.keys.values[owner].sinceResult = UInt32(columns[3][row])
      history.panes.restore(
        owners.pointer[row], slot: CountTable.none, rows: UInt32(columns[4][row]), keyCount: keyCount)
    }
    withExtendedLifetime(rows) {}
    keys.markStored(owners.pointer, count: owners.count, slotCount: keyCount)
  }

  /// Entries of panes, which come in the order of their numbers.
  func restorePanes(_ rows: RecordBatch, _ owners: SlotBuffer, _ history: CountHistory, keyCount: Int) throws(Failure) {
    let slots = SlotBuffer(count: owners.count)
    for row in 0..<owners.count { slots.pointer[row] = history.panes.takeSlot() }
    history.next.grow(to: history.panes.slotCount)
    let column = rows.columns[rows.columns.count - history.aggregates.stateCount - 1]
    let numbers = column.values(Int64.self)
    for row in 0..<owners.count {
      let (owner, slot) = (owners.pointer[row], slots.pointer[row])
      let key = history.keys.values + Int(owner)
      let place = numbers[row] - firsts.values[Int(owner)]
      if numbers[row] == Self.back {
        key.pointee.backSlot = slot
      } else if place == Int64(key.pointee.front + key.pointee.back) {
        history.panes.restore(
          owner, slot: slot, rows: history.panes.restoredRows(of: owner), keyCount: keyCount)
      } else {
        if place == 0 { key.pointee.first = slot } else { history.next.values[Int(key.pointee.last)] = slot }
        key.pointee.last = slot
      }
    }
    withExtendedLifetime(column) {}
    try history.aggregates.grow(to: history.panes.slotCount)
    try history.aggregates.merge(
      slots.pointer, count: slots.count, states: rows.columns.suffix(history.aggregates.stateCount))
    panes.markStored(slots.pointer, count: slots.count, slotCount: history.panes.slotCount)
  }
}
