import Arrow
import Base
import Dataflow
import Expressions
import State
import VolleyPlan

/// Running aggregates of each key, told as changes: once per touched key and batch, and not at all when nothing has changed.
///
/// Output: `row_kind`, the key columns, one column an aggregate. "+I" the results of a new key, "-U" and "+U" those before and after a change,
/// "-D" those of a key whose rows have all been taken back.
public final class ChangelogAggregateOperator: Operator {
  /// What the rows of the input are.
  public enum Input: Sendable {
    /// Records, with the key in these columns.
    case records(keys: [Int])
    /// Partial aggregates from a `CombineOperator`: that many key columns, then states.
    case partials(keyCount: Int)
    /// Rows that may revise former ones, whose kinds are the first column.
    case revisions(keys: [Int])
  }

  private enum Aggregates {
    case records(AggregateSet, AggregateArguments)
    case partials(AggregateSet)
    case revisions(RetractingAggregateSet)
  }

  private let keyIndices: [Int]
  private let output: Schema
  private let table: any KeyTable
  private let aggregates: Aggregates
  /// By slot: the rows of a key, or of partial aggregates.
  private let rows = SlotColumn<Int64>(initial: 0)
  private let reservation: StateReservation

  /// - Parameters:
  ///   - records: the schema of the records, also when partial aggregates arrive: the arguments are typed by it.
  ///   - output: `row_kind`, the key columns, the aggregates.
  public init(
    _ calls: [Plan.AggregateCall], input: Input, records: Schema, output: Schema,
    functions: any ScalarFunctionProvider, memory: StateMemory = StateMemory(limit: .max)
  ) throws(Failure) {
    self.output = output
    reservation = StateReservation(memory)
    var canShrink = false
    switch input {
    case .records(let keys):
      keyIndices = keys
      aggregates = .records(
        try AggregateSet(calls, input: records, functions: functions),
        try AggregateArguments(calls, input: records, functions: functions))
    case .partials(let keyCount):
      keyIndices = Array(0..<keyCount)
      aggregates = .partials(try AggregateSet(calls, input: records, functions: functions))
    case .revisions(let keys):
      keyIndices = keys
      aggregates = .revisions(try RetractingAggregateSet(calls, input: records, functions: functions))
      canShrink = true
    }
    table = makeKeyTable(output.fields.dropFirst().prefix(keyIndices.count).map(\.type), keepingKeys: canShrink)
  }

  public func open() throws(Failure) {
    switch aggregates {
    case .records(let set, let arguments): try set.open(with: arguments)
    case .partials(let set): try set.open(with: nil)
    case .revisions(let set): try set.open()
    }
  }

  public func close() throws(Failure) {
    switch aggregates {
    case .records(let set, let arguments): try set.close(with: arguments)
    case .partials(let set): try set.close(with: nil)
    case .revisions(let set): try set.close()
    }
  }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    let count = batch.rowCount
    if count == 0 { return }
    let keys = keyIndices.map { batch.compactedColumn($0) }
    let growth = table.growth(keys, rowCount: count) + rows.growth(to: table.slotCount + count)
    let slots = SlotBuffer(count: count)
    switch aggregates {
    case .records(let set, let arguments):
      try reserve(growth + set.growth(batch, slotCount: table.count), set.byteCount)
      try find(keys, slots, set)
      let inputs = try arguments.evaluate(batch)
      try change(keys, slots, signs: nil, set.results, to: collector) { () throws(Failure) in
        try set.update(slots.pointer, count: count, inputs: inputs)
      }
    case .partials(let set):
      try reserve(growth + set.growth(batch, slotCount: table.count), set.byteCount)
      try find(keys, slots, set)
      let states = batch.columns.indices.dropFirst(keys.count).map { batch.compactedColumn($0) }
      try change(keys, slots, signs: nil, set.results, to: collector) { () throws(Failure) in
        try set.merge(slots.pointer, count: count, states: states[...])
      }
    case .revisions(let set):
      let signs = try RowSigns(batch.compactedColumn(0))
      let columns = try set.evaluate(batch)
      try reserve(growth + set.growth(columns, rows: count, slotCount: table.slotCount + count), set.byteCount)
      try table.find(keys, rowCount: count, into: slots.pointer)
      set.grow(to: table.slotCount)
      rows.grow(to: table.slotCount)
      try change(keys, slots, signs: signs.pointer, set.results, to: collector) { () throws(Failure) in
        try set.update(slots.pointer, signs: signs.pointer, count: count, columns)
      }
      removeEmpty(set)
      withExtendedLifetime(signs) {}
    }
  }

  private func reserve(_ growth: Int, _ held: Int) throws(Failure) {
    try reservation.set(table.byteCount + rows.byteCount + held + growth, keyCount: table.count)
  }

  private func find(_ keys: [Column], _ slots: SlotBuffer, _ set: AggregateSet) throws(Failure) {
    try table.find(keys, rowCount: slots.count, into: slots.pointer)
    try set.grow(to: table.slotCount)
    rows.grow(to: table.slotCount)
  }

  /// Changes the aggregates, and tells what has changed.
  ///
  /// - Parameter signs: by row, whether it is added or taken back; nil: all are added.
  private func change(
    _ keys: [Column], _ slots: SlotBuffer, signs: UnsafePointer<Int64>?,
    _ results: (UnsafePointer<UInt32>, Int) throws(Failure) -> [Column], to collector: any Collector,
    _ update: () throws(Failure) -> Void
  ) throws(Failure) {
    let touched = table.touched
    let (touchedSlots, count) = (touched.slots.values(UInt32.self), touched.count)
    let former = try results(touchedSlots, count)
    let rows = rows.values
    let wasThere = (0..<count).map { rows[Int(touchedSlots[$0])] > 0 }
    for row in 0..<slots.count { rows[Int(slots.pointer[row])] &+= signs?[row] ?? 1 }
    try update()
    let now = try results(touchedSlots, count)
    var differs = [Bool](repeating: false, count: count)
    for (former, now) in zip(former, now) {
      differs.withUnsafeMutableBufferPointer { flags in
        if let base = flags.baseAddress { now.markDifferences(from: former, base) }
      }
    }
    var told = ChangedRows(count: count)
    for index in 0..<count {
      let isThere = rows[Int(touchedSlots[index])] > 0
      told.append(index, was: wasThere[index], is: isThere, differs: differs[index])
    }
    if told.kinds.isEmpty { return }
    let touchedKeys = keys.map { $0.length == count ? $0 : $0.gather(touched.selection) }
    try collector.emit(told.batch(output, keys: touchedKeys, former: former, now: now), output: 0)
  }

  /// Forgets the touched keys that have no row any more.
  private func removeEmpty(_ set: RetractingAggregateSet) {
    let touched = table.touched
    let slots = touched.slots.values(UInt32.self)
    let empty = (0..<touched.count).map { slots[$0] }.filter { rows.values[Int($0)] == 0 && set.isClear($0) }
    if empty.isEmpty { return }
    set.reset(empty, count: empty.count)
    table.remove(empty, count: empty.count)
  }
}

/// Results of some keys before and after a change, as rows of a changelog.
struct ChangedRows {
  private let count: Int
  private(set) var kinds: [UInt16] = []
  /// Of the keys.
  private var rows: [UInt32] = []
  /// Of the results, those before in front of those after.
  private var sources: [UInt32] = []

  init(count: Int) { self.count = count }

  /// - Parameters:
  ///   - was, is: whether the key had results before, and has some after.
  ///   - differs: whether these are different.
  mutating func append(_ index: Int, was: Bool, is: Bool, differs: Bool) {
    switch (was, `is`) {
    case (false, false): break
    case (false, true): add(.insert, index, isFormer: false)
    case (true, false): add(.delete, index, isFormer: true)
    case (true, true):
      if !differs { break }
      add(.updateBefore, index, isFormer: true)
      add(.updateAfter, index, isFormer: false)
    }
  }

  private mutating func add(_ kind: RowKind, _ index: Int, isFormer: Bool) {
    kinds.append(kind.code)
    rows.append(UInt32(truncatingIfNeeded: index))
    sources.append(UInt32(truncatingIfNeeded: isFormer ? index : index + count))
  }

  /// - Parameter schema: `row_kind`, the key columns, the results.
  func batch(_ schema: Schema, keys: [Column], former: [Column], now: [Column]) throws(Failure) -> RecordBatch {
    var columns = [RowKind.column(kinds)]
    columns += keys.map { $0.gather(rows, count: rows.count) }
    for (former, now) in zip(former, now) {
      columns.append(try Column.concatenate([former, now]).gather(sources, count: sources.count))
    }
    return RecordBatch(schema: schema, columns: columns, length: kinds.count)
  }
}
