import Arrow
import Base
import Dataflow
import Expressions
import Testing
import VolleyPlan

@testable import Operators

/// What a window function is given of the windows that collect its rows, and that it holds nobody behind it.
struct WindowFunctionOperatorTests {
  private final class Code: WindowFunctionCode {
    var told: [String] = []
    func open() {}
    func close() {}
    func flush(to output: any Collector) { told.append("flush") }
    func process(_ windows: ClosedWindows, to output: any Collector) {
      var row = 0
      for window in 0..<windows.keys.length {
        var values: [Int64] = []
        while row < Int(windows.rowEnds[window]) {
          values.append(windows.rows.columns[0].values(Int64.self)[row])
          row += 1
        }
        let key = windows.keys.columns[0].values(Int64.self)[window]
        told.append("\(key) \(windows.starts?[window] ?? -1)..\(windows.ends?[window] ?? -1) \(values)")
      }
    }
  }

  /// As in a chain: what takes the results holds the operator.
  private final class Node: Collector {
    let operation: WindowFunctionOperator
    var late = 0
    init(_ operation: WindowFunctionOperator) { self.operation = operation }
    func emit(_ batch: RecordBatch, output: Int) throws(Failure) {
      #expect(output == 3)
      late += batch.rowCount
    }
  }

  private static let input = Schema([
    Field("key", .int64, nullable: false), Field("value", .int64, nullable: false),
    Field("ts", .timestamp, nullable: false),
  ])

  private func batch(_ rows: [[Int64]]) -> RecordBatch {
    RecordBatch(
      schema: Self.input,
      columns: Self.input.fields.indices.map { column in
        let builder = FixedBuilder<Int64>(Self.input.fields[column].type)
        for row in rows { builder.append(row[column]) }
        return builder.finish()
      }, length: rows.count)
  }

  private func make(_ code: Code) throws -> WindowFunctionOperator {
    let window = Plan.Window(
      assigner: .tumbling(.init(size: 100)), scope: .key, late: .route,
      aggregates: WindowFunctionOperator.aggregates(of: [Self.input.fields[1]]))
    let bound = DataType.timestamp(.microsecond, timezone: nil)
    let output = Schema([
      Self.input.fields[0], Field("window_start", bound, nullable: false), Field("window_end", bound, nullable: false),
      Field("rows", .list(of: .int64)),
    ])
    let context = SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: 1)
    let windows = try makeWindowOperator(
      window, input: .records(keys: [0], time: .event(column: 2, shift: 0)), records: Self.input, output: output,
      functions: NoScalarFunctions(), context: context)
    return WindowFunctionOperator(
      windows, code, keys: Schema([Self.input.fields[0]]), hasBounds: true, rows: Schema([Self.input.fields[1]]),
      outputs: 3, context: context)
  }

  @Test("it gets each window's rows in their order; late rows go behind its outputs")
  func rows() throws {
    let code = Code()
    let node = Node(try make(code))
    try node.operation.open()
    try node.operation.process(
      batch([[1, 5, 10], [2, 6, 20], [1, 7, 30], [1, 8, 110]]), input: 0, to: node)
    try node.operation.watermark(EventTime(microseconds: 100), to: node)
    #expect(code.told.sorted() == ["1 0..100 [5, 7]", "2 0..100 [6]"])
    try node.operation.process(batch([[1, 9, 40]]), input: 0, to: node)
    #expect(node.late == 1)
    try node.operation.finish(to: node)
    #expect(code.told.suffix(2) == ["1 100..200 [8]", "flush"])
    try node.operation.close()
  }

  @Test("what takes its results is let go of with it")
  func release() throws {
    weak var gone: Node?
    do {
      let node = Node(try make(Code()))
      gone = node
      try node.operation.open()
      try node.operation.process(batch([[1, 5, 10]]), input: 0, to: node)
      try node.operation.finish(to: node)
      try node.operation.close()
    }
    #expect(gone == nil)
  }
}
