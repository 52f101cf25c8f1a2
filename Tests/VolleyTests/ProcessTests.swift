import CVolley
import Testing
import Volley
import VolleyPlan

/// What a keyed process function declares in the plan. How it runs is tested with the host's half, in the room `PluginLoading`.
struct ProcessTests {
  private struct Row: Codable {
    var value: Int64
  }
  private struct Pair: Codable {
    var text: String
    var number: Double?
  }
  private class Base: KeyedProcessFunction {
    @State var count = ValueState<Int64>()
    func process(_ row: Row, context: Context<String, Pair>) throws {}
  }
  private final class Derived: Base {
    @State var items = ListState<Pair>(timeToLive: .milliseconds(1500))
    @State var byText = MapState<String, Pair>()
    @State var mean = AggregatingState<Int64, Int32, Double>(initial: 0, add: { _, _ in }, result: { Double($0) })
  }

  private func plan() throws -> Built {
    try Built.of { env in
      let made = env.example().keyBy("c").withParallelism(3)
        .process("test", sideOutputs: ["rows": Row.self], uid: "test") { Derived() }
      made.sideOutput("rows").toSink(.blackhole, uid: "rows")
      made.toSink(.blackhole, uid: "out")
    }
  }

  @Test(
    "states are declared under their properties' names, those of the superclass first, with schemas and times to live")
  func declaration() throws {
    let node = try #require(try plan().plan.nodes.first { $0.uid == "test" })
    #expect(node.parallelism == 3)
    guard case .process(let process) = node.operator else {
      Issue.record("it is \(node.operator)")
      return
    }
    let pair = [Field("text", .utf8, nullable: false), Field("number", .float64)]
    #expect(process.label == "test")
    #expect(process.columns == [Field("value", .int64)])
    #expect(process.key == [Field("c", .utf8)])
    #expect(process.outputs == [pair, [Field("value", .int64, nullable: false)]])
    #expect(
      process.states == [
        Plan.State(name: "count", kind: .value, schema: [Field("value", .int64, nullable: false)]),
        Plan.State(name: "items", kind: .list, schema: pair, timeToLive: 1_500_000),
        Plan.State(name: "byText", kind: .map, schema: pair, mapKey: Field("key", .utf8, nullable: false)),
        Plan.State(name: "mean", kind: .accumulator, schema: [Field("value", .int32, nullable: false)]),
      ])
  }

  @Test("a host that has no state says so, before anything runs")
  func oldHost() throws {
    let built = try plan()
    guard case .process(let process)? = built.plan.nodes.first(where: { $0.uid == "test" })?.operator else { return }
    let refused = #expect(throws: MiniHost.Refused.self) {
      _ = try built.create(
        MiniHost(), kind: VOLLEY_KIND_KEYED_PROCESS, function: process.function,
        inputs: [[Field("value", .int64)], [Field("c", .utf8)]], outputs: process.outputs)
    }
    #expect(
      refused?.message
        == "this host lacks the interfaces state.keyed/1 and timers/1, which a keyed process function needs: use a newer host"
    )
  }

  @Test("a side output that the operation does not have is refused by name")
  func unknownSideOutput() {
    let refusal = Built.refusal { env in
      env.example().keyBy("c").process("test", sideOutputs: ["rows": Row.self], uid: "test") {
        Derived()
      }
      .sideOutput("raws").toSink(.blackhole, uid: "out")
    }
    #expect(
      refusal
        == "pipeline 'example': test 'test' has no side output 'raws' (known are 'rows'): name it in sideOutputs")
  }
}
