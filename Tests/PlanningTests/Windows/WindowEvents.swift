import Arrow
import TestSupport
import VolleyPlan

/// Rows of a key, a value and a time in microseconds, any of the first two null.
struct WindowEvents {
  struct Event {
    var key: Int64?
    var value: Int64?
    var time: Int64
  }

  static let fields = [
    Field("k", .int64), Field("v", .int64), Field("ts", .timestamp(.microsecond, timezone: "UTC"), nullable: false),
  ]

  /// In the order in which they come, in batches.
  var batches: [[Event]] = []

  init(_ batches: [[Event]]) { self.batches = batches }

  /// Times that run from `start` at random steps of `step` on average, each up to `disorder` before the latest one.
  init(
    count: Int, keys: Int, start: Int64, step: Int64, disorder: Int64, batchRows: ClosedRange<Int>,
    _ random: inout SeededGenerator
  ) {
    var latest = start
    var events: [Event] = []
    for _ in 0..<count {
      latest += Int64.random(in: 0...(2 * step), using: &random)
      let key = Int.random(in: -1..<keys, using: &random)
      let value = Int.random(in: -1..<1_000, using: &random)
      // Now and then exactly on a border of anything that has round numbers.
      if Int.random(in: 0..<20, using: &random) == 0 { latest += (100 - latest % 100) % 100 }
      events.append(
        Event(
          key: key < 0 ? nil : Int64(key), value: value < 0 ? nil : Int64(value),
          time: latest - Int64.random(in: 0...disorder, using: &random)))
    }
    var rest = events[...]
    while !rest.isEmpty {
      let size = Int.random(in: batchRows, using: &random)
      batches.append(Array(rest.prefix(size)))
      rest = rest.dropFirst(size)
    }
  }

  var events: [Event] { batches.flatMap { $0 } }

  /// As record batches, dealt to source subtasks in turn.
  func recordBatches(subtasks: Int) -> [[RecordBatch]] {
    let schema = Schema(Self.fields)
    var dealt = [[RecordBatch]](repeating: [], count: subtasks)
    for (index, batch) in batches.enumerated() where !batch.isEmpty {
      dealt[index % subtasks].append(
        RecordBatch(
          schema: schema,
          columns: [
            Self.column(.int64, batch.map(\.key)), Self.column(.int64, batch.map(\.value)),
            Self.column(Self.fields[2].type, batch.map(\.time)),
          ], length: batch.count))
    }
    return dealt
  }

  private static func column(_ type: DataType, _ values: [Int64?]) -> Column {
    let builder = ColumnBuilder(type)
    for value in values {
      switch (value, type) {
      case (nil, _): builder.append(.null(type))
      case (let value?, .timestamp(let unit, let zone)): builder.append(.timestamp(value, unit, timezone: zone))
      case (let value?, _): builder.append(.int64(value))
      }
    }
    return builder.finish()
  }

  /// What DuckDB says to each of some queries over the table `e` of (k, v, t): its rows, comma-separated and sorted.
  func duckDB(_ queries: [String]) throws -> [[String]] {
    let rows = events.map { event in
      "\(event.key.map { "\($0)" } ?? ""),\(event.value.map { "\($0)" } ?? ""),\(event.time)"
    }
    let outcome = TestProcess.python(Self.program, arguments: queries, input: rows.joined(separator: "\n") + "\n")
    guard outcome.status == 0 else {
      throw PeerFailed(
        description: "python3 with duckdb and pyarrow is needed (pip install duckdb pyarrow): \(outcome.errors)")
    }
    return outcome.output.split(separator: ";", omittingEmptySubsequences: false).prefix(queries.count).map { rows in
      rows.split(separator: "\n").map(String.init).sorted()
    }
  }

  /// Nil when both have the same rows, else some that only one has.
  static func difference(_ found: [String], _ expected: [String]) -> String? {
    if found == expected { return nil }
    let (here, there) = (Set(found), Set(expected))
    return """
      \(found.count) rows, expected \(expected.count); only here: \(here.subtracting(there).sorted().prefix(5)), only expected: \
      \(there.subtracting(here).sorted().prefix(5))
      """
  }

  struct PeerFailed: Error, CustomStringConvertible { var description: String }

  private static let program = """
    import sys, duckdb, pyarrow as pa
    k, v, t = [], [], []
    for line in sys.stdin:
        a, b, c = line.rstrip("\\n").split(",")
        k.append(int(a) if a else None); v.append(int(b) if b else None); t.append(int(c))
    e = pa.table({"k": pa.array(k, pa.int64()), "v": pa.array(v, pa.int64()), "t": pa.array(t, pa.int64())})
    for query in sys.argv[1:]:
        for row in duckdb.sql(query).fetchall():
            print(",".join("null" if x is None else str(x) for x in row))
        print(";")
    """
}
