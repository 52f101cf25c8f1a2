import Arrow
import Base
import Dataflow
import Expressions
import State
import VolleyPlan

/// Aggregates of the last `size` rows of each key, each time `slide` rows have come, and of what is left at the end of
/// the input.
///
/// Output: the key columns, one column an aggregate, in the order of the rows with which windows end.
public final class CountWindowOperator: Operator {
  private let keyIndices: [Int]
  private let arguments: AggregateArguments
  private let table: any KeyTable
  private let panes: CountTable
  /// Nil when each pane is a window.
  private let history: CountHistory?
  private let aggregates: AggregateSet
  /// Keys whose rows are told.
  private var marks = SlotRounds()
  private let schema: Schema
  private let reservation: StateReservation
  public let stateTables: [StateTable]
  /// Of keys, where each pane is a window; nil when no epochs are taken.
  private var changes: SlotChanges?
  private var gone: GoneEntries
  /// While entries are put back.
  private var restoring: CountEntries?

  public init(
    _ window: Plan.Window, _ windows: Plan.CountWindows, keys: [Int], records: Schema, output: Schema,
    functions: any ScalarFunctionProvider, context: SubtaskContext
  ) throws(Failure) {
    keyIndices = keys
    arguments = try AggregateArguments(window.aggregates, input: records, functions: functions)
    aggregates = try AggregateSet(window.aggregates, input: records, functions: functions)
    table = makeKeyTable(keys.map { records.fields[$0].type }, keepingKeys: true)
    let slide = windows.slide ?? windows.size
    let length = WindowSeries.commonDivisor(Int64(windows.size), Int64(slide))
    panes = CountTable(length: Int(length))
    history =
      slide == windows.size
      ? nil
      : CountHistory(size: windows.size / Int(length), slide: slide / Int(length), panes: panes, aggregates: aggregates)
    schema = output
    reservation = StateReservation(context.stateMemory)
    stateTables = try Self.stateTables(
      window, windows, keys: Array(output.fields.prefix(keys.count)), records: records)
    gone = GoneEntries(stateTables[0])
  }

  /// What it keeps: the rows of each key that are not told, or where windows slide its last panes.
  static func stateTables(
    _ window: Plan.Window, _ windows: Plan.CountWindows, keys: [Field], records: Schema
  ) throws(Failure) -> [StateTable] {
    let states = try AggregateSet.namedStateFields(window.aggregates, input: records)
    if let slide = windows.slide, slide != windows.size {
      return CountEntries.tables(windows, slide: slide, keys: keys, states: states)
    }
    return [
      StateTable(
        "windows of \(windows.size) rows", key: keys, value: [Field("rows", .int64, nullable: false)] + states)
    ]
  }

  public func open() throws(Failure) { try aggregates.open(with: arguments) }
  public func close() throws(Failure) { try aggregates.close(with: arguments) }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    let rowCount = batch.rowCount
    if rowCount == 0 { return }
    let keys = keyIndices.map { batch.compactedColumn($0) }
    let growth = table.growth(keys, rowCount: rowCount) + aggregates.growth(batch, slotCount: panes.slotCount)
    try reservation.set(
      byteCount + growth + panes.growth(to: table.slotCount + rowCount)
        + (history?.growth(to: table.slotCount + rowCount, rows: rowCount) ?? 0), keyCount: table.count)
    let (keySlots, slots) = (SlotBuffer(count: rowCount), SlotBuffer(count: rowCount))
    try table.find(keys, rowCount: rowCount, into: keySlots.pointer)
    panes.assign(keys: keySlots.pointer, count: rowCount, keyCount: table.slotCount, to: slots.pointer)
    try aggregates.grow(to: panes.slotCount)
    try aggregates.update(slots.pointer, count: rowCount, inputs: arguments.evaluate(batch))
    let touched = table.touched
    changes?.mark(touched.slots.values(UInt32.self), count: touched.count, slotCount: table.slotCount)
    if let entries = history?.entries {
      entries.keys.mark(touched.slots.values(UInt32.self), count: touched.count, slotCount: table.slotCount)
      entries.panes.mark(slots.pointer, count: rowCount, slotCount: panes.slotCount)
    }
    if panes.full.isEmpty { return }
    if let history {
      try history.add(panes.full, keyCount: table.slotCount) { rows, results throws(Failure) in
        try emit(keys.map { $0.gather(rows, count: rows.count) }, results, rows.count, to: collector)
      }
    } else {
      try tellFull(keys, to: collector)
    }
    try reservation.set(byteCount, keyCount: table.count)
  }

  private var byteCount: Int {
    table.byteCount + panes.byteCount + aggregates.byteCount + marks.byteCount + (history?.byteCount ?? 0)
      + (changes?.byteCount ?? 0)
  }

  /// Tells panes that are windows, and forgets them.
  private func tellFull(_ keys: [Column], to collector: any Collector) throws(Failure) {
    let (rows, slots) = (panes.full.map(\.row), panes.full.map(\.slot))
    let results = try aggregates.results(slots, count: slots.count)
    try emit(keys.map { $0.gather(rows, count: rows.count) }, results, rows.count, to: collector)
    aggregates.reset(slots, count: slots.count)
    var gone: [UInt32] = []
    marks.begin(slotCount: table.slotCount)
    for pane in panes.full where panes.fillingSlot(of: pane.key) == CountTable.none && marks.insert(pane.key) {
      gone.append(pane.key)
    }
    panes.giveBack(slots, count: slots.count)
    if let stored = changes?.forget(gone, count: gone.count) {
      self.gone.add(try table.keys(of: stored.rows, count: stored.count), count: stored.count)
    }
    table.remove(gone, count: gone.count)
  }

  private func emit(_ keys: [Column], _ results: [Column], _ count: Int, to collector: any Collector) throws(Failure) {
    try collector.emit(RecordBatch(schema: schema, columns: keys + results, length: count), output: 0)
  }

  public func finish(to collector: any Collector) throws(Failure) {
    var rest = (history?.unfinishedKeys(keyCount: table.slotCount) ?? panes.keysWithRows)[...]
    while !rest.isEmpty {
      let keys = Array(rest.prefix(WindowRows.batchRows))
      rest = rest.dropFirst(keys.count)
      let results: [Column]
      if let history {
        results = try history.results(keys)
      } else {
        results = try aggregates.results(keys.map { panes.fillingSlot(of: $0) }, count: keys.count)
      }
      try emit(table.keys(of: keys, count: keys.count), results, keys.count, to: collector)
    }
  }
}

extension CountWindowOperator: DepartingOperator {
  public var keyColumns: [[Int]] { [keyIndices] }
  public var dueClock: DueClock? { .event }
  public var isDueInTurn: Bool { true }

  /// Windows that are not full are told at the end of the input.
  public func dueTimes(of entries: RecordBatch, table: Int, after time: Int64) -> [[Int64]] {
    table == 0 && time < endOfInput ? [[Int64](repeating: endOfInput, count: entries.length)] : []
  }

  public func brought() { restoring = nil }

  public func trackChanges() {
    if let history { history.entries = CountEntries() } else { changes = SlotChanges() }
  }

  public func restore(_ rows: RecordBatch, table number: Int) throws(Failure) {
    let owners = SlotBuffer(count: rows.length)
    try table.find(Array(rows.columns.prefix(keyIndices.count)), rowCount: rows.length, into: owners.pointer)
    if let history {
      // What panes are numbered from is needed here in any case.
      let entries = restoring ?? history.entries ?? CountEntries()
      restoring = entries
      if number == 0 {
        entries.restoreKeys(rows, owners, history, keyCount: table.slotCount)
      } else {
        try entries.restorePanes(rows, owners, history, keyCount: table.slotCount)
      }
    } else {
      let counts = rows.columns[keyIndices.count]
      let slots = SlotBuffer(count: rows.length)
      for row in 0..<rows.length {
        slots.pointer[row] = panes.takeSlot()
        panes.restore(
          owners.pointer[row], slot: slots.pointer[row], rows: UInt32(counts.values(Int64.self)[row]),
          keyCount: table.slotCount)
      }
      try aggregates.grow(to: panes.slotCount)
      try aggregates.merge(
        slots.pointer, count: slots.count, states: rows.columns.dropFirst(keyIndices.count + 1))
      changes?.markStored(owners.pointer, count: owners.count, slotCount: table.slotCount)
    }
    try reservation.set(byteCount, keyCount: table.count)
  }

  public func restored() { restoring = nil }

  public func takeChanges(into changes: inout StateChanges) throws(Failure) {
    if let history {
      guard let entries = history.entries else { preconditionFailure("changes are noted before they are taken") }
      history.keys.grow(to: table.slotCount)
      return try entries.take(into: &changes, history, table, stateTables)
    }
    guard let own = self.changes else { preconditionFailure("changes are noted before they are taken") }
    try gone.take(into: &changes, table: 0)
    try own.take { keys throws(Failure) in
      let slots = (0..<keys.count).map { panes.fillingSlot(of: keys.rows[$0]) }
      let rows = Buffer(byteCount: keys.count * 8)
      let counts = rows.unsafeMutableValues(Int64.self)
      for index in 0..<keys.count { counts[index] = Int64(panes.fillingRows(of: keys.rows[index])) }
      let columns =
        try table.keys(of: keys.rows, count: keys.count)
        + [Column(type: .int64, length: keys.count, validity: nil, buffers: [rows])]
        + aggregates.states(slots, count: slots.count)
      changes.put(RecordBatch(schema: stateTables[0].entry, columns: columns, length: keys.count), table: 0)
    }
  }
}
