import Arrow
import Expressions
import VolleyPlan

extension TypedStream {
  /// The same rows with some of their columns, in the order that they have here; the key's, and what revises rows, are
  /// always among them.
  func keeping(_ names: Set<String>) -> (stream: TypedStream, columns: [Int]) {
    let kept = schema.fields.indices.filter {
      names.contains(schema.fields[$0].name) || keys.contains($0) || (isChangelog && $0 == 0)
    }
    var stream = self
    stream.schema = Schema(kept.map { schema.fields[$0] })
    stream.keys = keys.compactMap { kept.firstIndex(of: $0) }
    if let time = eventTime, stream.schema.index(of: time.name) == nil { stream.eventTime = nil }
    return (stream, kept)
  }
}

extension [NamedExpression] {
  /// The columns that they read.
  var columnNames: Set<String> { reduce(into: []) { $0.formUnion($1.expression.columnNames) } }
}

extension [Plan.AggregateCall] {
  /// The columns that they read.
  var columnNames: Set<String> {
    reduce(into: []) { names, call in
      let read =
        [call.argument, call.by, call.filter].compactMap { $0 } + (call.user?.arguments.map(\.expression) ?? [])
      for expression in read { names.formUnion(expression.columnNames) }
    }
  }
}
