import Arrow
import Base
import Dataflow
import Expressions
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("Choices and functions of windows that are cut")
struct ChoiceCutTests {
  private static let bound = DataType.timestamp(.microsecond, timezone: nil)
  private static let bounds = [
    Field("window_start", bound, nullable: false), Field("window_end", bound, nullable: false),
  ]
  private static let assigners: [Plan.WindowAssigner] = [
    .tumbling(.init(size: 100)), .sliding(.init(size: 300, slide: 100)), .cumulative(.init(size: 400, step: 100)),
  ]

  @Test("the best rows are those of a run that was not cut", arguments: assigners)
  func choices(assigner: Plan.WindowAssigner) throws {
    var random = SeededGenerator()
    let output = Schema(CutRows.schema.fields + Self.bounds)
    for keys in CutRows.keys {
      for (time, value, takes) in [
        (Plan.WindowTime.event, "v", Plan.Extreme.greatest), (.event, "x", .least),
        (.processing, "v", .least),
      ] {
        let choice = Plan.WindowChoice(
          assigner: assigner, scope: .key, time: time, allowedLateness: 60, late: .route, value: .column(value),
          takes: takes)
        let rig = CutRig(
          make: { context in
            let operation = try WindowChoiceOperator(
              choice, keys: keys, time: time == .event ? .event(column: 6, shift: 0) : .processing(context.clock),
              input: CutRows.schema, output: output, functions: NoScalarFunctions(), context: context)
            #expect(
              try WindowChoiceOperator.stateTables(choice, keys: keys, input: CutRows.schema) == operation.stateTables)
            return operation
          }, keys: [keys])
        try rig.check(WindowCutTests.steps(50, &random), &random)
      }
    }
  }

  /// Tells each window as a row.
  private final class Code: WindowFunctionCode {
    static let output = Schema([Field("text", .utf8)])

    func open() {}
    func process(_ windows: ClosedWindows, to output: any Collector) throws(Failure) {
      let builder = ColumnBuilder(.utf8)
      var first = 0
      for window in 0..<windows.keys.length {
        let end = Int(windows.rowEnds[window])
        let rows = (first..<end).map { row in windows.rows.columns.map { $0.text(at: row) }.joined(separator: ",") }
        let keys = windows.keys.columns.map { $0.text(at: window) }
        let bounds = windows.starts.map { "\($0[window]) \(windows.ends?[window] ?? 0)" } ?? ""
        builder.append(.utf8("\(keys) \(bounds) \(rows) at \(windows.watermark.microseconds)"))
        first = end
      }
      try output.emit(
        RecordBatch(schema: Self.output, columns: [builder.finish()], length: windows.keys.length), output: 0)
    }
    func flush(to output: any Collector) throws(Failure) {}
    func close() {}
  }

  @Test(
    "a function is given the rows that it would have been given",
    arguments: [Plan.WindowAssigner.tumbling(.init(size: 100)), .session(.init(gap: 40)), .count(.init(size: 5))])
  func functions(assigner: Plan.WindowAssigner) throws {
    var random = SeededGenerator()
    let columns = [CutRows.schema.fields[2], CutRows.schema.fields[3]]
    let window = Plan.Window(
      assigner: assigner, scope: .key, time: .event, allowedLateness: 0, late: .drop, emission: .final, trigger: nil,
      aggregates: WindowFunctionOperator.aggregates(of: columns).enumerated().map { index, call in
        var call = call
        call.argument = .column(columns[index].name)
        return call
      })
    let output = try WindowCutTests.output(window, [1])
    var hasBounds = true
    if case .count = assigner { hasBounds = false }
    func windows(_ context: SubtaskContext) throws(Failure) -> any StatefulOperator {
      try makeWindowOperator(
        window, input: .records(keys: [1], time: .event(column: 6, shift: 0)), records: CutRows.schema,
        output: output, functions: NoScalarFunctions(), context: context)
    }
    func operation(_ windows: any StatefulOperator, _ context: SubtaskContext) -> WindowFunctionOperator {
      WindowFunctionOperator(
        windows, Code(), keys: Schema([CutRows.schema.fields[1]]), hasBounds: hasBounds, rows: Schema(columns),
        outputs: 1, context: context)
    }
    var rig = CutRig(
      make: { context in operation(try windows(context), context) }, keys: [[1]], dependsOnBatches: true)
    if case .tumbling = assigner {
    } else {
      rig.makeSpilling = { context in
        let keys = try #require(
          SpillingKeys.around(context) { context throws(Failure) in try windows(context) } as? SpillingKeys)
        return (operation(keys, context), keys)
      }
    }
    for _ in 0..<3 { try rig.check(WindowCutTests.steps(50, &random), &random) }
  }
}
