import Arrow
import Base
import Dataflow
import Expressions
import State
import VolleyPlan

/// Combines the rows of a batch by key before they travel, so that a hot key costs one row per batch and target.
///
/// Output: the key columns, then the states of each aggregate: what `AggregateOperator` takes as partial aggregates.
/// Where keys hardly repeat (`CombineYield`) each row becomes a partial aggregate of its own.
///
/// Rows keep their order within a subtask, so `first`, `last` and `collect` give of combined rows what they give of the
/// rows.
public final class CombineOperator: Operator {
  private let keyIndices: [Int]
  private let output: Schema
  private let keyTypes: [DataType]
  private(set) var table: any KeyTable
  private let aggregates: AggregateSet
  private let arguments: AggregateArguments
  private var yield = CombineYield()

  public init(
    _ calls: [Plan.AggregateCall], keys: [Int], input: Schema, functions: any ScalarFunctionProvider
  ) throws(Failure) {
    keyIndices = keys
    let keyFields = keys.map { input.fields[$0] }
    aggregates = try AggregateSet(calls, input: input, functions: functions)
    arguments = try AggregateArguments(calls, input: input, functions: functions)
    output = Schema(keyFields + (try AggregateSet.stateFields(calls, input: input)))
    keyTypes = keyFields.map(\.type)
    table = makeKeyTable(keyTypes, keepingKeys: false)
  }

  /// The schema of what it emits, for the channel behind it.
  public static func outputSchema(
    _ calls: [Plan.AggregateCall], keys: [Int], input: Schema
  ) throws(Failure) -> Schema {
    Schema(keys.map { input.fields[$0] } + (try AggregateSet.stateFields(calls, input: input)))
  }

  public func open() throws(Failure) { try aggregates.open(with: arguments) }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    let rowCount = batch.rowCount
    if rowCount == 0 { return }
    let keys = keyIndices.map { batch.compactedColumn($0) }
    let inputs = try arguments.evaluate(batch)
    let slotBuffer = Buffer(byteCount: rowCount * MemoryLayout<UInt32>.stride)
    let slots = slotBuffer.unsafeMutableValues(UInt32.self)
    defer { withExtendedLifetime(slotBuffer) {} }
    aggregates.removeAll()
    if yield.passes() {
      for row in 0..<rowCount { slots[row] = UInt32(truncatingIfNeeded: row) }
      try aggregates.grow(to: rowCount)
      try aggregates.update(slots, count: rowCount, inputs: inputs)
      let states = try aggregates.states(slots, count: rowCount)
      try collector.emit(RecordBatch(schema: output, columns: keys + states, length: rowCount), output: 0)
      return
    }
    table.removeAll()
    try table.find(keys, rowCount: rowCount, into: slots)
    try aggregates.grow(to: table.count)
    try aggregates.update(slots, count: rowCount, inputs: inputs)
    let touched = table.touched
    let kept = CombineYield.keptBytes(rowCount)
    if table.byteCount > kept { table = makeKeyTable(keyTypes, keepingKeys: false) }
    let touchedKeys = keys.map { $0.gather(touched.selection) }
    let states = try aggregates.states(touched.slots.values(UInt32.self), count: touched.count)
    aggregates.release(above: kept)
    yield.combined(rowCount, to: touched.count)
    try collector.emit(
      RecordBatch(schema: output, columns: touchedKeys + states, length: touched.count), output: 0)
  }

  public func close() throws(Failure) { try aggregates.close(with: arguments) }
}
