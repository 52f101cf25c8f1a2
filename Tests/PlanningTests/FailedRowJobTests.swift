import Arrow
import Base
import Testing
import VolleyPlan

@testable import Planning

/// What a job says of the row that stops it.
@Suite("The row that stops a job")
struct FailedRowJobTests {
  private let fields = [
    Field("item", .utf8), Field("price", .int64), Field("count", .int64),
    Field("ts", .timestamp(.microsecond, timezone: nil), nullable: false),
  ]

  /// Rows of which the third one cannot be divided, and the last one neither.
  private var batch: RecordBatch {
    let rows: [(String, Int64?, Int64)] = [("pen", 6, 2), ("ink", nil, 3), ("cap", 7, 0), ("nib", 8, 4), ("box", 9, 0)]
    let builders = fields.map { ColumnBuilder($0.type) }
    for (index, row) in rows.enumerated() {
      builders[0].append(.utf8(row.0))
      builders[1].append(row.1.map { .int64($0) } ?? .null(.int64))
      builders[2].append(.int64(row.2))
      builders[3].append(.timestamp(Int64(index) * 1_000_000, .microsecond, timezone: nil))
    }
    return RecordBatch(schema: Schema(fields), columns: builders.map { $0.finish() }, length: rows.count)
  }

  private let each = Expression.call("divide", [.column("price"), .column("count")])

  private func node(_ id: Int, _ operation: Plan.Operator, uid: String? = nil) -> Plan.Node {
    Plan.Node(id: id, uid: uid, inputs: [Plan.Input(node: id - 1)], operator: operation)
  }

  private func failure(_ operators: [(Plan.Operator, uid: String?)]) -> String {
    var nodes = [memorySource(0, fields)]
    for (index, step) in operators.enumerated() { nodes.append(node(index + 1, step.0, uid: step.uid)) }
    nodes.append(memorySink(operators.count + 1, from: operators.count))
    do {
      _ = try MemoryCode([[batch]]).run(nodes, parallelism: 1)
      return "no failure"
    } catch { return error.message }
  }

  private func over(_ sum: String, _ function: String = "sum", filter: Expression? = nil) -> [Plan.AggregateCall] {
    [.init(function: function, argument: each, name: sum, filter: filter)]
  }

  private let cap = "in the row (item: 'cap', price: 7, count: 0, ts: 1970-01-01T00:00:02): divide: 7 / 0 has no result"
  private let keyByItem = Plan.Operator.keyBy(Plan.KeyBy(keys: [NamedExpression("item", .column("item"))]))

  @Test("is told with all that the operator sees of it, and with the column")
  func columns() {
    let all = fields.map { NamedExpression($0.name, .column($0.name)) }
    let select = Plan.Operator.select(Plan.Select(columns: all + [NamedExpression("each", each)]))
    let text = failure([(select, nil)])
    #expect(text.contains("stage 'select': column 'each', \(cap); keep such rows out with a filter"), "\(text)")
  }

  @Test("is told behind a filter, whose rows are a selection")
  func selection() {
    let filter = Plan.Operator.filter(
      Plan.Filter(condition: .call("not_equal", [.column("item"), .literal(.utf8("cap"))])))
    let select = Plan.Operator.select(Plan.Select(columns: [NamedExpression("each", each)]))
    let text = failure([(filter, nil), (select, nil)])
    #expect(text.contains("column 'each', in the row (") && text.contains("price: 9, count: 0"), "\(text)")
    #expect(text.contains("item: 'box'") && text.contains("divide: 9 / 0 has no result"), "\(text)")
  }

  @Test("is told with the condition")
  func condition() {
    let text = failure([(.filter(Plan.Filter(condition: .call("greater_than", [each, .literal(.int64(1))]))), nil)])
    #expect(text.contains("stage 'filter': the condition ((price / count) > 1), \(cap)"), "\(text)")
  }

  @Test("is told of a key that is computed")
  func key() {
    let keys = Plan.Operator.keyBy(Plan.KeyBy(keys: [NamedExpression("each", each)]))
    let count = Plan.Operator.aggregate(
      Plan.Aggregate(
        aggregates: [.init(function: "count", argument: .column("item"), name: "n")], emission: .perBatch))
    let text = failure([(keys, nil), (count, "counts")])
    #expect(text.contains("column 'each', in the row (") && text.contains("price: 7, count: 0"), "\(text)")
  }

  @Test("is told of an aggregate's argument and filter, of running ones and of windows")
  func aggregates() {
    for emission in [Plan.Emission.perBatch, .perRecord, .changelog] {
      let sum = Plan.Operator.aggregate(Plan.Aggregate(aggregates: over("total"), emission: emission))
      let text = failure([(keyByItem, nil), (sum, "sums")])
      #expect(text.contains("the argument of 'total', in the row (item: 'cap', price: 7, count: 0"), "\(text)")
    }
    let isLarge = Expression.call("greater_than", [each, .literal(.int64(1))])
    let counts = Plan.Operator.aggregate(
      Plan.Aggregate(
        aggregates: [.init(function: "count", argument: nil, name: "n", filter: isLarge)], emission: .perBatch))
    let text = failure([(keyByItem, nil), (counts, "counts")])
    #expect(text.contains("the filter of 'n', in the row (item: 'cap', price: 7, count: 0"), "\(text)")
    for scope in [Plan.WindowScope.key, .all] {
      let window = Plan.Operator.window(
        Plan.Window(
          assigner: .tumbling(Plan.TumblingWindows(size: 60_000_000)), scope: scope, aggregates: over("total")))
      let time = Plan.Operator.eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0))
      let text = failure([(time, "times")] + (scope == .key ? [(keyByItem, nil)] : []) + [(window, "w")])
      #expect(text.contains("the argument of 'total', in the row (item: 'cap', price: 7, count: 0"), "\(text)")
    }
  }
}
