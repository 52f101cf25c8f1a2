import Arrow
import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

/// Each case also runs as a small test; to measure, run by hand
///
///     VOLLEY_MEASURE_MB=512 swift test -c release -Xswiftc -enable-testing --filter Throughput --no-parallel
///
/// which prints megabytes (of text, or of values) a second on one thread.
@Suite("Throughput", .serialized) struct ThroughputTests {
  private let megabytes = TestEnvironment.value("VOLLEY_MEASURE_MB").flatMap { Int($0) } ?? 1

  private func report(_ name: String, bytes: Int, rows: Int, _ body: () throws -> Void) rethrows {
    let time = try ContinuousClock().measure(body)
    let seconds = time / .seconds(1)
    guard megabytes > 1 else { return }
    let speed = Int(Double(bytes) / seconds / 1e6)
    let rate = (Double(rows) / seconds / 1e5).rounded() / 10
    print("\(name): \(speed) MB/s, \(rate) M rows/s, \(bytes) bytes, \(rows) rows")
  }

  private static let orders = [
    Field("id", .int64), Field("customer", .utf8), Field("amount", .float64), Field("quantity", .int64),
    Field("note", .utf8),
  ]
  private static let numbers = [Field("a", .int64), Field("b", .float64), Field("c", .int64), Field("d", .float64)]
  private static let events = [Field("t", .timestamp), Field("user", .int32), Field("ok", .bool), Field("kind", .utf8)]

  /// A batch of rows as a log or an order book has them.
  private func batch(_ schema: [Field], rows: Int) throws -> RecordBatch {
    let options = #"""
      {"columns":{
        "id":{"kind":"sequence","start":1000000},"customer":{"kind":"uniform","min":0,"max":99999},
        "quantity":{"kind":"uniform","min":1,"max":99},
        "note":{"kind":"choice","values":["","express delivery to the back door","gift, with card","leave with neighbour",
          "Straße hinter dem Bahnhof"]},
        "amount":{"kind":"choice","values":[12.5,99.99,1234.56,0.99,15,7.25]},
        "a":{"kind":"uniform","min":-1000000000000,"max":1000000000000},"c":{"kind":"uniform","min":0,"max":9999999},
        "user":{"kind":"uniform","min":0,"max":999999},"kind":{"kind":"choice","values":["view","click","purchase"]}}}
      """#
    guard case .object(let columns)? = try JSONValue.parse(Array(options.utf8))["columns"] else {
      preconditionFailure()
    }
    let used = columns.filter { column in schema.contains { $0.name == column.name } }
    let source = try makeSource("generator", [.init("columns", .object(used))], schema).make(alone)
    guard case .batch(let batch) = try source.read(maxRows: rows, timeout: .zero) else { preconditionFailure() }
    return batch
  }

  @Test("text is read", arguments: ["csv", "jsonlines"], [orders, numbers, events])
  func reading(_ format: String, _ schema: [Field]) throws {
    let folder = TemporaryFolder()
    let batch = try batch(schema, rows: 65_536)
    let out = ByteWriter()
    let formatter: any RowFormatter =
      format == "csv"
      ? CSVFormatter(schema: batch.schema, delimiter: 44, hasHeader: false) : JSONLinesFormatter(schema: batch.schema)
    formatter.write(batch, 0..<batch.length, to: out)
    let path = folder.write("in", out.bytes)
    let times = max(1, megabytes << 20 / out.count)
    let splits = (0..<times).map { _ in FileSplit(path: path, start: 0, end: .max) }
    let source = try textSource(format, path, schema, header: false, splits: splits)
    var checksum = BlackholeChecksum()
    let names = schema.map(\.name).joined(separator: ",")
    try report("read \(format) \(names)", bytes: out.count * times, rows: batch.length * times) {
      reading: while true {
        switch try source.read(maxRows: 65_536, timeout: .seconds(1)) {
        case .batch(let batch): checksum.add(batch)
        case .idle: continue
        case .end: break reading
        }
      }
    }
    var expected = BlackholeChecksum()
    expected.add(batch)
    #expect(checksum.rows == expected.rows * times && checksum.bits == expected.bits &* UInt64(times))
  }

  @Test("text is written", arguments: ["csv", "jsonlines"], [orders, numbers, events])
  func writing(_ format: String, _ schema: [Field]) throws {
    let batch = try batch(schema, rows: 65_536)
    let factory = try makeSink(format, [.init("path", .string("/dev/null"))], schema)
    let formatter: any RowFormatter =
      format == "csv"
      ? CSVFormatter(schema: batch.schema, delimiter: 44, hasHeader: false) : JSONLinesFormatter(schema: batch.schema)
    let out = ByteWriter()
    formatter.write(batch, 0..<batch.length, to: out)
    let times = max(1, megabytes << 20 / out.count)
    let sink = try factory.make(alone)
    let names = schema.map(\.name).joined(separator: ",")
    try sink.open()
    try report("write \(format) \(names)", bytes: out.count * times, rows: batch.length * times) {
      for _ in 0..<times { try sink.write(batch) }
      try sink.flush()
    }
    try sink.close(complete: true)
    #expect(out.count > batch.length)
  }

  @Test("values are generated", arguments: [DataType.int64, .float64, .int32, .bool, .utf8, .timestamp])
  func generating(_ type: DataType) throws {
    let rows = max(100_000, megabytes << 20 / 8)
    let isInteger = type == .int64 || type == .int32
    let kind = JSONValue.object([.init("kind", .string(type == .timestamp ? "timestamp" : "uniform"))])
    let column = JSONValue.object(
      isInteger ? [.init("kind", .string("uniform"))] : [.init("kind", kind["kind"] ?? .null)])
    let source = try makeSource(
      "generator", [.init("rows", .int(Int64(rows))), .init("columns", .object([.init("x", column)]))],
      [Field("x", type)]
    ).make(alone)
    var found = 0
    try report("generate \(type)", bytes: rows * 8, rows: rows) {
      while case .batch(let batch) = try source.read(maxRows: 65_536, timeout: .zero) { found += batch.length }
    }
    #expect(found == rows)
  }
}
