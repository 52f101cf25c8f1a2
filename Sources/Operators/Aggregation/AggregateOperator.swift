import Arrow
import Base
import Dataflow
import Expressions
import State
import VolleyPlan

/// Running aggregates of each key.
///
/// Output: the key columns, then one column an aggregate, either once per touched key and batch, in the order of the
/// keys' first rows in the batch, or once per record.
public final class AggregateOperator: Operator {
  /// What the rows of the input are.
  public enum Input: Sendable {
    /// Records, with the key in these columns.
    case records(keys: [Int])
    /// Partial aggregates from a `CombineOperator`: that many key columns, then states.
    case partials(keyCount: Int)
  }

  private let inputKind: Input
  private let keyIndices: [Int]
  private let output: Schema
  private let emission: Plan.Emission
  private let table: any KeyTable
  private let aggregates: AggregateSet
  /// Nil when partial aggregates arrive: their arguments were evaluated where they were made.
  private let arguments: AggregateArguments?
  private let reservation: StateReservation

  /// - Parameters:
  ///   - records: the schema of the records, also when partial aggregates arrive: the arguments are typed by it.
  ///   - output: the key columns, then the aggregates.
  ///   - memory: what keys and aggregates may take.
  public init(
    _ calls: [Plan.AggregateCall], input: Input, records: Schema, output: Schema, emission: Plan.Emission,
    functions: any ScalarFunctionProvider, memory: StateMemory = StateMemory(limit: .max)
  ) throws(Failure) {
    inputKind = input
    reservation = StateReservation(memory)
    switch input {
    case .records(let keys): keyIndices = keys
    case .partials(let keyCount):
      precondition(emission == .perBatch, "records cannot be told apart once they are combined")
      keyIndices = Array(0..<keyCount)
    }
    self.output = output
    self.emission = emission
    table = makeKeyTable(output.fields.prefix(keyIndices.count).map(\.type), keepingKeys: false)
    aggregates = try AggregateSet(calls, input: records, functions: functions)
    switch input {
    case .records: arguments = try AggregateArguments(calls, input: records, functions: functions)
    case .partials: arguments = nil
    }
  }

  public func open() throws(Failure) { try aggregates.open(with: arguments) }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    let rowCount = batch.rowCount
    if rowCount == 0 { return }
    let keys = keyIndices.map { batch.compactedColumn($0) }
    let growth = table.growth(keys, rowCount: rowCount) + aggregates.growth(batch, slotCount: table.count)
    try reservation.set(table.byteCount + aggregates.byteCount + growth, keyCount: table.count)
    let slotBuffer = Buffer(byteCount: rowCount * MemoryLayout<UInt32>.stride)
    let slots = slotBuffer.unsafeMutableValues(UInt32.self)
    try table.find(keys, rowCount: rowCount, into: slots)
    try aggregates.grow(to: table.count)
    defer { withExtendedLifetime(slotBuffer) {} }

    switch inputKind {
    case .partials(let keyCount):
      let states = batch.columns.indices.dropFirst(keyCount).map { batch.compactedColumn($0) }
      try aggregates.merge(slots, count: rowCount, states: states[...])
    case .records:
      guard let arguments else { preconditionFailure("records have arguments") }
      let inputs = try arguments.evaluate(batch)
      if emission == .perRecord {
        let results = try aggregates.updateRunning(slots, count: rowCount, inputs: inputs)
        try collector.emit(RecordBatch(schema: output, columns: keys + results, length: rowCount), output: 0)
        return
      }
      try aggregates.update(slots, count: rowCount, inputs: inputs)
    }
    try emitTouched(keys, to: collector)
  }

  public func close() throws(Failure) { try aggregates.close(with: arguments) }

  private func emitTouched(_ keys: [Column], to collector: any Collector) throws(Failure) {
    let touched = table.touched
    let touchedKeys = keys.map { $0.length == touched.count ? $0 : $0.gather(touched.selection) }
    let results = try aggregates.results(touched.slots.values(UInt32.self), count: touched.count)
    try collector.emit(
      RecordBatch(schema: output, columns: touchedKeys + results, length: touched.count), output: 0)
  }
}
