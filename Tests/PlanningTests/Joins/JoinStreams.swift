import Arrow
import TestSupport
import VolleyPlan

/// Two streams of rows of a number, a text, a value and a time in microseconds, of which the first three may be null.
struct JoinStreams {
  struct Row {
    var key: Int64?
    var text: String?
    var value: Int64?
    var time: Int64
  }

  static let fields = [
    Field("k", .int64), Field("s", .utf8), Field("v", .int64),
    Field("ts", .timestamp(.microsecond, timezone: "UTC"), nullable: false),
  ]
  static let names = ["left", "right"]

  /// By stream: in the order in which they come, in batches.
  var streams: [[[Row]]]

  init(_ streams: [[[Row]]]) { self.streams = streams }

  /// Times that run from `start` at random steps of `step` on average, each up to `disorder` before the latest one of its
  /// stream.
  init(
    streams: Int = 2, count: Int, keys: Int, start: Int64 = 0, step: Int64 = 10, disorder: Int64 = 0,
    batchRows: ClosedRange<Int>, _ random: inout SeededGenerator
  ) {
    self.streams = []
    for _ in 0..<streams {
      var latest = start
      var batches: [[Row]] = []
      var left = Int.random(in: 0...count, using: &random)
      while left > 0 {
        let size = min(left, Int.random(in: batchRows, using: &random))
        left -= size
        batches.append(
          (0..<size).map { _ in
            latest += Int64.random(in: 0...(2 * step), using: &random)
            let key = Int.random(in: -1..<keys, using: &random)
            let text = Int.random(in: -1..<3, using: &random)
            let value = Int.random(in: -1..<50, using: &random)
            return Row(
              key: key < 0 ? nil : Int64(key), text: text < 0 ? nil : "text of more than twelve bytes \(text)",
              value: value < 0 ? nil : Int64(value), time: latest - Int64.random(in: 0...disorder, using: &random))
          })
      }
      self.streams.append(batches)
    }
  }

  static func recordBatch(_ rows: [Row], schema: Schema = Schema(fields)) -> RecordBatch {
    let builders = fields.map { ColumnBuilder($0.type) }
    for row in rows {
      builders[0].append(row.key.map { .int64($0) } ?? .null(.int64))
      builders[1].append(row.text.map { .utf8($0) } ?? .null(.utf8))
      builders[2].append(row.value.map { .int64($0) } ?? .null(.int64))
      builders[3].append(.timestamp(row.time, .microsecond, timezone: "UTC"))
    }
    return RecordBatch(schema: schema, columns: builders.map { $0.finish() }, length: rows.count)
  }

  /// By source: as record batches, dealt to its subtasks in turn.
  func recordBatches(subtasks: Int) -> [String: [[RecordBatch]]] {
    let schema = Schema(Self.fields)
    var result: [String: [[RecordBatch]]] = [:]
    for (stream, batches) in streams.enumerated() {
      var dealt = [[RecordBatch]](repeating: [], count: subtasks)
      for (index, batch) in batches.enumerated() where !batch.isEmpty {
        dealt[index % subtasks].append(Self.recordBatch(batch, schema: schema))
      }
      result[Self.name(stream)] = dealt
    }
    return result
  }

  static func name(_ stream: Int) -> String { stream < names.count ? names[stream] : "stream\(stream)" }

  /// What DuckDB says to each of some queries over the tables `l` and `r`, also `tl` and `tr` (then `s2`, …) of (k, s, v, t): its rows, comma-separated and
  /// sorted.
  func duckDB(_ queries: [String]) throws -> [[String]] {
    var input: [String] = []
    for (index, batches) in streams.enumerated() {
      for row in batches.joined() {
        let key = row.key.map { "\($0)" } ?? ""
        let value = row.value.map { "\($0)" } ?? ""
        input.append("\(index),\(key),\(row.text ?? ""),\(value),\(row.time)")
      }
    }
    let outcome = TestProcess.python(
      Self.program, arguments: ["\(streams.count)"] + queries, input: input.joined(separator: "\n") + "\n")
    guard outcome.status == 0 else {
      throw WindowEvents.PeerFailed(
        description: "python3 with duckdb and pyarrow is needed (pip install duckdb pyarrow): \(outcome.errors)")
    }
    return outcome.output.split(separator: ";", omittingEmptySubsequences: false).prefix(queries.count).map { rows in
      rows.split(separator: "\n").map(String.init).sorted()
    }
  }

  private static let program = """
    import sys, duckdb, pyarrow as pa
    tables = [([], [], [], []) for _ in range(int(sys.argv[1]))]
    for line in sys.stdin:
        if not line.strip(): continue
        n, a, s, b, t = line.rstrip("\\n").split(",")
        k, texts, v, times = tables[int(n)]
        k.append(int(a) if a else None); texts.append(s if s else None)
        v.append(int(b) if b else None); times.append(int(t))
    made = [pa.table({"k": pa.array(k, pa.int64()), "s": pa.array(s, pa.string()), "v": pa.array(v, pa.int64()),
                      "t": pa.array(t, pa.int64())}) for k, s, v, t in tables]
    for number, table in enumerate(made):
        for name in [["l", "tl"], ["r", "tr"]][number] if number < 2 else [f"s{number}"]: duckdb.register(name, table)
    for query in sys.argv[2:]:
        for row in duckdb.sql(query).fetchall():
            print(",".join("null" if x is None else str(x) for x in row))
        print(";")
    """

  /// Two sources, their keys, the join and a sink.
  static func nodes(
    _ join: Plan.Join, keys: [String] = ["k"], streams: Int = 2, outOfOrderness: Int64? = nil,
    sourceParallelism: Int? = nil
  ) -> [Plan.Node] {
    var nodes: [Plan.Node] = []
    var keyed: [Plan.Input] = []
    for stream in 0..<streams {
      let id = 10 * (stream + 1)
      nodes.append(memorySource(id, fields, uid: name(stream), parallelism: sourceParallelism))
      if let outOfOrderness {
        nodes.append(
          node(id + 1, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: outOfOrderness)), from: id))
      }
      nodes.append(
        node(
          id + 2, .keyBy(Plan.KeyBy(keys: keys.map { NamedExpression($0, .column($0)) })), from: nodes.last?.id ?? 0))
      keyed.append(Plan.Input(node: id + 2))
    }
    nodes.append(Plan.Node(id: 1, uid: "j", inputs: keyed, operator: .join(join)))
    nodes.append(memorySink(2, from: 1))
    return nodes
  }

  /// What a changelog leaves: each row as often as it was told more than taken back.
  ///
  /// - Returns: the rows, sorted, and those that were taken back more often than told.
  static func materialized(_ rows: [String]) -> (rows: [String], surplus: [String]) {
    var counts: [Substring: Int] = [:]
    for row in rows {
      let kind = row.prefix(2)
      counts[row.dropFirst(3), default: 0] += kind == "+I" || kind == "+U" ? 1 : -1
    }
    let left = counts.flatMap { [String](repeating: String($0.key), count: max(0, $0.value)) }
    return (left.sorted(), counts.filter { $0.value < 0 }.map { String($0.key) })
  }
}
