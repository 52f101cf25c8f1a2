import Arrow
import Base
import Expressions
import State
import VolleyPlan

/// The aggregates of a changelog's rows, by slot.
final class RetractingAggregateSet {
  private struct Place {
    var argument: Int?
    var filter: Int?
  }

  private let aggregates: [any RetractingAggregate]
  private let places: [Place]
  private let expressions: BoundProjection

  /// - Precondition: rows can be taken away from each of the aggregates.
  init(
    _ calls: [Plan.AggregateCall], input: Schema, functions: any ScalarFunctionProvider
  ) throws(Failure) {
    var expressions = NamedExpressions()
    places = calls.map { call in
      Place(
        argument: expressions.add(call.guarded(call.argument), "the argument", of: call),
        filter: expressions.add(call.filter, "the filter", of: call))
    }
    var aggregates: [any RetractingAggregate] = []
    for call in calls { aggregates.append(try call.signature(in: input).makeRetracting()) }
    self.aggregates = aggregates
    self.expressions = try expressions.bound(to: input, functions: functions)
  }

  func open() throws(Failure) { try expressions.open() }
  func close() throws(Failure) { try expressions.close() }

  var byteCount: Int { aggregates.reduce(0) { $0 + $1.byteCount } }

  /// What the aggregates take of a batch's rows.
  func evaluate(_ batch: RecordBatch) throws(Failure) -> [Column] { try expressions.evaluate(batch) }

  /// Bytes that a batch may add at worst.
  func growth(_ columns: [Column], rows: Int, slotCount: Int) -> Int {
    zip(aggregates, places).reduce(0) { sum, pair in
      sum + pair.0.growth(pair.1.argument.map { columns[$0] }, rows: rows, slotCount: slotCount)
    }
  }

  func grow(to slotCount: Int) { for aggregate in aggregates { aggregate.grow(to: slotCount) } }

  func update(
    _ slots: UnsafePointer<UInt32>, signs: UnsafePointer<Int64>, count: Int, _ columns: [Column]
  ) throws(Failure) {
    for (aggregate, place) in zip(aggregates, places) {
      let argument = place.argument.map { columns[$0] }
      guard let filter = place.filter.map({ columns[$0] }) else {
        try aggregate.update(slots, weights: signs, count: count, argument)
        continue
      }
      let weights = Buffer(byteCount: max(8, count * 8))
      let values = weights.unsafeMutableValues(Int64.self)
      for row in 0..<count { values[row] = filter.isValid(row) && filter.bit(row) ? signs[row] : 0 }
      try aggregate.update(slots, weights: values, count: count, argument)
      withExtendedLifetime(weights) {}
    }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> [Column] {
    var results: [Column] = []
    for aggregate in aggregates { results.append(try aggregate.results(slots, count: count)) }
    return results
  }

  /// Whether a slot is as one of no rows.
  func isClear(_ slot: UInt32) -> Bool { aggregates.allSatisfy { $0.isClear(slot) } }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    for aggregate in aggregates { aggregate.reset(slots, count: count) }
  }

  // MARK: Entries

  /// Those that keep a row a value.
  var counted: [CountedValues] { aggregates.compactMap { $0 as? CountedValues } }

  func states(_ slots: Selection) -> [Column] { aggregates.flatMap { $0.states(slots) } }

  func restore(_ slots: SlotBuffer, _ columns: ArraySlice<Column>) {
    var rest = columns
    for aggregate in aggregates {
      let count = aggregate.stateFields.count
      aggregate.restore(slots, rest.prefix(count))
      rest = rest.dropFirst(count)
    }
  }

  /// The columns of what is kept of a key, and the tables of those that keep a row a value.
  static func state(
    _ calls: [Plan.AggregateCall], keys: [Field], input: Schema
  ) throws(Failure) -> (fields: [Field], tables: [StateTable]) {
    var (fields, tables): ([Field], [StateTable]) = ([], [])
    for call in calls {
      let aggregate = try call.signature(in: input).makeRetracting()
      fields += aggregate.stateFields.map { Field("\(call.name).\($0.name)", $0.type, nullable: false) }
      guard let counted = aggregate as? CountedValues else { continue }
      tables.append(
        StateTable(
          "values of \(call.name)", key: keys, namespace: [Field("value", counted.valueType, nullable: false)],
          value: [Field("count", .int64, nullable: false)]))
    }
    return (fields, tables)
  }
}
