import Testing
import Volley
import VolleyPlan

@Suite("Patterns in a pipeline")
struct PatternStreamTests {
  @Test("are what the plan has, with outputs for what was not complete and what came late")
  func plan() throws {
    let plan = try Built.of {
      $0.example().keyBy("a").withParallelism(2).pattern(
        .begin("x", where: col("b") > 1.0).followedBy("y", where: col("b") > 2.0).next("z", where: col("b") > 3.0),
        within: .seconds(5), timedOut: { $0.toSink(.blackhole, uid: "timed-out") },
        late: { $0.toSink(.blackhole, uid: "late") }, uid: "p"
      ).toSink(.blackhole, uid: "out")
    }.plan
    let node = try #require(plan.nodes.first { $0.uid == "p" })
    guard case .pattern(let pattern) = node.operator else {
      Issue.record("it is \(node.operator)")
      return
    }
    #expect(pattern.steps.map(\.name) == ["x", "y", "z"])
    #expect(pattern.steps.dropFirst().map(\.contiguity) == [.followedBy, .next])
    #expect(pattern.within == 5_000_000)
    #expect(node.parallelism == 2)
    for (uid, output) in [("out", 0), ("timed-out", 1), ("late", 2)] {
      #expect(plan.nodes.first { $0.uid == uid }?.inputs == [Plan.Input(node: node.id, output: output)])
    }
  }

  @Test("of one step are refused")
  func refusals() {
    #expect(
      Built.refusal {
        $0.example().keyBy("a").pattern(.begin("x", where: col("b") > 1.0), within: .seconds(1), uid: "p")
          .toSink(.blackhole, uid: "out")
      } == "pipeline 'example': pattern 'p' has one step: give it a second with followedBy or next, or filter")
  }
}
