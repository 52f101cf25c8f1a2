import Arrow
import Base
import Expressions
import VolleyPlan

/// What the aggregates of a keyed operator need: argument expressions over the input, and accumulators by slot.
///
/// One instance a subtask. `AggregateOperator` and `CombineOperator` are the two that use it.
final class AggregateSet {
  /// By aggregate: its place in `arguments`, nil for a count of rows.
  private let argumentIndex: [Int?]
  /// Nil when partial aggregates arrive: their arguments were evaluated where they were made.
  private let arguments: BoundProjection?
  let accumulators: [any Accumulator]

  /// - Parameter functions: nil when only partial aggregates are merged.
  init(
    _ calls: [Plan.AggregateCall], input: Schema, functions: (any ScalarFunctionProvider)?
  ) throws(Failure) {
    var expressions: [Expression] = []
    var argumentIndex: [Int?] = []
    var accumulators: [any Accumulator] = []
    for call in calls {
      if let argument = call.argument {
        // sum(x) and avg(x) read one column.
        let index = expressions.firstIndex(of: argument) ?? expressions.count
        if index == expressions.count { expressions.append(argument) }
        argumentIndex.append(index)
        accumulators.append(
          try makeAccumulator(call.function, argument: try argument.resolvedType(in: input).type))
      } else {
        argumentIndex.append(nil)
        accumulators.append(try makeAccumulator(call.function, argument: nil))
      }
    }
    self.argumentIndex = argumentIndex
    self.accumulators = accumulators
    if let functions {
      arguments = try BoundProjection(expressions, schema: input, functions: functions)
    } else {
      arguments = nil
    }
  }

  func open() throws(Failure) { try arguments?.open() }
  func close() throws(Failure) { try arguments?.close() }

  /// The argument of each aggregate over the rows of a batch.
  func evaluate(_ batch: RecordBatch) throws(Failure) -> [Column?] {
    guard let arguments else { preconditionFailure("partial aggregates have no arguments") }
    let columns = try arguments.evaluate(batch)
    return argumentIndex.map { index in index.map { columns[$0] } }
  }

  func grow(to slotCount: Int) {
    for accumulator in accumulators { accumulator.grow(to: slotCount) }
  }

  /// Row i goes into slot `slots[i]`.
  func update(_ slots: UnsafePointer<UInt32>, count: Int, arguments: [Column?]) throws(Failure) {
    for (accumulator, argument) in zip(accumulators, arguments) {
      try accumulator.update(slots, count: count, argument: argument)
    }
  }

  /// The same; gives the aggregates of each row's slot right after that row.
  func updateRunning(
    _ slots: UnsafePointer<UInt32>, count: Int, arguments: [Column?]
  ) throws(Failure) -> [Column] {
    var results: [Column] = []
    for (accumulator, argument) in zip(accumulators, arguments) {
      results.append(try accumulator.updateRunning(slots, count: count, argument: argument))
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

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> [Column] {
    accumulators.map { $0.results(slots, count: count) }
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) -> [Column] {
    accumulators.flatMap { $0.states(slots, count: count) }
  }

  /// Bytes of memory that the accumulators hold.
  var byteCount: Int { accumulators.reduce(0) { $0 + $1.byteCount } }

  func removeAll() {
    for accumulator in accumulators { accumulator.removeAll() }
  }

  /// The columns that `states` gives, after the keys. Their names cannot collide with a plan's: those are not empty.
  var stateFields: [Field] {
    accumulators.flatMap(\.stateTypes).map { Field("", $0) }
  }
}
