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

  /// The times that rows are kept with; nil where they have none.
  ///
  /// - Parameter table: its index among those of `format`.
  func times(of entries: RecordBatch, table index: Int) throws(Failure) -> EventTimes? {
    let part = format.inputs[index]
    return try times(of: part.rows.rows(of: entries), part)
  }

  private func times(of rows: RestoredRows, _ part: JoinFormat.Input) throws(Failure) -> EventTimes? {
    if part.hasTimes { return try EventTimes(rows.facts[0]) }
    if layout.times.isEmpty { return nil }
    let time = layout.times[part.input]
    return try EventTimes(rows.rows.columns[time.column], shift: time.shift)
  }

  /// - Parameter table: its index among those of `format`.
  @discardableResult
  func restore(_ entries: RecordBatch, table index: Int) throws(Failure) -> Restored {
    let part = format.inputs[index]
    let input = part.input
    let restored = part.rows.rows(of: entries)
    let times = try self.times(of: restored, part)
    var facts = restored.facts[...]
    if part.hasTimes { facts.removeFirst() }
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
protocol RowKeepingJoin: SteppedJoin, DepartingOperator {
  var state: JoinState { get }
  /// From when on there is something to do with a row, by its input and by the time that it is kept with; nil: no row is ever due.
  func dueTime(ofInput input: Int) -> ((Int64) -> Int64)?
}

extension RowKeepingJoin {
  var stateTables: [StateTable] { state.format.tables }
  func trackChanges() { state.trackChanges() }
  func restore(_ entries: RecordBatch, table: Int) throws(Failure) { try state.restore(entries, table: table) }
  func restored() throws(Failure) { try state.settle() }
  func takeChanges(into changes: inout StateChanges) throws(Failure) { try state.takeChanges(into: &changes) }

  var keyColumns: [[Int]] {
    state.layout.keys.map { Array($0.prefix(state.format.tables[0].key.count)) }
  }

  func dueTime(ofInput input: Int) -> ((Int64) -> Int64)? { nil }

  func dueTimes(of entries: RecordBatch, table: Int, after _: Int64) throws(Failure) -> [[Int64]] {
    guard table < state.format.inputs.count, let dueTime = dueTime(ofInput: state.format.inputs[table].input),
      let times = try state.times(of: entries, table: table)
    else { return [] }
    defer { withExtendedLifetime(times) {} }
    return [(0..<times.count).map { min(dueTime(times.pointer[$0]), endOfInput) }]
  }

  func brought() throws(Failure) { try state.settle() }
}
