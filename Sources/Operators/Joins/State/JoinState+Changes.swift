import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// What of a join's state has changed, and what comes back of it.
extension JoinState {
  /// Rows that have come back.
  struct Restored {
    var slots: SlotBuffer
    /// By which they go; nil where they stay.
    var times: EventTimes?
    var numbers: SlotBuffer
  }

  func trackChanges() {
    entries = format.inputs.map { RowEntries($0.rows, stores[$0.input], notingMarks: $0.hasMarks) }
  }

  func takeChanges(into changes: inout StateChanges) throws(Failure) {
    for (index, entries) in entries.enumerated() {
      let part = format.inputs[index]
      try entries.take(into: &changes, table: index, table) { numbers throws(Failure) in
        try self.facts(of: numbers, part)
      }
    }
    try settle()
  }

  private func facts(of numbers: Selection, _ part: JoinFormat.Input) throws(Failure) -> [Column] {
    defer { withExtendedLifetime(numbers) {} }
    let (store, count) = (stores[part.input], numbers.count)
    var columns: [Column] = []
    if part.hasTimes {
      let times = Buffer(byteCount: count * 8)
      store.times(of: numbers.rows, count: count, into: times.unsafeMutableValues(Int64.self))
      columns.append(Column(type: .timestamp, length: count, validity: nil, buffers: [times]))
    }
    if part.hasMarks { columns.append(store.markColumn(of: numbers)) }
    if part.hasEnds {
      let builder = FixedBuilder<Int64>(.timestamp)
      for index in 0..<count {
        let number = Int(numbers.rows[index])
        let end = number < ends.count ? ends.values[number] : .max
        if end == .max { builder.appendNull() } else { builder.append(end) }
      }
      columns.append(builder.finish())
    }
    if part.equalCount > 0 {
      let slots = SlotBuffer(count: count)
      store.slots(of: numbers.rows, count: count, into: slots.pointer)
      columns += try table.keys(of: slots.pointer, count: count).suffix(part.equalCount)
    }
    return columns
  }

  /// - Parameter table: its index among those of `format`.
  @discardableResult
  func restore(_ entries: RecordBatch, table index: Int) throws(Failure) -> Restored {
    let part = format.inputs[index]
    let input = part.input
    let restored = part.rows.rows(of: entries)
    var facts = restored.facts[...]
    var times: EventTimes?
    if part.hasTimes {
      times = try facts.popFirst().map { times throws(Failure) in try EventTimes(times) }
    } else if !layout.times.isEmpty {
      let time = layout.times[input]
      times = try EventTimes(restored.rows.columns[time.column], shift: time.shift)
    }
    let marks = part.hasMarks ? facts.popFirst() : nil
    let untils = part.hasEnds ? facts.popFirst() : nil
    let rows = restored.rows
    let others =
      part.equalCount > 0
      ? Array(facts) : layout.keys[input].dropFirst(restored.keys.count).map { rows.columns[$0] }
    let batch = JoinBatch(rows, keyColumns: restored.keys + others)
    let slots = try find(batch, input: input)
    if batch.keys.contains(where: { $0.nullCount > 0 }) { setKeyless(slots, where: batch.keys) }
    let numbers = SlotBuffer(count: rows.length)
    try stores[input].append(rows, slots: slots.pointer, times: times?.pointer, numbers: numbers.pointer)
    var isFound = [Bool](repeating: true, count: rows.length)
    if let marks {
      let marked = SlotBuffer((0..<rows.length).filter { marks.bit($0) }.map { numbers.pointer[$0] })
      stores[input].mark(marked)
      if part.hasEnds { for row in 0..<rows.length where marks.bit(row) { isFound[row] = false } }
    }
    if let untils {
      for row in 0..<rows.length {
        let isOpen = !untils.isValid(row)
        setEnd(of: numbers.pointer[row], isOpen ? .max : untils.values(Int64.self)[row])
        if !isOpen { isFound[row] = false }
      }
    }
    stores[input].setRestored(numbers.pointer, count: rows.length, sequences: restored.sequences)
    try addToIndex(rows, numbers, isFound, input: input)
    withExtendedLifetime((restored, slots)) {}
    return Restored(slots: slots, times: times, numbers: numbers)
  }
}

extension RowStore {
  /// Whether rows are marked.
  func markColumn(of numbers: Selection) -> Column {
    let bits = Buffer(byteCount: Bitmap.paddedByteCount(numbers.count))
    withUnsafeTemporaryAllocation(of: Bool.self, capacity: numbers.count) { marks in
      guard let base = marks.baseAddress else { return }
      self.marks(of: numbers.rows, count: numbers.count, into: base)
      for row in 0..<numbers.count { Bitmap.set(bits.unsafeMutableAddress, row, base[row]) }
    }
    return Column(type: .bool, length: numbers.count, validity: nil, buffers: [bits])
  }
}

/// A join whose state is the rows of its inputs, and nothing else.
protocol RowKeepingJoin: SteppedJoin, StatefulOperator {
  var state: JoinState { get }
}

extension RowKeepingJoin {
  var stateTables: [StateTable] { state.format.tables }
  func trackChanges() { state.trackChanges() }
  func restore(_ entries: RecordBatch, table: Int) throws(Failure) { try state.restore(entries, table: table) }
  func restored() throws(Failure) { try state.settle() }
  func takeChanges(into changes: inout StateChanges) throws(Failure) { try state.takeChanges(into: &changes) }
}
