import Arrow
import Base
import State
import VolleyPlan

/// What has been told of results that may change, by slot: so that a change is told as what was, and what is. One
/// thread at a time.
final class Revisions {
  /// The states as they were told.
  private let told: AggregateSet
  /// Bits of a slot.
  private let flags = SlotColumn<UInt8>(initial: 0)
  /// Rows of a slot since it was told.
  private let rows = SlotColumn<Int64>(initial: 0)
  /// Slots that have changed since they were told, in the order of their first changes; and some that have been told
  /// since.
  private var changed: [UInt32] = []

  private static let isTold: UInt8 = 1
  private static let isChanged: UInt8 = 2
  /// What stands for it was taken back.
  private static let isOwed: UInt8 = 4

  init(_ aggregates: AggregateSet) { told = aggregates.another() }

  /// Bytes of memory that it holds.
  var byteCount: Int { told.byteCount + flags.byteCount + rows.byteCount + changed.capacity * 4 }

  /// Whether there may be something to tell.
  var hasChanges: Bool { !changed.isEmpty }

  /// Rows have come to these slots; a slot may come more than once.
  ///
  /// - Parameter weights: how many rows each stands for; nil: one.
  func note(_ slots: UnsafePointer<UInt32>, count: Int, weights: UnsafePointer<Int64>?, slotCount: Int) {
    flags.grow(to: slotCount)
    rows.grow(to: slotCount)
    for row in 0..<count {
      let slot = Int(slots[row])
      rows.values[slot] &+= weights.map { $0[row] } ?? 1
      if flags.values[slot] & Self.isChanged == 0 {
        flags.values[slot] |= Self.isChanged
        changed.append(slots[row])
      }
    }
  }

  /// The slots that have changed; they are to be told at once.
  func takeChanged() -> [UInt32] {
    let taken = changed.filter { take($0) }
    changed.removeAll()
    return taken
  }

  /// Those of these slots that have changed by so many rows or more, or that have taken in one that was told; they are to
  /// be told at once. A slot may come more than once.
  func takeChanged(among slots: UnsafePointer<UInt32>, count: Int, byRows least: Int64) -> [UInt32] {
    var taken: [UInt32] = []
    for index in 0..<count {
      let slot = Int(slots[index])
      let isDue = rows.values[slot] >= least || flags.values[slot] & Self.isOwed != 0
      if isDue && take(slots[index]) { taken.append(slots[index]) }
    }
    // Each change that was told has paid for a look at the rest.
    if changed.count > 2 * flags.count + 64 {
      changed = (0..<UInt32(flags.count)).filter { flags.values[Int($0)] & Self.isChanged != 0 }
    }
    return taken
  }

  /// A slot, which is to be forgotten, has become part of another one. What was told of it has been taken back.
  func move(_ slot: UInt32, to other: UInt32) {
    rows.values[Int(other)] &+= rows.values[Int(slot)]
    if flags.values[Int(slot)] & (Self.isTold | Self.isOwed) != 0 { flags.values[Int(other)] |= Self.isOwed }
    if flags.values[Int(other)] & Self.isChanged == 0 {
      flags.values[Int(other)] |= Self.isChanged
      changed.append(other)
    }
  }

  /// Whether the slot has changed; it has no more.
  private func take(_ slot: UInt32) -> Bool {
    let hasChanged = flags.values[Int(slot)] & Self.isChanged != 0
    flags.values[Int(slot)] &= ~Self.isChanged
    return hasChanged
  }

  /// Tells results of slots as they are in `aggregates`.
  ///
  /// - Returns: which of them had been told before, and what.
  func tell(_ slots: [UInt32], as aggregates: AggregateSet) throws(Failure) -> (wasTold: [Bool], results: [Column]) {
    try told.grow(to: flags.count)
    let results = try told.results(slots, count: slots.count)
    let wasTold = slots.map { flags.values[Int($0)] & Self.isTold != 0 }
    told.reset(slots, count: slots.count)
    try told.merge(slots, count: slots.count, states: aggregates.states(slots, count: slots.count)[...])
    for slot in slots {
      flags.values[Int(slot)] = Self.isTold
      rows.values[Int(slot)] = 0
    }
    return (wasTold, results)
  }

  // MARK: Entries

  /// The columns of a slot's entry: what is noted of it, its rows, and what was told.
  static func fields(_ calls: [Plan.AggregateCall], records: Schema) throws(Failure) -> [Field] {
    [Field("flags", .uint8, nullable: false), Field("rows", .int64, nullable: false)]
      + (try AggregateSet.namedStateFields(calls, input: records)).map { Field("told \($0.name)", $0.type) }
  }

  func entries(of slots: Selection) throws(Failure) -> [Column] {
    try told.grow(to: flags.count)
    let (flagBuffer, rowBuffer) = (Buffer(byteCount: slots.count), Buffer(byteCount: slots.count * 8))
    let (ownFlags, ownRows) = (flagBuffer.unsafeMutableValues(UInt8.self), rowBuffer.unsafeMutableValues(Int64.self))
    for index in 0..<slots.count {
      ownFlags[index] = flags.values[Int(slots.rows[index])]
      ownRows[index] = rows.values[Int(slots.rows[index])]
    }
    return [
      Column(type: .uint8, length: slots.count, validity: nil, buffers: [flagBuffer]),
      Column(type: .int64, length: slots.count, validity: nil, buffers: [rowBuffer]),
    ] + (try told.states(slots.rows, count: slots.count))
  }

  /// - Parameter columns: as `entries` gave them.
  func restore(_ slots: SlotBuffer, slotCount: Int, _ columns: ArraySlice<Column>) throws(Failure) {
    flags.grow(to: slotCount)
    rows.grow(to: slotCount)
    try told.grow(to: slotCount)
    let (ownFlags, ownRows) = (columns[columns.startIndex], columns[columns.startIndex + 1])
    let (flagValues, rowValues) = (ownFlags.values(UInt8.self), ownRows.values(Int64.self))
    for index in 0..<slots.count {
      let slot = slots.pointer[index]
      flags.values[Int(slot)] = flagValues[index]
      rows.values[Int(slot)] = rowValues[index]
      if flagValues[index] & Self.isChanged != 0 { changed.append(slot) }
    }
    withExtendedLifetime((ownFlags, ownRows)) {}
    try told.merge(slots.pointer, count: slots.count, states: columns.dropFirst(2))
  }

  // MARK: What was told

  /// Whether a result of the slot has been told.
  func isTold(_ slot: UInt32) -> Bool { Int(slot) < flags.count && flags.values[Int(slot)] & Self.isTold != 0 }

  /// What has been told of slots.
  func results(_ slots: [UInt32]) throws(Failure) -> [Column] { try told.results(slots, count: slots.count) }

  /// Slots are as of nothing told again.
  func forget(_ slots: UnsafePointer<UInt32>, count: Int) {
    for index in 0..<count where Int(slots[index]) < flags.count {
      flags.values[Int(slots[index])] = 0
      rows.values[Int(slots[index])] = 0
    }
    let known = (0..<count).map { slots[$0] }.filter { Int($0) < told.slotCount }
    told.reset(known, count: known.count)
  }
}
