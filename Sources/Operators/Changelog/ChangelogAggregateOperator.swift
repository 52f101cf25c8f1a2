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
  private var table: any KeyTable
  private let aggregates: Aggregates
  /// By slot: the rows of a key, or of partial aggregates.
  private let rows = SlotColumn<Int64>(initial: 0)
  private let reservation: StateReservation
  public let stateTables: [StateTable]
  /// Nil when no epochs are taken.
  private var changes: SlotChanges?
  /// By table.
  private var gone: [GoneEntries]

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
    let keys = Array(output.fields.dropFirst().prefix(keyIndices.count))
    table = makeKeyTable(keys.map(\.type), keepingKeys: canShrink)
    stateTables = try Self.stateTables(calls, isOfRevisions: canShrink, keys: keys, records: records)
    gone = stateTables.map { GoneEntries($0) }
  }

  /// What it keeps: of each key how many rows it has, and the aggregates; and, where rows may be taken back, the values that are
  /// counted.
  public static func stateTables(
    _ calls: [Plan.AggregateCall], isOfRevisions: Bool, keys: [Field], records: Schema
  ) throws(Failure) -> [StateTable] {
    let rows = [Field("rows", .int64, nullable: false)]
    guard isOfRevisions else {
      return [
        StateTable("aggregates", key: keys, value: rows + (try AggregateSet.namedStateFields(calls, input: records)))
      ]
    }
    let (fields, tables) = try RetractingAggregateSet.state(calls, keys: keys, input: records)
    return [StateTable("aggregates of revised rows", key: keys, value: rows + fields)] + tables
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
      try noteGone(set)
      try removeEmpty(set)
      withExtendedLifetime(signs) {}
    }
  }

  private func reserve(_ growth: Int, _ held: Int) throws(Failure) {
    let noted = (changes?.byteCount ?? 0) + gone.reduce(0) { $0 + $1.byteCount }
    try reservation.set(table.byteCount + rows.byteCount + held + growth + noted, keyCount: table.count)
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
    changes?.mark(touchedSlots, count: count, slotCount: table.slotCount)
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
  private func removeEmpty(_ set: RetractingAggregateSet) throws(Failure) {
    let touched = table.touched
    let slots = touched.slots.values(UInt32.self)
    let empty = (0..<touched.count).map { slots[$0] }.filter { rows.values[Int($0)] == 0 && set.isClear($0) }
    if empty.isEmpty { return }
    set.reset(empty, count: empty.count)
    if let stored = changes?.forget(empty, count: empty.count) {
      gone[0].add(try table.keys(of: stored.rows, count: stored.count), count: stored.count)
    }
    table.remove(empty, count: empty.count)
  }
}

extension ChangelogAggregateOperator: DepartingOperator {
  public var keyColumns: [[Int]] { [keyIndices] }

  public func trackChanges() {
    changes = SlotChanges()
    table = makeKeyTable(stateTables[0].key.map(\.type), keepingKeys: true)
    if case .revisions(let set) = aggregates { for counted in set.counted { counted.trackChanges() } }
  }

  /// Values that are there no more: told while their keys are there.
  private func noteGone(_ set: RetractingAggregateSet) throws(Failure) {
    guard changes != nil else { return }
    for (index, counted) in set.counted.enumerated() {
      try counted.takeGone { groups, values throws(Failure) in
        let keys = try table.keys(of: groups.values(UInt32.self), count: groups.length)
        gone[index + 1].add(keys + [values], count: groups.length)
      }
    }
  }

  public func restore(_ entries: RecordBatch, table number: Int) throws(Failure) {
    let keys = Array(entries.columns.prefix(keyIndices.count))
    let slots = SlotBuffer(count: entries.length)
    try table.find(keys, rowCount: slots.count, into: slots.pointer)
    let values = entries.columns.dropFirst(keys.count)
    if number > 0 {
      guard case .revisions(let set) = aggregates, let value = values.first, let count = values.last else {
        preconditionFailure("only rows that are taken back have their values counted")
      }
      try set.counted[number - 1].restore(slots, values: value, counts: count)
      return try reserve(0, set.byteCount)
    }
    rows.grow(to: table.slotCount)
    guard let rowColumn = values.first else { preconditionFailure("an entry has the number of its rows") }
    let counts = rowColumn.values(Int64.self)
    for row in 0..<slots.count { rows.values[Int(slots.pointer[row])] = counts[row] }
    withExtendedLifetime(rowColumn) {}
    switch aggregates {
    case .records(let set, _), .partials(let set):
      try set.grow(to: table.slotCount)
      try set.merge(slots.pointer, count: slots.count, states: values.dropFirst())
      try reserve(0, set.byteCount)
    case .revisions(let set):
      set.grow(to: table.slotCount)
      set.restore(slots, values.dropFirst())
      try reserve(0, set.byteCount)
    }
    changes?.markStored(slots.pointer, count: slots.count, slotCount: table.slotCount)
  }

  public func takeChanges(into changes: inout StateChanges) throws(Failure) {
    guard let own = self.changes else { preconditionFailure("an operator notes changes before they are taken") }
    for index in gone.indices { try gone[index].take(into: &changes, table: index) }
    try own.take { slots throws(Failure) in
      let states =
        switch aggregates {
        case .records(let set, _), .partials(let set): try set.states(slots.rows, count: slots.count)
        case .revisions(let set): set.states(slots)
        }
      let columns =
        try table.keys(of: slots.rows, count: slots.count)
        + [slotColumn(.int64, slots) { rows.values[Int($0)] }] + states
      changes.put(RecordBatch(schema: stateTables[0].entry, columns: columns, length: slots.count), table: 0)
    }
    guard case .revisions(let set) = aggregates else { return }
    for (index, counted) in set.counted.enumerated() {
      try counted.takeChanges { groups, values, counts throws(Failure) in
        let keys = try table.keys(of: groups.values(UInt32.self), count: groups.length)
        changes.put(
          RecordBatch(
            schema: stateTables[index + 1].entry, columns: keys + [values, counts], length: groups.length),
          table: index + 1)
      }
    }
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
