import Arrow
import Base
import VolleyPlan

@testable import Operators

/// Windows of many keys, as a dictionary that the test fills row by row.
struct SpilledModel {
  /// What a row counts for, and where.
  struct Row {
    var k: Int64?
    var s: String?
    var x: Double?
    var v: Int64?
    var number: Int64
    var time: Int64
    /// Of rows that tell them.
    var window: WindowSpan
  }

  private struct Sums {
    var count = 0
    var sum: Int64?
    var sumOfFloats: Double?
    var greatest: String?
    var first: Int64
    var last: Int64
  }

  static let bound = DataType.timestamp(.microsecond, timezone: nil)
  static let schema = Schema([
    Field("k", .int64), Field("s", .utf8), Field("x", .float64), Field("v", .int64),
    Field("number", .int64, nullable: false), Field("ts", bound, nullable: false),
    Field("window_start", bound, nullable: false), Field("window_end", bound, nullable: false),
  ])
  static let calls = [
    CutRows.call("count", nil, name: "n"), CutRows.call("sum", .column("v"), name: "sum"),
    CutRows.call("sum", .column("x"), name: "sum of floats"), CutRows.call("max", .column("s"), name: "greatest"),
    CutRows.call("first", .column("number"), name: "first"), CutRows.call("last", .column("number"), name: "last"),
  ]

  /// Columns of the key.
  let keys: [Int]
  let assigner: Plan.WindowAssigner
  private var windows: [WindowSpan: [String: Sums]] = [:]
  private var watermark = Int64.min
  /// Rows that came too late for a window.
  private(set) var late = 0
  /// As the operator gives them, a text each.
  private(set) var results: [String] = []
  /// Keys of windows.
  private(set) var keyCount = 0

  init(keys: [Int], _ assigner: Plan.WindowAssigner) {
    self.keys = keys
    self.assigner = assigner
  }

  /// What is told of the windows: which row of a key is the first one depends on the panes where windows share them.
  static func calls(_ assigner: Plan.WindowAssigner) -> [Plan.AggregateCall] {
    switch assigner {
    case .sliding, .cumulative: calls.dropLast(2)
    default: calls
    }
  }

  /// The windows that a row is in.
  private func windows(of row: Row) -> [WindowSpan] {
    switch assigner {
    case .sliding(let windows):
      let last = WindowSpan.floor(row.time - windows.offset, windows.slide) * windows.slide + windows.offset
      return stride(from: last, to: row.time - windows.size, by: -Int(windows.slide)).map {
        WindowSpan(start: $0, end: $0 + windows.size)
      }
    case .cumulative(let windows):
      let start = WindowSpan.floor(row.time - windows.offset, windows.size) * windows.size + windows.offset
      return stride(from: start + windows.step, through: start + windows.size, by: Int(windows.step))
        .filter { $0 > row.time }.map { WindowSpan(start: start, end: $0) }
    default: return [row.window]
    }
  }

  static func batch(_ rows: [Row]) -> RecordBatch {
    let builders = schema.fields.map { ColumnBuilder($0.type) }
    for row in rows {
      builders[0].append(row.k.map { .int64($0) } ?? .null(.int64))
      builders[1].append(row.s.map { .utf8($0) } ?? .null(.utf8))
      builders[2].append(row.x.map { .float64($0) } ?? .null(.float64))
      builders[3].append(row.v.map { .int64($0) } ?? .null(.int64))
      builders[4].append(.int64(row.number))
      for (column, time) in [(5, row.time), (6, row.window.start), (7, row.window.end)] {
        builders[column].append(.timestamp(time, .microsecond, timezone: nil))
      }
    }
    return RecordBatch(schema: schema, columns: builders.map { $0.finish() }, length: rows.count)
  }

  mutating func add(_ rows: [Row]) {
    for row in rows {
      let windows = windows(of: row)
      let open = windows.filter { $0.end > watermark }
      if open.count < windows.count { late += 1 }
      let texts = [row.k.map { "\($0)" }, row.s, row.x.map { "\($0)" }]
      let key = keys.map { texts[$0] ?? "null" }.joined(separator: " | ")
      for window in open { add(row, to: window, key) }
    }
  }

  private mutating func add(_ row: Row, to window: WindowSpan, _ key: String) {
    var sums = windows[window, default: [:]][key] ?? Sums(first: row.number, last: row.number)
    if sums.count == 0 { keyCount += 1 }
    sums.count += 1
    if let v = row.v { sums.sum = (sums.sum ?? 0) + v }
    if let x = row.x { sums.sumOfFloats = (sums.sumOfFloats ?? 0) + x }
    if let s = row.s { sums.greatest = sums.greatest.map { $0.utf8.lexicographicallyPrecedes(s.utf8) ? s : $0 } ?? s }
    sums.last = row.number
    windows[window, default: [:]][key] = sums
  }

  mutating func move(to time: Int64) {
    watermark = max(watermark, time)
    for (span, keys) in windows where span.end <= watermark {
      let bounds = [span.start, span.end].map { Literal.timestamp($0, .microsecond, timezone: nil) }
        .map { Column.constant($0, count: 1).text(at: 0) }.joined(separator: " | ")
      for (key, sums) in keys {
        let values = [
          "\(sums.count)", sums.sum.map { "\($0)" }, sums.sumOfFloats.map { "\($0)" }, sums.greatest, "\(sums.first)",
          "\(sums.last)",
        ]
        let prefix = self.keys.isEmpty ? "" : key + " | "
        results.append(
          prefix + bounds + " | "
            + values.prefix(Self.calls(assigner).count).map { $0 ?? "null" }.joined(separator: " | "))
      }
      windows[span] = nil
    }
  }
}
