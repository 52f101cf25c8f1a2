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
    /// The columns of an aggregate of the user's, which takes them as one struct.
    var fields: [(field: Field, place: Int)] = []
  }

  private let places: [Places]
  private let expressions: BoundProjection

  init(
    _ calls: [Plan.AggregateCall], input: Schema, functions: any ScalarFunctionProvider
  ) throws(Failure) {
    var expressions: [Expression] = []
    /// sum(x) and avg(x) read one column.
    func place(_ expression: Expression?) -> Int? { expression.map { placeOf($0) } }
    func placeOf(_ expression: Expression) -> Int {
      if let known = expressions.firstIndex(of: expression) { return known }
      expressions.append(expression)
      return expressions.count - 1
    }
    places = calls.map { call in
      var places = Places(
        argument: place(call.guarded(call.argument)), by: place(call.guarded(call.by)), filter: place(call.filter))
      for argument in call.user?.arguments ?? [] {
        places.fields.append((Field(argument.name, argument.type), placeOf(call.guarded(argument.expression))))
      }
      return places
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
        argument: places.fields.isEmpty
          ? places.argument.map { columns[$0] } : Self.structOf(places.fields, columns, batch.rowCount),
        by: places.by.map { columns[$0] },
        condition: places.filter.map { columns[$0] }, count: batch.rowCount)
    }
  }

  private static func structOf(
    _ fields: [(field: Field, place: Int)], _ columns: [Column], _ rowCount: Int
  ) -> Column {
    Column(
      type: .struct(fields.map(\.field)), length: rowCount, validity: nil, buffers: [],
      children: fields.map { columns[$0.place] })
  }
}

extension Plan.AggregateCall {
  func guarded(_ expression: Expression?) -> Expression? {
    guard let expression else { return nil }
    return guarded(expression)
  }

  /// An expression of the call so that rows that the filter excludes cannot make it fail: their values are null
  /// instead. A column cannot fail.
  fileprivate func guarded(_ expression: Expression) -> Expression {
    guard let filter else { return expression }
    switch expression {
    case .column, .literal: return expression
    default: return .caseWhen([.init(condition: filter, value: expression)], otherwise: nil)
    }
  }
}
