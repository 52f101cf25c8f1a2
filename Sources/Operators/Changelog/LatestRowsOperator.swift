import Arrow
import Base
import Dataflow
import State
import VolleyPlan

/// What a changelog amounts to, told at the end of the input: the rows that were not taken back, or of each key the
/// last one of these.
///
/// Rows are kept as long as they hold, whatever the order in which those of several subtasks come: one may be taken
/// back before it comes.
public final class LatestRowsOperator: Operator {
  /// The key's columns in the output; nil: each row that holds is told, as often as it does.
  private let keys: [Int]?
  private let output: Schema
  /// By all columns but `row_kind`.
  private let table: any KeyTable
  private let counts = SlotColumn<Int64>(initial: 0)
  /// By slot: the number of the last row that has come.
  private let arrivals = SlotColumn<Int64>(initial: 0)
  private var arrived: Int64 = 0
  private let reservation: StateReservation
  private let steps = PendingSteps()

  /// - Parameters:
  ///   - keys: the key's columns in the output; nil: all.
  ///   - output: the columns of the input behind `row_kind`, of types that can be keys.
  public init(keys: [Int]?, output: Schema, context: SubtaskContext) {
    self.keys = keys
    self.output = output
    table = makeKeyTable(output.fields.map(\.type), keepingKeys: true)
    reservation = StateReservation(context.stateMemory)
  }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    let count = batch.rowCount
    if count == 0 { return }
    let signs = try RowSigns(batch.compactedColumn(0))
    let columns = batch.columns.indices.dropFirst().map { batch.compactedColumn($0) }
    let slotCount = table.slotCount + count
    let growth = table.growth(columns, rowCount: count) + counts.growth(to: slotCount) + arrivals.growth(to: slotCount)
    try reservation.set(byteCount + growth, keyCount: table.count)
    let slots = SlotBuffer(count: count)
    try table.find(columns, rowCount: count, into: slots.pointer)
    counts.grow(to: table.slotCount)
    arrivals.grow(to: table.slotCount)
    let (counts, arrivals) = (counts.values, arrivals.values)
    for row in 0..<count {
      let slot = Int(slots.pointer[row])
      counts[slot] &+= signs.pointer[row]
      arrived &+= 1
      if signs.pointer[row] > 0 { arrivals[slot] = arrived }
    }
    withExtendedLifetime(signs) {}
    let touched = table.touched.slots.values(UInt32.self)
    let gone = (0..<table.touched.count).map { touched[$0] }.filter { counts[Int($0)] == 0 }
    table.remove(gone, count: gone.count)
  }

  private var byteCount: Int { table.byteCount + counts.byteCount + arrivals.byteCount }

  public func finish(to collector: any Collector) throws(Failure) {
    var held = (0..<UInt32(table.slotCount)).filter { counts.values[Int($0)] > 0 }
    held.sort { arrivals.values[Int($0)] < arrivals.values[Int($1)] }
    try reservation.set(byteCount + held.count * 16, keyCount: table.count)
    if let keys {
      held = try last(held, of: keys)
    } else if held.contains(where: { counts.values[Int($0)] > 1 }) {
      held = held.flatMap { [UInt32](repeating: $0, count: Int(counts.values[Int($0)])) }
    }
    var start = 0
    steps.loop { [self, held] () throws(Failure) in
      let part = Array(held[start..<min(held.count, start + WindowRows.batchRows)])
      if part.isEmpty { return false }
      start += part.count
      let columns = try table.keys(of: part, count: part.count)
      steps.give(RecordBatch(schema: output, columns: columns, length: part.count))
      return start < held.count
    }
    try steps.run(to: collector)
  }

  public var hasMore: Bool { !steps.isEmpty }
  public func proceed(to collector: any Collector) throws(Failure) { try steps.run(to: collector) }
  public func close() throws(Failure) { steps.removeAll() }

  /// Of rows in their order, the last one of each key.
  private func last(_ held: [UInt32], of keys: [Int]) throws(Failure) -> [UInt32] {
    let groups = makeKeyTable(keys.map { output.fields[$0].type }, keepingKeys: false)
    var lasts: [UInt32] = []
    for start in stride(from: 0, to: held.count, by: WindowRows.batchRows) {
      let part = Array(held[start..<min(held.count, start + WindowRows.batchRows)])
      let columns = try table.keys(of: part, count: part.count)
      let found = SlotBuffer(count: part.count)
      try groups.find(keys.map { columns[$0] }, rowCount: part.count, into: found.pointer)
      lasts.append(contentsOf: repeatElement(0, count: groups.slotCount - lasts.count))
      for (index, slot) in part.enumerated() { lasts[Int(found.pointer[index])] = slot }
      try reservation.set(byteCount + held.count * 16 + groups.byteCount, keyCount: table.count)
    }
    return lasts
  }
}

/// The last row of each key to arrive, told at the end of the input.
public final class LastRowsOperator: Operator {
  private let keys: [Int]
  private let output: Schema
  private let table: any KeyTable
  private let rows: RankedRows
  private let reservation: StateReservation
  private let steps = PendingSteps()

  /// - Parameter keys: the key's columns.
  public init(keys: [Int], input: Schema, context: SubtaskContext) {
    self.keys = keys
    output = input
    table = makeKeyTable(keys.map { input.fields[$0].type }, keepingKeys: false)
    rows = RankedRows(RankOrder([], takesLast: true, input: input), limit: 1, input: input)
    reservation = StateReservation(context.stateMemory)
  }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    if batch.rowCount == 0 { return }
    let columns = keys.map { batch.compactedColumn($0) }
    let growth =
      table.growth(columns, rowCount: batch.rowCount) + rows.growth(rows: batch.rowCount, slotCount: table.slotCount)
    try reservation.set(table.byteCount + rows.byteCount + growth, keyCount: table.count)
    let slots = SlotBuffer(count: batch.rowCount)
    try table.find(columns, rowCount: batch.rowCount, into: slots.pointer)
    let changes = try rows.rank(batch, slots.pointer, slotCount: table.slotCount)
    withExtendedLifetime(slots) {}
    var removed: [RankedRow] = []
    for (index, slot) in changes.slots.enumerated() {
      RankedRows.findRemoved(changes.former(index), rows.rows(slot), &removed)
    }
    try rows.keep(batch, changes, slotCount: table.slotCount) { bytes throws(Failure) in
      try reservation.set(table.byteCount + rows.byteCount + bytes, keyCount: table.count)
    }
    rows.remove(removed)
  }

  public func finish(to collector: any Collector) throws(Failure) {
    var start = 0
    steps.loop { [self] () throws(Failure) in
      var lasts = (start..<min(table.slotCount, start + WindowRows.batchRows)).map { rows.rows(UInt32($0))[0] }[...]
      if lasts.isEmpty { return false }
      lasts = lasts.prefix(rows.blockCount(lasts, limit: lasts.count))
      start += lasts.count
      let columns = try rows.columns(lasts, Array(output.fields.indices))
      steps.give(RecordBatch(schema: output, columns: columns, length: lasts.count))
      return start < table.slotCount
    }
    try steps.run(to: collector)
  }

  public var hasMore: Bool { !steps.isEmpty }
  public func proceed(to collector: any Collector) throws(Failure) { try steps.run(to: collector) }
  public func close() throws(Failure) { steps.removeAll() }
}
