import Arrow
import Base
import State
import VolleyPlan

/// Entries as what outlives the process: each with its place in the order of all, by which chains are put together again.
extension MapStore {
  /// The call put entries at the ends of chains.
  func noteMoves() {
    for move in moves where !move.isLeaving {
      orders.values[Int(move.entry) - 1] = nextOrder
      nextOrder += 1
    }
  }

  /// Entries that are about to be forgotten are gone.
  func lose(_ entries: [UInt32]) {
    guard let changes, let stored = changes.forget(entries.map { $0 - 1 }) else { return }
    let slots = (0..<stored.count).map {
      place(stored.rows[$0] + 1).load(fromByteOffset: Self.slotOffset, as: UInt32.self)
    }
    let memory = LendingColumns(keyLending.fields)
    var (next, first) = (0, 0)
    do throws(Failure) {
      try forEachBlock(keyRecord) {
        if next == stored.count { return nil }
        next += 1
        return place(stored.rows[next - 1] + 1)
      } _: { records, count throws(Failure) in
        let keys = try columns(keyRecord, records, count, memory)
        changes.lose(Array(slots[first..<first + count]), count: count, namespace: keys[0])
        first += count
      }
    } catch {
      preconditionFailure("a block of keys fits a batch: \(error.message)")
    }
    withExtendedLifetime(stored) {}
  }

  func takeEntries(
    _ entries: Selection, _ table: StateTable, _ keys: any KeyTable,
    _ put: (RecordBatch) throws(Failure) -> Void
  ) throws(Failure) {
    let (keyMemory, memory) = (LendingColumns(keyLending.fields), LendingColumns(declaration.schema))
    var (next, first) = (0, 0)
    try forEachBlock(record) {
      if next == entries.count { return nil }
      next += 1
      return place(entries.rows[next - 1] + 1)
    } _: { records, count throws(Failure) in
      let part = Array(UnsafeBufferPointer(start: entries.rows + first, count: count))
      first += count
      let slots = part.map { place($0 + 1).load(fromByteOffset: Self.slotOffset, as: UInt32.self) }
      let order = Buffer(byteCount: count * 8)
      for (index, entry) in part.enumerated() {
        order.unsafeMutableValues(UInt64.self)[index] = orders.values[Int(entry)]
      }
      let columns =
        try keys.keys(of: slots, count: count) + self.columns(keyRecord, records, count, keyMemory)
        + self.columns(record, records, count, memory)
        + [Column(type: .uint64, length: count, validity: nil, buffers: [order])]
        + (timeToLive.map { [$0.writtenColumn(of: part)] } ?? [])
      try put(RecordBatch(schema: table.entry, columns: columns, length: count))
    }
    withExtendedLifetime(entries) {}
  }

  /// Entries, counted from 0, have come back.
  func welcome(_ entries: [UInt32], orders: UnsafePointer<UInt64>) {
    for (index, entry) in entries.enumerated() {
      returning.append((orders[index], entry + 1))
      nextOrder = max(nextOrder, orders[index] + 1)
      if changes != nil { self.orders.values[Int(entry)] = orders[index] }
    }
    changes?.slots.markStored(entries, count: entries.count, slotCount: used)
  }

  /// Puts the entries that have come back into chains, in their order.
  func orderChains() {
    returning.sort { $0.order < $1.order }
    for (_, entry) in returning {
      let place = place(entry)
      let slot = place.load(fromByteOffset: Self.slotOffset, as: UInt32.self)
      unchain(place)
      chain(entry, place, slot)
    }
    returning = []
    endMoves()
  }
}
