import Arrow
import Base
import Dataflow
import Expressions
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("Running aggregates as changes")
struct ChangelogAggregateTests {
  private typealias Call = Plan.AggregateCall

  private func operation(
    _ calls: [Call], _ input: ChangelogAggregateOperator.Input, _ records: Schema, keys: [String] = ["k"],
    memory: StateMemory = StateMemory(limit: .max)
  ) throws -> ChangelogAggregateOperator {
    let output = try Schema(
      [Field(Plan.rowKindColumn, .utf8, nullable: false)] + keys.map { records.fields[records.index(of: $0)!] }
        + calls.map { Field($0.name, try $0.signature(in: records).result) })
    let operation = try ChangelogAggregateOperator(
      calls, input: input, records: records, output: output, functions: NoScalarFunctions(), memory: memory)
    try operation.open()
    return operation
  }

  @Test("tell a new key, a change, and nothing where nothing has changed", arguments: [false, true])
  func records(isCombined: Bool) throws {
    let schema = Schema([Field("k", .utf8), Field("v", .int64), Field("s", .utf8)])
    let calls = [
      Call(function: "max", argument: .column("v"), name: "high"),
      Call(function: "min", argument: .column("s"), name: "low"),
    ]
    let combine = try CombineOperator(calls, keys: [0], input: schema, functions: NoScalarFunctions())
    try combine.open()
    let operation = try operation(calls, isCombined ? .partials(keyCount: 1) : .records(keys: [0]), schema)
    func send(_ rows: [(String?, Int64?, String)]) throws -> [String] {
      let batch = literalBatch(
        schema, rows.map { [$0.map { .utf8($0) } ?? .null(.utf8), $1.map { .int64($0) } ?? .null(.int64), .utf8($2)] })
      let (partials, collected) = (Collected(), Collected())
      if isCombined { try combine.process(batch, input: 0, to: partials) } else { partials.batches = [batch] }
      for batch in partials.batches { try operation.process(batch, input: 0, to: collected) }
      return texts(collected)
    }
    #expect(try send([("a", 5, "m"), (nil, nil, "x"), ("a", 7, "m")]) == ["+I a 7 m", "+I null null x"])
    #expect(try send([("a", 6, "n")]) == [])
    #expect(try send([("b", 1, "q"), ("a", 9, "z")]) == ["+I b 1 q", "-U a 7 m", "+U a 9 m"])
    #expect(try send([(nil, 3, "x"), ("b", 1, "a")]) == ["-U null null x", "+U null 3 x", "-U b 1 q", "+U b 1 a"])
  }

  private static let retracting: [Call] =
    [
      Call(function: "count", argument: nil, name: "rows"),
      Call(function: "count", argument: .column("i"), name: "values"),
      Call(function: "sum", argument: .column("i"), name: "sum"),
      Call(function: "avg", argument: .column("i"), name: "avg"),
      Call(function: "sum", argument: .column("f"), name: "fsum"),
      Call(function: "avg", argument: .column("f"), name: "favg"),
      Call(function: "count_distinct", argument: .column("s"), name: "ds"),
      Call(function: "count_distinct", argument: .column("f"), name: "df"),
      Call(function: "sum", argument: .column("i"), name: "some", filter: .column("b")),
    ]
    + ["i", "l", "f", "b", "ts"].flatMap { column in
      ["min", "max"].map { Call(function: $0, argument: .column(column), name: "\($0)_\(column)") }
    }

  /// The same of rows, computed from all of them: k, i, l, f, b, s, ts.
  private static func expected(_ rows: [[Value]]) -> [Value] {
    func column(_ index: Int) -> [Value] { rows.map { $0[index].asKey }.filter { $0 != .null } }
    func ints(_ rows: [[Value]]) -> [Int64] {
      rows.compactMap { if case .int(let value) = $0[1] { value } else { nil } }
    }
    let all = ints(rows)
    let some = ints(rows.filter { $0[4] == .bool(true) })
    let isNaN = column(3).contains(.text("NaN"))
    let numbers = column(3).compactMap { if case .double(let value) = $0 { value } else { nil } }
    let floats = isNaN ? .nan : numbers.reduce(0, +)
    func extremes(_ index: Int) -> [Value] {
      // A NaN is passed over unless there is nothing else.
      let values = column(index).filter { $0 != .text("NaN") }
      let sorted = values.sorted { left, right in
        switch (left, right) {
        case (.int(let left), .int(let right)): left < right
        case (.double(let left), .double(let right)): left < right
        case (.bool(let left), .bool(let right)): !left && right
        default: false
        }
      }
      return [sorted.first ?? column(index).first ?? .null, sorted.last ?? column(index).first ?? .null]
    }
    return [
      .int(Int64(rows.count)), .int(Int64(all.count)), all.isEmpty ? .null : .int(all.reduce(0, +)),
      all.isEmpty ? .null : .double(Double(all.reduce(0, +)) / Double(all.count)),
      column(3).isEmpty ? .null : .double(floats),
      column(3).isEmpty ? .null : .double(floats / Double(column(3).count)), .int(Int64(Set(column(5)).count)),
      .int(Int64(Set(column(3)).count)), some.isEmpty ? .null : .int(some.reduce(0, +)),
    ] + [1, 2, 3, 4, 6].flatMap(extremes)
  }

  private static func close(_ left: [Value], _ right: [Value]) -> Bool {
    left.count == right.count
      && zip(left, right).allSatisfy { left, right in
        if case .double(let left) = left.asKey, case .double(let right) = right.asKey {
          return abs(left - right) <= 1e-9 * max(1, abs(right))
        }
        return left.asKey == right.asKey
      }
  }

  @Test("sums of finite values that go beyond what there is come back")
  func beyond() throws {
    let schema = Schema([
      Field(Plan.rowKindColumn, .utf8, nullable: false), Field("k", .int64), Field("f", .float64),
    ])
    let operation = try operation(
      [Call(function: "sum", argument: .column("f"), name: "s")], .revisions(keys: [1]), schema)
    func send(_ rows: (String, Double)...) throws -> String? {
      let collected = Collected()
      try operation.process(
        literalBatch(schema, rows.map { [.utf8($0), .int64(1), .float64($1)] }), input: 0, to: collected)
      return texts(collected).last
    }
    let (value, other): (Double, Double) = (1e308, 1.5e308)
    let rest: Double = value - (other - value)
    #expect(try send(("+I", 1e308), ("+I", 2.5)) == "+I 1 1e+308")
    #expect(try send(("+I", 1e308)) == "+U 1 inf")
    #expect(try send(("+I", -1.5e308)) == "+U 1 \(rest)")
    #expect(try send(("-D", 1e308), ("-D", 1e308), ("+I", 1.5e308)) == "+U 1 2.5")
    #expect(try send(("-D", -1.5e308), ("-D", 1.5e308), ("+I", -1.7e308), ("+I", -1.7e308)) == "+U 1 -inf")
    #expect(try send(("+I", .infinity)) == "+U 1 inf")
    #expect(try send(("-D", .infinity), ("-D", -1.7e308)) == "+U 1 -1.7e+308")
    #expect(try send(("-D", -1.7e308)) == "+U 1 2.5")
  }

  @Test("take rows back, in whatever order they come and go", arguments: [["k"], ["k", "b"]])
  func retractions(keys: [String]) throws {
    var random = SeededGenerator()
    let schema = ChangingRows.schema
    let operation = try operation(
      Self.retracting, .revisions(keys: keys.map { schema.index(of: $0)! }), schema, keys: keys)
    let keyIndices = keys.map { schema.index(of: $0)! - 1 }
    var changing = ChangingRows()
    var told: [[Value]: [Value]] = [:]
    for step in 0..<120 {
      let isLast = step % 30 == 29
      let batch =
        isLast
        ? changing.settle()
        : changing.next(Int.random(in: 1...40, using: &random), growing: step % 30 < 15, &random)
      let collected = Collected()
      try operation.process(selectedWhole(batch), input: 0, to: collected)
      for row in collected.rows {
        guard case .text(let kind) = row[0] else { continue }
        let key = row[1...keys.count].map(\.asKey)
        let values = Array(row.dropFirst(1 + keys.count))
        if kind.hasPrefix("-") {
          #expect(Self.close(told[key] ?? [], values), "\(row) takes back what was not told, \(random)")
          told[key] = nil
        } else {
          #expect(told[key] == nil, "\(row) is told beside another, \(random)")
          told[key] = values
        }
      }
      // In between, rows are owed.
      guard isLast else { continue }
      let groups = Dictionary(grouping: changing.rows) { row in keyIndices.map { row[$0].asKey } }
      #expect(Set(told.keys) == Set(groups.keys), "\(random)")
      for (key, rows) in groups {
        let expected = Self.expected(rows)
        #expect(Self.close(told[key] ?? [], expected), "\(key): \(told[key] ?? []), expected \(expected), \(random)")
      }
    }
  }

  /// A selection of all rows: the same, as some operators hand it on.
  private func selectedWhole(_ batch: RecordBatch) -> RecordBatch { batch.selecting(Selection(0..<batch.length)) }

  @Test("take infinities back, and keep nothing of keys without rows")
  func empty() throws {
    let schema = ChangingRows.schema
    let calls = [
      Call(function: "sum", argument: .column("f"), name: "sum"),
      Call(function: "max", argument: .column("f"), name: "max"),
      Call(function: "count_distinct", argument: .column("s"), name: "d"),
    ]
    let memory = StateMemory(limit: 32 << 20)
    let operation = try operation(calls, .revisions(keys: [1]), schema, memory: memory)
    func send(_ rows: [(String, Int64, Double)]) throws -> [String] {
      let collected = Collected()
      let literals = rows.map { kind, key, value -> [Literal] in
        [
          .utf8(kind), .int64(key), .int32(0), .int64(0), .float64(value), .bool(true), .utf8("\(value)"),
          .timestamp(0, .microsecond, timezone: nil),
        ]
      }
      try operation.process(literalBatch(schema, literals), input: 0, to: collected)
      return texts(collected)
    }
    #expect(try send([("+I", 1, 2), ("+I", 1, .infinity)]) == ["+I 1 inf inf 2"])
    #expect(try send([("+I", 1, -.infinity)]) == ["-U 1 inf inf 2", "+U 1 nan inf 3"])
    #expect(try send([("-D", 1, .infinity)]) == ["-U 1 nan inf 3", "+U 1 -inf 2.0 2"])
    #expect(try send([("-U", 1, -.infinity), ("+U", 1, 2)]) == ["-U 1 -inf 2.0 2", "+U 1 4.0 2.0 1"])
    #expect(try send([("-D", 1, 2), ("-D", 1, 2)]) == ["-D 1 4.0 2.0 1"])
    // Two million keys that come and go take no more memory than those of one batch.
    for step in 0..<500 {
      let rows = (0..<2_000).map { ("+I", Int64(step * 2_000 + $0), Double($0)) }
      _ = try send(rows)
      _ = try send(rows.map { ("-D", $0.1, $0.2) })
    }
    #expect(try send([("+I", 7, 1)]) == ["+I 7 1.0 1.0 1"])
  }

  @Test("refuse what cannot be taken back, and rows of no kind")
  func refusals() throws {
    let schema = ChangingRows.schema
    func objection(_ function: String, _ column: String) throws -> String? {
      try Call(function: function, argument: .column(column), name: "x").retractionObjection(in: schema)
    }
    #expect(try objection("max", "l") == nil)
    #expect(try objection("max", "s")?.hasPrefix("max of rows that are revised takes") == true)
    #expect(try objection("collect", "s")?.hasPrefix("collect cannot take back rows") == true)
    let operation = try operation([Call(function: "count", argument: nil, name: "n")], .revisions(keys: [1]), schema)
    var row = ChangingRows()
    var random = SeededGenerator()
    var batch = row.next(1, growing: true, &random)
    batch.columns[0] = .constant(.utf8("I"), count: batch.length)
    #expect {
      try operation.process(batch, input: 0, to: Collected())
    } throws: { error in
      (error as? Failure)?.message == "a row's 'row_kind' is 'I', and must be +I, -U, +U or -D"
    }
  }
}
