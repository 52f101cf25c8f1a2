import Arrow
import Base
import VolleyPlan

/// An aggregate of the user's. One instance a subtask and place of use, one thread at a time. Legal order: open, then what its
/// accumulators are asked for, close.
public protocol UserAggregate: AnyObject {
  func open() throws(Failure)
  /// An accumulator without slots, also before `open`. Its input's argument is a struct of the arguments' columns. It does not
  /// outlive `close` but to be let go of.
  func makeAccumulator() -> any Accumulator
  func close() throws(Failure)
}

extension Plan.UserAggregate {
  /// The type of its result, over rows of `schema`.
  ///
  /// - Throws: `usage` when the arguments are not what it takes.
  public func check(in schema: Schema) throws(Failure) {
    for argument in arguments {
      let type = try argument.expression.resolvedType(in: schema).type
      guard type == argument.type else {
        throw Failure(
          .usage,
          "the argument '\(argument.name)' is \(type), and the function takes \(argument.type); cast it before, or change the function's "
            + "type")
      }
    }
    if arguments.isEmpty { throw Failure(.usage, "the function takes no argument; give it at least one") }
    if accumulator.isEmpty { throw Failure(.usage, "its accumulator has no columns; declare at least one") }
  }
}

extension AggregateInput {
  /// The rows that count; nil: all.
  public func includedRows(_ count: Int) -> Selection? {
    included.map { included in Words(count: count) { included.word($0, $1) }.selection }
  }
}
