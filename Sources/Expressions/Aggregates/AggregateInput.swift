import Arrow
import VolleyPlan

/// What an aggregate takes of the rows of a batch.
public struct AggregateInput {
  /// Nil for a count of rows.
  public let argument: Column?
  /// The value that orders the rows.
  public let by: Column?

  /// The rows that the condition includes; nil for all.
  let included: Bits?
  /// Of those, the rows whose values that matter are not null: the argument, and the order where there is one; nil for all.
  let complete: Bits?
  /// Of those that are included, the rows that have an order; nil for all.
  let ordered: Bits?
  /// The memory of the bits above.
  private let buffers: [Buffer?]

  /// - Parameters:
  ///   - condition: a bool column; only rows where it is true count.
  ///   - count: rows of each column.
  public init(argument: Column?, by: Column? = nil, condition: Column? = nil, count: Int) {
    self.argument = argument.map(PlainColumn.make)
    self.by = by.map(PlainColumn.make)
    let mask = condition.map { Words(trueRowsOf: $0).buffer }
    // A column without values of its own: rows that are included are the valid ones.
    let masking = mask.map { Column(type: .null, length: count, validity: $0, buffers: []) }
    let complete = commonValidity([self.argument, self.by, masking], count: count)
    let ordered = commonValidity([self.by, masking], count: count)
    included = mask.map { Bits($0.address) }
    self.complete = complete.map { Bits($0.address) }
    self.ordered = ordered.map { Bits($0.address) }
    buffers = [mask, complete, ordered]
  }
}
