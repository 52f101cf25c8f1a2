import Arrow
import Base
import Dataflow
import Expressions
import State
import VolleyPlan

/// Drops rows before they travel that another row of their batch, window and key is better than. Makes what comes in:
/// input of a `WindowChoiceOperator`.
public final class WindowChoiceFilter: Operator {
  private let keyIndices: [Int]
  private let keyTypes: [DataType]
  private let keys: BestKeys
  private var finder: PaneFinder
  private var table: any KeyTable
  private let bests = SlotColumn<Int64>(initial: .max)
  private var yield = CombineYield()

  public init(
    _ choice: Plan.WindowChoice, keys: [Int], time: RowTime, input: Schema, functions: any ScalarFunctionProvider
  ) throws(Failure) {
    keyIndices = keys
    keyTypes = keys.map { input.fields[$0].type }
    self.keys = try BestKeys(choice, input: input, functions: functions)
    finder = try PaneFinder(time, choice.assigner)
    table = makeKeyTable(keyTypes, keepingKeys: false)
  }

  public func open() throws(Failure) { try keys.open() }
  public func close() throws(Failure) { try keys.close() }

  public func process(_ batch: RecordBatch, input: Int, to collector: any Collector) throws(Failure) {
    if batch.rowCount == 0 { return }
    if !keyIndices.isEmpty, yield.passes() {
      try collector.emit(batch, output: 0)
      return
    }
    let split = try finder.split(batch)
    var kept = 0
    try split.forEach(of: batch) { _, part throws(Failure) in
      let chosen = try choose(part)
      kept += chosen.rowCount
      try collector.emit(chosen, output: 0)
    }
    yield.combined(batch.rowCount, to: kept)
    if table.byteCount > CombineYield.keptBytes(batch.rowCount) {
      table = makeKeyTable(keyTypes, keepingKeys: false)
    }
  }

  private func choose(_ part: RecordBatch) throws(Failure) -> RecordBatch {
    let (rows, order) = try keys.evaluate(part)
    let count = rows.rowCount
    if count == 0 { return rows }
    bests.removeAll()
    let best: Selection?
    if keyIndices.isEmpty {
      bests.grow(to: 1)
      best = BestRows.take(order.values(Int64.self), slots: nil, count: count, bests: bests.values)
    } else {
      let slots = SlotBuffer(count: count)
      table.removeAll()
      try table.find(keyIndices.map { rows.compactedColumn($0) }, rowCount: count, into: slots.pointer)
      bests.grow(to: table.slotCount)
      best = BestRows.take(order.values(Int64.self), slots: slots.pointer, count: count, bests: bests.values)
    }
    withExtendedLifetime(order) {}
    return best.map { rows.selecting($0) } ?? rows
  }
}
