import Arrow
import Base
import Dataflow
import Expressions
import State
import VolleyPlan

/// Combines the rows of a batch by key and pane before they travel, as `CombineOperator` does by key. Makes
/// `WindowPartials`.
public final class WindowCombineOperator: Operator {
  private let keyIndices: [Int]
  private let keyTypes: [DataType]
  private let output: Schema
  private var finder: PaneFinder
  private var table: any KeyTable
  /// Keys of a batch that is in several panes, as slots of `table`, with their panes.
  private let pairs = WordTable(keepingWords: false)
  private let aggregates: AggregateSet
  private let arguments: AggregateArguments
  private var yield = CombineYield()

  public init(
    _ window: Plan.Window, keys: [Int], time: RowTime, input: Schema, functions: any ScalarFunctionProvider
  ) throws(Failure) {
    keyIndices = keys
    keyTypes = keys.map { input.fields[$0].type }
    finder = try PaneFinder(time, window.assigner)
    table = makeKeyTable(keyTypes, keepingKeys: false)
    aggregates = try AggregateSet(window.aggregates, input: input, functions: functions)
    arguments = try AggregateArguments(window.aggregates, input: input, functions: functions)
    output = try WindowPartials.schema(window.aggregates, keys: keys, input: input)
  }

  /// The schema of what it emits, for the channel behind it.
  public static func outputSchema(
    _ window: Plan.Window, keys: [Int], input: Schema
  ) throws(Failure) -> Schema {
    try WindowPartials.schema(window.aggregates, keys: keys, input: input)
  }

  public func open() throws(Failure) { try aggregates.open(with: arguments) }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    let rowCount = batch.rowCount
    if rowCount == 0 { return }
    let split = try finder.split(batch)
    let keys = keyIndices.map { batch.compactedColumn($0) }
    let inputs = try arguments.evaluate(batch)
    aggregates.removeAll()
    let groups =
      yield.passes() ? Groups(rowByRow: rowCount) : try group(keys, rowCount, split)
    try aggregates.grow(to: groups.count)
    try aggregates.update(groups.slots.pointer, count: rowCount, inputs: inputs)
    if groups.first != nil { yield.combined(rowCount, to: groups.count) }
    try emit(groups, keys, split, rowCount, to: collector)
    trim(rowCount)
  }

  public func close() throws(Failure) { try aggregates.close(with: arguments) }

  /// Which rows are combined.
  private struct Groups {
    /// By row.
    var slots: SlotBuffer
    var count: Int
    /// The first row of each group; nil when each row is one.
    var first: Selection?

    init(rowByRow count: Int) {
      slots = SlotBuffer(from: 0, count: count)
      self.count = count
    }

    init(_ slots: SlotBuffer, _ touched: TouchedSlots) {
      self.slots = slots
      count = touched.count
      first = touched.selection
    }
  }

  private func group(_ keys: [Column], _ rowCount: Int, _ split: PaneSplit) throws(Failure) -> Groups {
    table.removeAll()
    let slots = SlotBuffer(count: rowCount)
    try table.find(keys, rowCount: rowCount, into: slots.pointer)
    guard let spanOfRow = split.spanOfRow else { return Groups(slots, table.touched) }
    let spans = spanOfRow.values(UInt32.self)
    let wordBuffer = Buffer(byteCount: rowCount * 8)
    defer { withExtendedLifetime((wordBuffer, spanOfRow)) {} }
    let words = wordBuffer.unsafeMutableValues(UInt64.self)
    for row in 0..<rowCount { words[row] = UInt64(spans[row]) &<< 32 | UInt64(slots.pointer[row]) }
    pairs.removeAll()
    try pairs.find(words, count: rowCount, into: slots.pointer)
    return Groups(slots, pairs.touched)
  }

  private func emit(
    _ groups: Groups, _ keys: [Column], _ split: PaneSplit, _ rowCount: Int, to collector: any Collector
  ) throws(Failure) {
    let count = groups.count
    let (starts, ends, rows) = (
      Buffer(byteCount: count * 8), Buffer(byteCount: count * 8), Buffer(byteCount: count * 8)
    )
    let (start, end) = (starts.unsafeMutableValues(Int64.self), ends.unsafeMutableValues(Int64.self))
    if let spanOfRow = split.spanOfRow {
      let spans = spanOfRow.values(UInt32.self)
      for group in 0..<count {
        let span = split.spans[Int(spans[groups.first.map { Int($0.rows[group]) } ?? group])]
        start[group] = span.start
        end[group] = span.end
      }
    } else {
      start.update(repeating: split.spans[0].start, count: count)
      end.update(repeating: split.spans[0].end, count: count)
    }
    let counts = rows.unsafeMutableValues(Int64.self)
    counts.update(repeating: groups.first == nil ? 1 : 0, count: count)
    if groups.first != nil {
      for row in 0..<rowCount { counts[Int(groups.slots.pointer[row])] &+= 1 }
    }
    let time = output.fields[keys.count].type
    var columns = keys.map { key in groups.first.map { key.gather($0) } ?? key }
    for buffer in [starts, ends] { columns.append(Column(type: time, length: count, validity: nil, buffers: [buffer])) }
    columns.append(Column(type: .int64, length: count, validity: nil, buffers: [rows]))
    let slots = SlotBuffer(from: 0, count: count)
    columns += try aggregates.states(slots.pointer, count: count)
    try collector.emit(RecordBatch(schema: output, columns: columns, length: count), output: 0)
  }

  private func trim(_ rowCount: Int) {
    let kept = CombineYield.keptBytes(rowCount)
    if table.byteCount > kept { table = makeKeyTable(keyTypes, keepingKeys: false) }
    aggregates.release(above: kept)
  }
}
