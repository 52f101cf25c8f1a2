import Arrow
import Base
import VolleyPlan

extension Plan.Union: PlannedOperator {
  var kindName: String { "union" }
  var inputCounts: ClosedRange<Int> { 1...Int.max }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    let first = inputs[0]
    for (index, input) in inputs.enumerated().dropFirst() {
      guard input.schema.columnTypes == first.schema.columnTypes else {
        throw Failure(
          .usage,
          "input \(index) has the columns (\(input.schema)), and input 0 has (\(first.schema)); they must be the same")
      }
    }
    return [
      TypedStream(
        Self.schema(inputs.map(\.schema)),
        eventTime: inputs.allSatisfy { $0.eventTime == first.eventTime } ? first.eventTime : nil,
        isChangelog: inputs.contains(where: \.isChangelog))
    ]
  }

  /// Columns are nullable where they are in any input.
  private static func schema(_ inputs: [Schema]) -> Schema {
    if inputs.allSatisfy({ $0 == inputs[0] }) { return inputs[0] }
    return Schema(
      inputs[0].fields.enumerated().map { index, field in
        Field(field.name, field.type, nullable: inputs.contains { $0.fields[index].nullable })
      })
  }
}
