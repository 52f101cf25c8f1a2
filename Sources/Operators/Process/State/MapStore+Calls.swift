import Arrow
import Base
import State
import VolleyPlan

/// What a call of the function asks of its map.
extension MapStore {
  /// Lends the values of entries.
  func read(
    _ slots: UnsafePointer<UInt32>, count: Int, keys: LentColumn
  ) throws(Failure) {
    let records = addresses(count)
    for row in 0..<count {
      let key = try MapKey(keys, row, keyForm, of: declaration)
      let entry = find(slots[row], key).entry
      let place = entry == 0 ? nil : Optional(place(entry))
      records[row] = place.flatMap { flags($0) & Self.isPresent != 0 ? $0 : nil }
    }
    try record.read(records, count, into: lending)
  }

  /// Row i of the columns becomes the value of an entry of slot `slots[i]`.
  func put(
    _ slots: UnsafePointer<UInt32>, count: Int, keys: LentColumn, values: UnsafePointer<LentColumn>
  ) throws(Failure) {
    // Records move while there are more of them: places are taken when all have room.
    try reserve(count)
    let records = addresses(count)
    for row in 0..<count {
      let key = try MapKey(keys, row, keyForm, of: declaration)
      var (entry, hash) = find(slots[row], key)
      if entry == 0 { entry = try insert(slots[row], key, hash) }
      let place = place(entry)
      touch(place, entry)
      if flags(place) & Self.isChained == 0 { chain(entry, place, slots[row]) }
      set(Self.isPresent, of: place)
      records[row] = place
    }
    try records.withMemoryRebound(to: UnsafeMutableRawPointer.self, capacity: count) { records throws(Failure) in
      try record.write(values, records, count, blocks)
    }
  }

  func remove(_ slots: UnsafePointer<UInt32>, count: Int, keys: LentColumn) throws(Failure) {
    for row in 0..<count {
      let entry = find(slots[row], try MapKey(keys, row, keyForm, of: declaration)).entry
      if entry != 0 { remove(entry) }
    }
  }
}
