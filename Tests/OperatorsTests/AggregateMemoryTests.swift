import Arrow
import Base
import Expressions
import Testing
import VolleyPlan

@testable import Operators

@Suite("Memory of aggregates") struct AggregateMemoryTests {
  private static let schema = Schema([Field("v", .int64), Field("t", .utf8)])

  private static func call(_ function: String, _ column: String?) -> Plan.AggregateCall {
    Plan.AggregateCall(function: function, argument: column.map { .column($0) }, name: "\(function) \(column ?? "")")
  }

  private static let batch = {
    let builders = schema.fields.map { ColumnBuilder($0.type) }
    builders[0].append(.int64(1))
    builders[1].append(.utf8("a"))
    return RecordBatch(schema: schema, columns: builders.map { $0.finish() }, length: 1)
  }()

  @Test(
    "that is said to be needed for more slots is as much as is taken, also behind memory that was taken ahead",
    arguments: [
      [call("count", nil), call("sum", "v"), call("max", "v")], [call("max", "t")],
      [call("sum", "v"), call("max", "t")],
      [call("count", nil), call("collect", "t"), call("avg", "v")],
    ])
  func enough(calls: [Plan.AggregateCall]) throws {
    let set = try AggregateSet(calls, input: Self.schema, functions: NoScalarFunctions())
    try set.grow(to: 1_000)
    let ahead = set.byteCount + set.growth(reserving: 50_000)
    try set.reserve(50_000)
    #expect(set.byteCount <= ahead)
    for slotCount in [1_001, 3_000, 20_000, 50_000, 50_001, 120_000] {
      let said = set.byteCount + set.growth(Self.batch, slotCount: slotCount - 1)
      try set.grow(to: slotCount)
      #expect(set.byteCount <= said, "\(slotCount) slots")
    }
  }
}
