import Arrow
import Base
import Expressions
import VolleyPlan

extension Plan.Aggregate: PlannedOperator {
  var kindName: String { "aggregate" }
  var needsUID: String? { "an operator with state" }
  func arrival(ofInput index: Int) -> Arrival { .keyed }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    try inputs[0].refuseRevisions()
    let fields = inputs[0].keys.map { inputs[0].schema.fields[$0] }
    return [TypedStream(try Schema.checked(fields + aggregates.fields(in: inputs[0].schema)))]
  }

  func summary(_ outputs: [TypedStream]) -> String {
    aggregates.map(\.text).joined(separator: ", ") + (emission == .perRecord ? ", once per record" : "")
  }
}

extension [Plan.AggregateCall] {
  /// The columns that the aggregates of rows with these columns make.
  func fields(in input: Schema) throws(Failure) -> [Field] {
    guard !isEmpty else { throw Failure(.usage, "there is no aggregate; name at least one") }
    var fields: [Field] = []
    for call in self {
      do {
        let signature = try call.signature(in: input)
        fields.append(Field(call.name, signature.result, nullable: signature.function.isNullOfNothing))
      } catch {
        throw error.within("aggregate '\(call.name)'")
      }
    }
    return fields
  }
}

extension TypedStream {
  /// For operators that take each row as a new one.
  func refuseRevisions() throws(Failure) {
    guard isChangelog else { return }
    throw Failure(
      .usage,
      "its input revises rows that it gave before (column '\(Plan.rowKindColumn)'), and this operator takes new rows only; end "
        + "the stream with toSink, or use an operator that gives final rows")
  }
}
