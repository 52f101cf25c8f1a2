import Arrow
import Base
import Expressions
import VolleyPlan

/// What aggregates take of the rows of a batch: expressions over the records' columns, each computed once.
final class AggregateArguments {
  /// What an aggregate takes, by place in `expressions`; nil for what it does without.
  private struct Places {
    var argument: Int?
    var by: Int?
    var filter: Int?
  }

  private let places: [Places]
  private let expressions: BoundProjection

  init(
    _ calls: [Plan.AggregateCall], input: Schema, functions: any ScalarFunctionProvider
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
    self.expressions = try BoundProjection(expressions, schema: input, functions: functions)
  }

  func open() throws(Failure) { try expressions.open() }
  func close() throws(Failure) { try expressions.close() }

  /// What each aggregate takes of the rows of a batch.
  func evaluate(_ batch: RecordBatch) throws(Failure) -> [AggregateInput] {
    let columns = try expressions.evaluate(batch)
    return places.map { places in
      AggregateInput(
        argument: places.argument.map { columns[$0] }, by: places.by.map { columns[$0] },
        condition: places.filter.map { columns[$0] }, count: batch.rowCount)
    }
  }
}

extension Plan.AggregateCall {
  /// An expression of the call so that rows that the filter excludes cannot make it fail: their values are null
  /// instead. A column cannot fail.
  fileprivate func guarded(_ expression: Expression?) -> Expression? {
    guard let expression, let filter else { return expression }
    switch expression {
    case .column, .literal: return expression
    default: return .caseWhen([.init(condition: filter, value: expression)], otherwise: nil)
    }
  }
}
