import Arrow
import Base
import Expressions
import VolleyPlan

/// Expressions of aggregates, each once: sum(x) and avg(x) read one column.
struct NamedExpressions {
  private var expressions: [Expression] = []
  private var names: [String] = []

  /// Where the expression is; nil for none.
  ///
  /// - Parameter role: what it is of the aggregate: "the argument".
  mutating func add(_ expression: Expression?, _ role: String, of call: Plan.AggregateCall) -> Int? {
    guard let expression else { return nil }
    return place(of: expression, "\(role) of '\(call.name)'")
  }

  /// - Parameter name: what failures call it, if it is new.
  mutating func place(of expression: Expression, _ name: String) -> Int {
    if let known = expressions.firstIndex(of: expression) { return known }
    expressions.append(expression)
    names.append(name)
    return expressions.count - 1
  }

  func bound(to schema: Schema, functions: any ScalarFunctionProvider) throws(Failure) -> BoundProjection {
    try BoundProjection(expressions, called: names, schema: schema, functions: functions)
  }
}

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
    var expressions = NamedExpressions()
    places = calls.map { call in
      var places = Places(
        argument: expressions.add(call.guarded(call.argument), "the argument", of: call),
        by: expressions.add(call.guarded(call.by), "the 'by'", of: call),
        filter: expressions.add(call.filter, "the filter", of: call))
      for argument in call.user?.arguments ?? [] {
        let place = expressions.place(
          of: call.guarded(argument.expression), "the argument '\(argument.name)' of '\(call.name)'")
        places.fields.append((Field(argument.name, argument.type), place))
      }
      return places
    }
    self.expressions = try expressions.bound(to: input, functions: functions)
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
