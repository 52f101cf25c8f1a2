import Arrow
import Base
import Expressions
import VolleyPlan

/// What the aggregates of a keyed operator need: expressions over the input, and accumulators by slot.
///
/// One instance a subtask. `AggregateOperator` and `CombineOperator` are the two that use it.
final class AggregateSet {
  /// What an aggregate takes, by place in `expressions`; nil for what it does without.
  private struct Places {
    var argument: Int?
    var by: Int?
    var filter: Int?
  }

  private let places: [Places]
  /// Nil when partial aggregates arrive: their arguments were evaluated where they were made.
  private let expressions: BoundProjection?
  private let signatures: [AggregateSignature]
  private var accumulators: [any Accumulator]
  /// Slots that the accumulators have memory for: they double it.
  private var capacity = 0

  /// - Parameter functions: nil when only partial aggregates are merged.
  init(
    _ calls: [Plan.AggregateCall], input: Schema, functions: (any ScalarFunctionProvider)?
  ) throws(Failure) {
    var expressions: [Expression] = []
    /// sum(x) and avg(x) read one column.
    func place(_ expression: Expression?) -> Int? {
      guard let expression else { return nil }
      if let known = expressions.firstIndex(of: expression) { return known }
      expressions.append(expression)
      return expressions.count - 1
    }
    places = calls.map {
      Places(
        argument: place($0.guarded($0.argument)), by: place($0.guarded($0.by)), filter: place($0.filter))
    }
    var signatures: [AggregateSignature] = []
    for call in calls { signatures.append(try call.signature(in: input)) }
    self.signatures = signatures
    accumulators = signatures.map { $0.makeAccumulator() }
    if let functions {
      self.expressions = try BoundProjection(expressions, schema: input, functions: functions)
    } else {
      self.expressions = nil
    }
  }

  func open() throws(Failure) { try expressions?.open() }
  func close() throws(Failure) { try expressions?.close() }

  /// What each aggregate takes of the rows of a batch.
  func evaluate(_ batch: RecordBatch) throws(Failure) -> [AggregateInput] {
    guard let expressions else { preconditionFailure("partial aggregates have no arguments") }
    let columns = try expressions.evaluate(batch)
    return places.map { places in
      AggregateInput(
        argument: places.argument.map { columns[$0] }, by: places.by.map { columns[$0] },
        condition: places.filter.map { columns[$0] }, count: batch.rowCount)
    }
  }

  func grow(to slotCount: Int) throws(Failure) {
    if slotCount > capacity { capacity = max(slotCount, 2 * capacity, 64) }
    for accumulator in accumulators { try accumulator.grow(to: slotCount) }
  }

  /// Row i goes into slot `slots[i]`.
  func update(_ slots: UnsafePointer<UInt32>, count: Int, inputs: [AggregateInput]) throws(Failure) {
    for (accumulator, input) in zip(accumulators, inputs) {
      try accumulator.update(slots, count: count, input)
    }
  }

  /// The same; gives the aggregates of each row's slot right after that row.
  func updateRunning(
    _ slots: UnsafePointer<UInt32>, count: Int, inputs: [AggregateInput]
  ) throws(Failure) -> [Column] {
    var results: [Column] = []
    for (accumulator, input) in zip(accumulators, inputs) {
      results.append(try accumulator.updateRunning(slots, count: count, input))
    }
    return results
  }

  /// Row i of partial aggregates, all aggregates' states side by side, goes into slot `slots[i]`.
  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: ArraySlice<Column>) throws(Failure) {
    var rest = states
    for accumulator in accumulators {
      let own = Array(rest.prefix(accumulator.stateTypes.count))
      rest = rest.dropFirst(own.count)
      try accumulator.merge(slots, count: count, states: own)
    }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> [Column] {
    var results: [Column] = []
    for accumulator in accumulators { results.append(try accumulator.results(slots, count: count)) }
    return results
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> [Column] {
    var states: [Column] = []
    for accumulator in accumulators { states += try accumulator.states(slots, count: count) }
    return states
  }

  /// Bytes of memory that the accumulators hold.
  var byteCount: Int { accumulators.reduce(0) { $0 + $1.byteCount } }

  /// Bytes that a batch may add at worst, about: a key for each row, states that double, and twice the values themselves.
  func growth(_ batch: RecordBatch, slotCount: Int) -> Int {
    let wanted = slotCount + batch.rowCount
    let values = 2 * batch.columns.reduce(0) { $0 + $1.byteCount }
    guard wanted > capacity else { return values }
    // Before the first batch nothing is known of what a slot takes.
    let perSlot = capacity == 0 ? 32 * accumulators.count : byteCount / capacity + 1
    return values + (max(wanted, 2 * capacity) - capacity) * perSlot
  }

  func removeAll() {
    for accumulator in accumulators { accumulator.removeAll() }
  }

  /// Forgets all slots and gives their memory back when it is more than so many bytes an aggregate.
  func release(above limit: Int) {
    guard byteCount > limit * accumulators.count else { return }
    accumulators = signatures.map { $0.makeAccumulator() }
    capacity = 0
  }

  /// The columns that `states` gives, after the keys. Their names cannot collide with a plan's: those are not empty.
  var stateFields: [Field] {
    accumulators.flatMap(\.stateTypes).map { Field("", $0) }
  }
}

extension Plan.AggregateCall {
  /// An expression of the call so that rows that the filter excludes cannot make it fail: their values are null instead. A column
  /// cannot fail.
  fileprivate func guarded(_ expression: Expression?) -> Expression? {
    guard let expression, let filter else { return expression }
    switch expression {
    case .column, .literal: return expression
    default: return .caseWhen([.init(condition: filter, value: expression)], otherwise: nil)
    }
  }
}
