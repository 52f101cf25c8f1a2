import Arrow
import TestSupport
import Testing
import VolleyPlan

@testable import State

/// A key table beside a dictionary of what it should hold.
final class KeyTableModel {
  let table: any KeyTable
  let pool: KeyPool
  /// By key, its row in the pool: its slot.
  private(set) var slots: [Int: UInt32] = [:]
  private let hint: String

  init(_ table: any KeyTable, _ pool: KeyPool, _ hint: String) {
    self.table = table
    self.pool = pool
    self.hint = hint
  }

  /// Finds these rows of the pool. A known key has its slot; a new one a slot that nobody has; touched slots come once, in order.
  func find(_ picks: [Int], padding: Int = 0) throws {
    let keys = pool.columns(picks, padding: padding)
    let announced = table.byteCount + table.growth(keys, rowCount: picks.count)
    let formerEnd = table.slotCount
    let formerTaken = Set(slots.values)
    let found = try withSlots(picks.count) { try table.find(keys, rowCount: picks.count, into: $0) }
    #expect(table.byteCount <= announced, "\(hint)")
    var touched: [UInt32] = []
    var firstRows: [UInt32] = []
    var seen: Set<UInt32> = []
    var new: Set<UInt32> = []
    for (row, pick) in picks.enumerated() {
      let key = pool.identities[pick]
      if slots[key] == nil {
        #expect(!formerTaken.contains(found[row]) && !new.contains(found[row]), "row \(row): \(hint)")
        slots[key] = found[row]
        new.insert(found[row])
      }
      #expect(found[row] == slots[key], "row \(row): \(hint)")
      if seen.insert(found[row]).inserted {
        touched.append(found[row])
        firstRows.append(UInt32(row))
      }
    }
    let free = formerEnd - formerTaken.count
    #expect(table.slotCount == formerEnd + max(0, new.count - free), "slots given back go first: \(hint)")
    #expect(table.count == slots.count, "\(hint)")
    let result = table.touched
    #expect(result.count == touched.count, "\(hint)")
    #expect((0..<result.count).map { result.slots.values(UInt32.self)[$0] } == touched, "\(hint)")
    #expect((0..<result.count).map { result.rows.values(UInt32.self)[$0] } == firstRows, "\(hint)")
  }

  func lookup(_ picks: [Int], padding: Int = 0) throws {
    let keys = pool.columns(picks, padding: padding)
    let found = try withSlots(picks.count) { try table.lookup(keys, rowCount: picks.count, into: $0) }
    for (row, pick) in picks.enumerated() {
      #expect(found[row] == slots[pool.identities[pick]] ?? .max, "row \(row): \(hint)")
    }
    #expect(table.count == slots.count, "\(hint)")
  }

  /// Removes these keys, which are there.
  func remove(_ keys: [Int]) {
    let removed = keys.compactMap { slots.removeValue(forKey: $0) }
    removed.withUnsafeBufferPointer { removed in
      if let base = removed.baseAddress { table.remove(base, count: removed.count) }
    }
    #expect(table.count == slots.count, "\(hint)")
    if slots.isEmpty { #expect(table.slotCount == 0, "\(hint)") }
  }

  /// All keys, asked for by their slots.
  func checkKeys() throws {
    let entries = slots.sorted { $0.value < $1.value }
    let columns = try entries.map(\.value).withUnsafeBufferPointer { slots in
      try table.keys(of: slots.baseAddress ?? UnsafePointer(bitPattern: 8)!, count: slots.count)
    }
    #expect(columns.map(\.type) == pool.types, "\(hint)")
    for (index, column) in columns.enumerated() {
      #expect(column.length == entries.count, "\(hint)")
      for (row, entry) in entries.enumerated() {
        let literal = KeyPool.key(column.literal(at: row))
        #expect(literal == KeyPool.key(pool.rows[entry.key][index]), "slot \(entry.value): \(hint)")
      }
    }
  }

  private func withSlots(_ count: Int, _ body: (UnsafeMutablePointer<UInt32>) throws -> Void) rethrows -> [UInt32] {
    var slots = [UInt32](repeating: 0xDEAD, count: count + 1)
    try slots.withUnsafeMutableBufferPointer { try body($0.baseAddress!) }
    #expect(slots.removeLast() == 0xDEAD, "\(hint)")
    return slots
  }
}
