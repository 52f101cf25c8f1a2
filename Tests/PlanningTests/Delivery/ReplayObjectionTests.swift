import Base
import Testing
import VolleyPlan

@testable import Planning

@Suite("The operators for which a replay may give other rows are named")
struct ReplayObjectionTests {
  private static let fields = [Field("k", .int64), Field("v", .int64), Field("ts", .timestamp(.microsecond))]
  private static let time = node(1, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0)), from: 0)
  private static let keys = node(2, keyBy("k"), from: 1)
  private static let calls = [Plan.AggregateCall(function: "count", argument: nil, name: "n")]
  private static let tumbling = Plan.WindowAssigner.tumbling(.init(size: 10))

  /// Rows with event time and a key, and one operator behind them.
  private func objections(_ operation: Plan.Operator, time: Plan.Node = Self.time) throws -> [String] {
    try graph([
      source(0, fields: Self.fields), time, Self.keys, node(3, operation, from: 2, uid: "it"), sink(4, from: 3),
    ]).replayObjections
  }

  private func window(
    _ assigner: Plan.WindowAssigner = Self.tumbling, time: Plan.WindowTime = .event,
    emission: Plan.WindowEmission = .final, trigger: Plan.WindowTrigger? = nil
  ) -> Plan.Operator {
    .window(
      Plan.Window(
        assigner: assigner, scope: .key, time: time, emission: emission, trigger: trigger, aggregates: Self.calls))
  }

  @Test("windows by event time give the same rows, those by processing time and of counted rows do not")
  func windows() throws {
    #expect(try objections(window()) == [])
    #expect(try objections(window(time: .processing)) == ["window 'it' goes by processing time"])
    #expect(try objections(window(.count(.init(size: 3)))) == ["window 'it' counts rows as they arrive"])
    #expect(
      try objections(window(emission: .updating, trigger: .init(everyRows: 5, every: 7))) == [
        "window 'it' tells results by the count of rows, looked at once a batch",
        "window 'it' tells results by processing time",
      ])
  }

  @Test("event time that waits for nobody is objected to")
  func idle() throws {
    let time = node(1, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0, idleTimeout: 1_000)), from: 0)
    #expect(
      try objections(window(), time: time) == ["eventTime (node 1) takes a stream for idle by processing time"])
  }

  @Test("running aggregates give the same rows when they tell each record's")
  func aggregates() throws {
    #expect(try objections(sum("v", as: "s", emission: .perRecord)) == [])
    #expect(
      try objections(sum("v", as: "s")) == [
        "aggregate 'it' tells the results of a batch, and how rows are put in batches differs"
      ])
  }

  @Test("asynchronous functions are objected to, others are not")
  func functions() throws {
    func objections(_ async: Plan.AsyncSettings?) throws -> [String] {
      let function = Plan.Operator.batchFunction(
        Plan.BatchFunction(function: "f", label: "ask", columns: nil, outputs: [Self.fields], async: async))
      return try graph([source(0, fields: Self.fields), node(1, function, from: 0, uid: "it"), sink(2, from: 1)])
        .replayObjections
    }
    #expect(try objections(nil) == [])
    let settings = Plan.AsyncSettings(capacity: 10, rowsPerCall: 1, timeout: 1_000, order: .unordered)
    #expect(
      try objections(settings) == [
        "ask 'it' is asynchronous: whom it asks may answer otherwise",
        "ask 'it' gives answers in the order in which they come",
      ])
  }
}
