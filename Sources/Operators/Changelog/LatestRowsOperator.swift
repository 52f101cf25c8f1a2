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
  /// The key's columns in the output. When they are all that there are each row that holds is told, as often as it does.
  private let keys: [Int]
  private let output: Schema
  /// By all columns but `row_kind`.
  private let table: any KeyTable
  private let counts = SlotColumn<Int64>(initial: 0)
  /// By slot: the number of the last row that has come.
  private let arrivals = SlotColumn<Int64>(initial: 0)
  private var arrived: Int64 = 0
  private let reservation: StateReservation
  private let steps = PendingSteps()
  public let stateTables: [StateTable]
  /// Nil when no epochs are taken.
  private var changes: SlotChanges?
  private var gone: GoneEntries

  /// - Parameters:
  ///   - keys: the key's columns in the output, as rows are shared out by them.
  ///   - output: the columns of the input behind `row_kind`, of types that can be keys.
  public init(keys: [Int], output: Schema, context: SubtaskContext) {
    self.keys = keys
    self.output = output
    table = makeKeyTable(output.fields.map(\.type), keepingKeys: true)
    reservation = StateReservation(context.stateMemory)
    stateTables = Self.stateTables(keys: keys, output: output)
    gone = GoneEntries(stateTables[0])
  }

  /// What it keeps: each row that holds, by its key and by its other columns.
  public static func stateTables(keys: [Int], output: Schema) -> [StateTable] {
    [
      StateTable(
        "rows", key: keys.map { output.fields[$0] }, namespace: others(keys, output).map { output.fields[$0] },
        value: [Field("count", .int64, nullable: false), Field("arrival", .int64, nullable: false)])
    ]
  }

  private static func others(_ keys: [Int], _ output: Schema) -> [Int] {
    output.fields.indices.filter { !keys.contains($0) }
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
    changes?.mark(touched, count: table.touched.count, slotCount: table.slotCount)
    if let stored = changes?.forget(gone, count: gone.count) {
      self.gone.add(try address(stored), count: stored.count)
    }
    table.remove(gone, count: gone.count)
  }

  private var byteCount: Int {
    table.byteCount + counts.byteCount + arrivals.byteCount + (changes?.byteCount ?? 0) + gone.byteCount
  }

  public func finish(to collector: any Collector) throws(Failure) {
    var held = (0..<UInt32(table.slotCount)).filter { counts.values[Int($0)] > 0 }
    held.sort { arrivals.values[Int($0)] < arrivals.values[Int($1)] }
    try reservation.set(byteCount + held.count * 16, keyCount: table.count)
    if keys.count < output.fields.count {
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

extension LatestRowsOperator: StatefulOperator {
  public func trackChanges() { changes = SlotChanges() }

  /// Key and other columns of rows.
  private func address(_ slots: Selection) throws(Failure) -> [Column] {
    let columns = try table.keys(of: slots.rows, count: slots.count)
    return (keys + Self.others(keys, output)).map { columns[$0] }
  }

  public func restore(_ entries: RecordBatch, table _: Int) throws(Failure) {
    var columns = entries.columns
    for (index, column) in (keys + Self.others(keys, output)).enumerated() { columns[column] = entries.columns[index] }
    columns.removeLast(2)
    let slots = SlotBuffer(count: entries.length)
    try table.find(columns, rowCount: slots.count, into: slots.pointer)
    counts.grow(to: table.slotCount)
    arrivals.grow(to: table.slotCount)
    let (count, arrival) = (entries.columns[columns.count], entries.columns[columns.count + 1])
    let (countValues, arrivalValues) = (count.values(Int64.self), arrival.values(Int64.self))
    for row in 0..<slots.count {
      counts.values[Int(slots.pointer[row])] = countValues[row]
      arrivals.values[Int(slots.pointer[row])] = arrivalValues[row]
      arrived = max(arrived, arrivalValues[row])
    }
    withExtendedLifetime((count, arrival)) {}
    changes?.markStored(slots.pointer, count: slots.count, slotCount: table.slotCount)
    try reservation.set(byteCount, keyCount: table.count)
  }

  public func takeChanges(into changes: inout StateChanges) throws(Failure) {
    guard let own = self.changes else { preconditionFailure("an operator notes changes before they are taken") }
    try gone.take(into: &changes, table: 0)
    try own.take { slots throws(Failure) in
      let values = [counts, arrivals].map { column in
        let buffer = Buffer(byteCount: slots.count * 8)
        let target = buffer.unsafeMutableValues(Int64.self)
        for index in 0..<slots.count { target[index] = column.values[Int(slots.rows[index])] }
        return Column(type: .int64, length: slots.count, validity: nil, buffers: [buffer])
      }
      changes.put(
        RecordBatch(schema: stateTables[0].entry, columns: try address(slots) + values, length: slots.count), table: 0)
    }
  }
}

/// The last row of each key to arrive, told at the end of the input.
public final class LastRowsOperator: Operator {
  private let keys: [Int]
  private let output: Schema
  private var table: any KeyTable
  private let rows: RankedRows
  public let stateTables: [StateTable]
  /// Nil when no epochs are taken.
  private var changes: SlotChanges?
  private let reservation: StateReservation
  private let steps = PendingSteps()

  /// - Parameter keys: the key's columns.
  public init(keys: [Int], input: Schema, context: SubtaskContext) {
    self.keys = keys
    output = input
    table = makeKeyTable(keys.map { input.fields[$0].type }, keepingKeys: false)
    rows = RankedRows(RankOrder([], takesLast: true, input: input), limit: 1, input: input)
    reservation = StateReservation(context.stateMemory)
    stateTables = Self.stateTables(keys: keys, input: input)
  }

  /// What it keeps: the last row of each key.
  public static func stateTables(keys: [Int], input: Schema) -> [StateTable] {
    [
      StateTable(
        "last rows", key: keys.map { input.fields[$0] },
        value: input.fields.indices.filter { !keys.contains($0) }.map { input.fields[$0] })
    ]
  }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    if batch.rowCount == 0 { return }
    try keep(batch)
    changes?.mark(table.touched.slots.values(UInt32.self), count: table.touched.count, slotCount: table.slotCount)
  }

  private func keep(_ batch: RecordBatch) throws(Failure) {
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

extension LastRowsOperator: DepartingOperator {
  /// None where a key may be a number that is equal to another one and not the same, which an entry does not tell.
  public var keyColumns: [[Int]] {
    [keys.contains { !RowFormat.isExact(output.fields[$0].type) } ? [] : keys]
  }
  public var dueClock: DueClock? { .event }
  public var isDueInTurn: Bool { true }

  /// All are told at the end of the input.
  public func dueTimes(of entries: RecordBatch, table: Int, after time: Int64) -> [[Int64]] {
    time < endOfInput ? [[Int64](repeating: endOfInput, count: entries.length)] : []
  }

  public func trackChanges() {
    changes = SlotChanges()
    table = makeKeyTable(keys.map { output.fields[$0].type }, keepingKeys: true)
  }

  /// The columns in the order in which an entry has them.
  private var entryColumns: [Int] { keys + output.fields.indices.filter { !keys.contains($0) } }

  public func restore(_ entries: RecordBatch, table _: Int) throws(Failure) {
    var columns = entries.columns
    for (index, column) in entryColumns.enumerated() { columns[column] = entries.columns[index] }
    try keep(RecordBatch(schema: output, columns: columns, length: entries.length))
    changes?.markStored(
      table.touched.slots.values(UInt32.self), count: table.touched.count, slotCount: table.slotCount)
  }

  public func takeChanges(into changes: inout StateChanges) throws(Failure) {
    guard let own = self.changes else { preconditionFailure("an operator notes changes before they are taken") }
    try own.take { slots throws(Failure) in
      var lasts = (0..<slots.count).map { rows.rows(slots.rows[$0])[0] }[...]
      while !lasts.isEmpty {
        let count = rows.blockCount(lasts, limit: lasts.count)
        let columns = try rows.columns(lasts.prefix(count), entryColumns)
        changes.put(RecordBatch(schema: stateTables[0].entry, columns: columns, length: count), table: 0)
        lasts = lasts.dropFirst(count)
      }
    }
  }
}
