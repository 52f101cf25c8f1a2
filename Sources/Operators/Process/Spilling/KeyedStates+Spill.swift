import Arrow
import Base
import State

extension KeyedStates {
  /// The slots of keys that have something. Between calls.
  func slotsInUse() -> Selection {
    var slots: [UInt32] = []
    let records = keyRecords
    for slot in 0..<UInt32(truncatingIfNeeded: min(table.slotCount, recordCount)) {
      if records[slot].pointee.references > 0 { slots.append(slot) }
    }
    return Selection(slots.map { Int($0) })
  }

  /// Those of some slots whose keys have something. Between calls.
  func inUse(_ slots: Selection) -> Selection {
    let buffer = Buffer(byteCount: slots.count * 4)
    let (target, records) = (buffer.unsafeMutableValues(UInt32.self), keyRecords)
    var count = 0
    for index in 0..<slots.count {
      let slot = slots.rows[index]
      target[count] = slot
      count &+= records[slot].pointee.references > 0 ? 1 : 0
    }
    return Selection(indices: buffer, count: count)
  }

  /// What these keys have is in the database, and here no more; nor are they. Their timers are gone already.
  func forget(_ slots: Selection) {
    for store in stores { store.forget(slots) }
    let records = keyRecords
    for index in 0..<slots.count { records[slots.rows[index]].pointee = KeyRecord() }
    table.remove(slots.rows, count: slots.count)
  }

  // MARK: Use of memory

  /// By store: what is in use.
  var uses: [StoreUse] { stores.map(\.use) }

  /// A call of rows, or of timers, was committed, before which this was in use.
  func noteUse(since before: [StoreUse], rows: Int) { StoreUse.note(since: before, uses, rows: rows, in: &mostUse) }

  /// Bytes that a call of so many rows takes for states, by what former ones took.
  ///
  /// - Parameter brought: what a thousand keys use that are brought; nil when none are.
  func growth(calling rows: Int, bringing brought: [StoreUse]?) -> Int {
    var growth = 0
    for (index, store) in stores.enumerated() {
      var more = mostUse[index]
      if let brought {
        more.entries += brought[index].entries
        more.blockBytes += brought[index].blockBytes
      }
      let scaled = StoreUse(entries: more.entries * rows / 1_000 + 1, blockBytes: more.blockBytes * rows / 1_000)
      growth += store.growth(using: scaled)
    }
    return growth
  }
}

extension StoreUse {
  /// Notes what rows have used, a thousand of them: much counts at once, little in the course of time.
  static func note(since before: [StoreUse], _ after: [StoreUse], rows: Int, in most: inout [StoreUse]) {
    guard rows > 0 else { return }
    for index in most.indices {
      let entries = (after[index].entries - before[index].entries) * 1_000 / rows
      let bytes = (after[index].blockBytes - before[index].blockBytes) * 1_000 / rows
      most[index].entries = max(entries, most[index].entries - most[index].entries / 64)
      most[index].blockBytes = max(bytes, most[index].blockBytes - most[index].blockBytes / 64)
    }
  }
}
