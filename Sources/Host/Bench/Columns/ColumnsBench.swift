import Arrow
import Base
import Dataflow
import Expressions
import Operators
import VolleyPlan

/// `volley-host bench columns`: kernels, keyed aggregation and file formats on one thread, without channels and
/// scheduler, to be set beside other engines' over the same rows (`Tests/columns-peers.py`).
struct ColumnsBench {
  static let names = [
    "add", "multiply", "compare", "filter", "take", "aggregate-1k", "aggregate-1m", "aggregate-utf8", "like",
    "split-part", "truncate", "csv", "jsonlines", "arrow-file",
  ]

  var cases: [String] = []
  var rows = 4_000_000
  var repeats = 3
  /// Where the rows are written as files, and stay.
  var folder: String?
  /// Called with each result as it is there.
  let report: (BenchResult) throws(Failure) -> Void

  init(report: @escaping (BenchResult) throws(Failure) -> Void) { self.report = report }

  func run() throws(Failure) {
    try BenchNames.check(cases, among: Self.names) { "there is no case '\($0)' of columns" }
    let data = ColumnsData(rows: rows)
    let wanted = cases.isEmpty ? Self.names : cases
    let files = try ColumnsFiles(in: folder)
    defer { files.remove() }
    if folder != nil || wanted.contains(where: { ["csv", "jsonlines", "arrow-file"].contains($0) }) {
      try files.write(data)
    }
    for name in wanted { try report(measured(name, data, files)) }
  }

  private func measured(_ name: String, _ data: ColumnsData, _ files: ColumnsFiles) throws(Failure) -> BenchResult {
    switch name {
    case "add": return try expression(name, data, .call("add", [.column("a"), .column("b")]))
    case "multiply": return try expression(name, data, .call("multiply", [.column("x"), .column("y")]))
    case "compare": return try expression(name, data, .call("less_than", [.column("a"), .column("b")]))
    case "like": return try expression(name, data, .call("like", [.column("path"), .literal(.utf8("%checkout%"))]))
    case "split-part":
      return try expression(
        name, data, .call("split_part", [.column("path"), .literal(.utf8("/")), .literal(.int64(3))]))
    case "truncate":
      return try expression(name, data, .call("date_truncate", [.literal(.utf8("hour")), .column("ts")]))
    case "filter": return try filter(data)
    case "take": return try take(data)
    case "aggregate-1k": return try aggregate(name, data, key: "k1k")
    case "aggregate-1m": return try aggregate(name, data, key: "k1m")
    case "aggregate-utf8": return try aggregate(name, data, key: "user")
    case "csv": return try file(name, data, files.csv) { () throws(Failure) in try files.read("csv", files.csv) }
    case "jsonlines":
      return try file(name, data, files.jsonLines) { () throws(Failure) in try files.read("jsonlines", files.jsonLines)
      }
    default: return try file(name, data, files.arrow) { () throws(Failure) in try files.readArrow().rows }
    }
  }

  /// - Parameter pass: the work on all rows, once.
  private func timed(
    _ name: String, _ data: ColumnsData, _ pass: () throws(Failure) -> Void
  ) throws(Failure) -> BenchResult {
    // Warms pools and caches, as the peers are warmed.
    try pass()
    let time = try measure(times: repeats, pass)
    return BenchResult(
      name: name, threads: 1, rows: data.rows, seconds: time.seconds, cpuSeconds: time.cpuSeconds)
  }

  private func expression(_ name: String, _ data: ColumnsData, _ expression: Expression) throws(Failure) -> BenchResult
  {
    let bound = try BoundExpression(expression, schema: ColumnsData.schema, functions: NoScalarFunctions())
    return try timed(name, data) { () throws(Failure) in
      for batch in data.batches { _ = try bound.evaluate(batch) }
    }
  }

  /// Half of the rows, of two columns.
  private func filter(_ data: ColumnsData) throws(Failure) -> BenchResult {
    let predicate = try Predicate(
      .call("less_than", [.column("x"), .literal(.float64(0.5))]), schema: ColumnsData.schema,
      functions: NoScalarFunctions())
    return try timed("filter", data) { () throws(Failure) in
      for batch in data.batches {
        guard let rows = try predicate.select(batch) else { continue }
        _ = batch.columns[0].gather(rows)
        _ = batch.columns[3].gather(rows)
      }
    }
  }

  /// As many rows as there are, at random places of their batch, of a column of numbers and one of text.
  private func take(_ data: ColumnsData) throws(Failure) -> BenchResult {
    var random = SplitMix64(state: 11)
    let rows = Selection((0..<BenchData.batchRows).map { _ in Int(random.next() % UInt64(BenchData.batchRows)) })
    return try timed("take", data) { () throws(Failure) in
      for batch in data.batches {
        _ = batch.columns[0].gather(rows)
        _ = batch.columns[6].gather(rows)
      }
    }
  }

  /// Sum and count by a key; the results are told once, at the end.
  private func aggregate(_ name: String, _ data: ColumnsData, key: String) throws(Failure) -> BenchResult {
    let schema = ColumnsData.schema
    guard let index = schema.index(of: key) else { preconditionFailure("the data has the key") }
    let calls = [
      Plan.AggregateCall(function: "sum", argument: .column("a"), name: "sum"),
      Plan.AggregateCall(function: "count", argument: nil, name: "count"),
    ]
    let output = Schema([schema.fields[index], Field("sum", .int64), Field("count", .int64)])
    let results = LastBatch()
    return try timed(name, data) { () throws(Failure) in
      let operation = try AggregateOperator(
        calls, input: .records(keys: [index]), records: schema, output: output, emission: .perBatch,
        functions: NoScalarFunctions())
      try operation.open()
      for batch in data.batches { try operation.process(batch, input: 0, to: results) }
      try operation.close()
    }
  }

  private func file(
    _ name: String, _ data: ColumnsData, _ path: String, _ read: () throws(Failure) -> Int
  ) throws(Failure) -> BenchResult {
    var result = try timed(name, data) { () throws(Failure) in
      let rows = try read()
      guard rows == data.rows else {
        throw Failure(.software, "the benchmark \(name) read \(rows) rows of \(data.rows)")
      }
    }
    let bytes = Double(ColumnsFiles.byteCount(path))
    result.extra = [("bytes", bytes), ("megabytes_per_second", (bytes / result.seconds / 1e6).rounded())]
    return result
  }
}

/// Takes what an operator tells.
private final class LastBatch: Collector {
  private var last: RecordBatch?
  func emit(_ batch: RecordBatch, output: Int) throws(Failure) { last = batch }
}
