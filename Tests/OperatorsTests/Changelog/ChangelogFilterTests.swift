import Arrow
import Base
import Dataflow
import Expressions
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("A filter of rows that revise others")
struct ChangelogFilterTests {
  private let schema = Schema([
    Field(Plan.rowKindColumn, .utf8, nullable: false), Field("k", .int64), Field("v", .int64),
  ])

  @Test("tells what is left of an update as a row that comes or goes")
  func kinds() throws {
    let operation = try ChangelogFilterOperator(
      condition: .call("greater_than", [.column("v"), .literal(.int64(10))]), input: schema,
      functions: NoScalarFunctions())
    try operation.open()
    func send(_ rows: [(String, Int64, Int64?)]) throws -> [String] {
      let collected = Collected()
      try operation.process(
        literalBatch(schema, rows.map { [.utf8($0), .int64($1), $2.map { .int64($0) } ?? .null(.int64)] }), input: 0,
        to: collected)
      return texts(collected)
    }
    #expect(
      try send([
        ("+I", 1, 11), ("-U", 1, 11), ("+U", 1, 12), ("-U", 1, 12), ("+U", 1, 5), ("-U", 1, 5), ("+U", 1, 20),
        ("-U", 1, 20), ("+U", 1, nil), ("-D", 2, 50), ("+I", 3, 1),
      ]) == ["+I 1 11", "-U 1 11", "+U 1 12", "-D 1 12", "+I 1 20", "-D 1 20", "-D 2 50"])
    // The rows of an update that do not stand together stay what they are.
    #expect(try send([("+U", 1, 30), ("-U", 2, 3), ("-U", 1, 30)]) == ["+U 1 30", "-U 1 30"])
    #expect(try send([("+I", 1, 30), ("-U", 1, 30), ("+U", 1, 31)]) == ["+I 1 30", "-U 1 30", "+U 1 31"])
    #expect(try send([("+I", 1, 3)]) == [])
  }
}
