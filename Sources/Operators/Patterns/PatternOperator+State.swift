import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// What of a pattern outlives the process.
extension PatternOperator {
  public static func stateTables(_ pattern: Plan.Pattern, keys: [Int], input: Schema) -> [StateTable] {
    PatternFormat(pattern, keys: keys, input: input).tables
  }

  public var stateTables: [StateTable] { format.tables }

  public func trackChanges() {
    entries = RowEntries(format.rows, store, notingMarks: true)
    goneMatches = GoneEntries(format.matches)
    matcher.matches.notes = MatchNotes()
  }

  /// Reads the keys of what is gone: before a key is.
  func settle() throws(Failure) {
    guard let notes = matcher.matches.notes else { return }
    try entries?.settle(table)
    let gone = notes.takeGone()
    for first in stride(from: 0, to: gone.slots.count, by: SlotChanges.blockSlots) {
      let part = first..<min(gone.slots.count, first + SlotChanges.blockSlots)
      let keys = try table.keys(of: Array(gone.slots[part]), count: part.count)
      goneMatches?.add(keys + [Self.column(Array(gone.sequences[part]))], count: part.count)
    }
  }

  private static func column(_ numbers: [UInt64]) -> Column {
    let buffer = Buffer(byteCount: numbers.count * 8)
    buffer.unsafeMutableValues(UInt64.self).update(from: numbers, count: numbers.count)
    return Column(type: .uint64, length: numbers.count, validity: nil, buffers: [buffer])
  }

  public func takeChanges(into changes: inout StateChanges) throws(Failure) {
    try settle()
    try entries?.take(into: &changes, table: 0, table) { numbers throws(Failure) in
      [matcher.metColumn(of: numbers), store.markColumn(of: numbers)]
    }
    try goneMatches?.take(into: &changes, table: 1)
    guard let notes = matcher.matches.notes else { return }
    try notes.changes.take { matches throws(Failure) in
      changes.put(try self.entries(of: matches, notes), table: 1)
    }
    try reservation.set(byteCount, keyCount: table.count)
  }

  private func entries(of matches: Selection, _ notes: MatchNotes) throws(Failure) -> RecordBatch {
    defer { withExtendedLifetime(matches) {} }
    let all = (0..<matches.count).map { matches.rows[$0] }
    var columns = try table.keys(of: all.map { notes.slot($0) }, count: all.count)
    columns.append(Self.column(all.map { notes.sequence($0) }))
    for step in 0..<pattern.steps.count - 1 {
      let builder = FixedBuilder<UInt64>(.uint64)
      for match in all {
        if step < matcher.matches.step(match) {
          var (number, sequence) = (matcher.matches.row(match, step), UInt64(0))
          store.sequences(of: &number, count: 1, into: &sequence)
          builder.append(sequence)
        } else {
          builder.appendNull()
        }
      }
      columns.append(builder.finish())
    }
    return RecordBatch(schema: format.matches.entry, columns: columns, length: all.count)
  }

  public func restore(_ entries: RecordBatch, table index: Int) throws(Failure) {
    if index == 0 { try restoreRows(entries) } else { try restoreMatches(entries) }
  }

  private func slots(of keys: [Column], count: Int) throws(Failure) -> SlotBuffer {
    let slots = SlotBuffer(count: count)
    try table.find(keys, rowCount: count, into: slots.pointer)
    store.grow(to: table.slotCount)
    matcher.grow(to: table.slotCount)
    return slots
  }

  private func restoreRows(_ entries: RecordBatch) throws(Failure) {
    let restored = format.rows.rows(of: entries)
    let count = entries.length
    let growth =
      table.growth(restored.keys, rowCount: count)
      + store.growth(appending: restored.rows, slotCount: table.slotCount + count)
      + matcher.growth(rows: count, slotCount: table.slotCount, numberCount: store.rowCount)
    try reservation.set(byteCount + growth, keyCount: table.count)
    let slots = try slots(of: restored.keys, count: count)
    let (times, numbers) = (try time.values(of: restored.rows), SlotBuffer(count: count))
    try store.append(restored.rows, slots: slots.pointer, times: times.values(Int64.self), numbers: numbers.pointer)
    matcher.keep(numbers.pointer, met: restored.facts[0].values(UInt32.self), count: count)
    let seen = (0..<count).filter { restored.facts[1].bit($0) }
    store.mark(SlotBuffer(seen.map { numbers.pointer[$0] }))
    store.setRestored(numbers.pointer, count: count, sequences: restored.sequences)
    hasSeen = hasSeen || !seen.isEmpty
    for row in seen {
      let name = PatternFormat.RowName(slot: slots.pointer[row], sequence: restored.sequences[row])
      returning = returning ?? [:]
      returning?[name] = numbers.pointer[row]
    }
    withExtendedLifetime((restored, times)) {}
  }

  private func restoreMatches(_ entries: RecordBatch) throws(Failure) {
    let keyCount = format.matches.key.count
    let slots = try slots(of: Array(entries.columns.prefix(keyCount)), count: entries.length)
    let steps = entries.columns.dropFirst(keyCount + 1)
    for row in 0..<entries.length {
      let slot = slots.pointer[row]
      var rows: [UInt32] = []
      for step in steps where step.isValid(row) {
        let name = PatternFormat.RowName(slot: slot, sequence: step.values(UInt64.self)[row])
        guard let number = returning?[name] else {
          throw Failure(
            .data, "a match of a pattern has row \(name.sequence), which its state does not; go on from another epoch")
        }
        rows.append(number)
      }
      guard var first = rows.first else { continue }
      var time: Int64 = 0
      store.times(of: &first, count: 1, into: &time)
      matcher.restore(slot, rows, time: time, sequence: entries.columns[keyCount].values(UInt64.self)[row])
    }
  }

  public var keyColumns: [[Int]] { [keys] }
  public var dueClock: DueClock? { .event }

  /// When a row is looked at, and when a match that it begins is out of time.
  public func dueTimes(of entries: RecordBatch, table: Int, after _: Int64) throws(Failure) -> [[Int64]] {
    if table > 0 { return [] }
    let rows = format.rows.rows(of: entries)
    let times = try time.values(of: rows.rows)
    let values = times.values(Int64.self)
    defer { withExtendedLifetime(times) {} }
    func due(_ row: Int, _ later: Int64) -> Int64 { min(values[row].addingClamped(later), endOfInput) }
    let seen = rows.facts[1]
    return [
      (0..<entries.length).map { seen.bit($0) ? .max : due($0, 1) },
      (0..<entries.length).map { due($0, pattern.within) },
    ]
  }

  public func brought() throws(Failure) { try restored() }

  public func restored() throws(Failure) {
    returning = nil
    try reservation.set(byteCount, keyCount: table.count)
  }
}

extension RowStore {
  /// Those of rows that have no mark.
  func withoutMarked(_ numbers: [UInt32]) -> [UInt32] {
    let marks = markedRows(SlotBuffer(numbers))
    return numbers.indices.filter { !marks[$0] }.map { numbers[$0] }
  }
}
