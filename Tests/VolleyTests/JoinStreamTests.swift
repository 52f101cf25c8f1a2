import Testing
import Volley
import VolleyPlan

@Suite("Joins in a pipeline")
struct JoinStreamTests {
  private func join(_ build: @escaping @Sendable (StreamExecutionEnvironment) throws -> Void) throws -> (
    Plan.Node, Plan.Join
  ) {
    for node in try Built.of(build).plan.nodes { if case .join(let join) = node.operator { return (node, join) } }
    throw VolleyError("there is no join")
  }

  @Test("each kind, bounds, condition and names are what the plan has")
  func kinds() throws {
    let kinds: [(JoinKind, Plan.JoinKind)] = [
      (.inner, .inner), (.left, .left), (.right, .right), (.full, .full), (.semi, .semi), (.anti, .anti),
    ]
    for (kind, expected) in kinds {
      let (node, found) = try join {
        $0.example().keyBy("a").join(
          $0.example("other").keyBy("a"), kind, on: .unbounded(timeToLive: .seconds(5)),
          where: col("l_b") < col("r_b"), sharedNames: .prefixed("l_", "r_"), uid: "j"
        ).toSink(.blackhole, uid: "out")
      }
      #expect(
        found
          == Plan.Join(
            kind: expected, bounds: .unbounded(.init(timeToLive: 5_000_000)),
            condition: .call("less_than", [.column("l_b"), .column("r_b")]), sharedNames: .prefix(["l_", "r_"])))
      #expect(node.uid == "j")
      #expect(node.inputs.count == 2)
    }
    let (node, found) = try join {
      $0.example().keyBy("a").withParallelism(3).join(
        $0.example("other").keyBy("a"), on: .unbounded(), sharedNames: .suffixed("", "_2"), uid: "j"
      ).toSink(.blackhole, uid: "out")
    }
    #expect(found == Plan.Join(kind: .inner, bounds: .unbounded(.init()), sharedNames: .suffix(["", "_2"])))
    #expect(node.parallelism == 3)
  }

  @Test("bounds in time, and more than two streams")
  func bounds() throws {
    let cases: [(JoinBounds, Plan.JoinBounds)] = [
      (.interval(lower: .seconds(-1), upper: .milliseconds(5)), .interval(.init(lower: -1_000_000, upper: 5_000))),
      (.window(.tumbling(.seconds(1))), .window(.init(assigner: .tumbling(.init(size: 1_000_000))))),
      (.window(.inherited), .window(.init(assigner: .inherited))), (.versioned, .version),
      (.lookup(), .side(.init(spread: .broadcast, awaited: true, keep: .all))),
      (.lookup(.byKey), .side(.init(spread: .key, awaited: true, keep: .all))),
      (.broadcast(), .side(.init(spread: .broadcast, awaited: false, keep: .latest))),
      (.broadcast(keeping: .all), .side(.init(spread: .broadcast, awaited: false, keep: .all))),
    ]
    for (bounds, expected) in cases {
      let (_, found) = try join {
        $0.example().keyBy("a").join($0.example("other").keyBy("a"), .full, on: bounds, uid: "j")
          .toSink(.blackhole, uid: "out")
      }
      #expect(found == Plan.Join(kind: .full, bounds: expected))
    }
    let (node, found) = try join {
      $0.example().keyBy("a").join(
        [$0.example("b").keyBy("a"), $0.example("c").keyBy("a")], window: .session(gap: .seconds(1)),
        where: col("b_1") > 0, sharedNames: .suffixed("_0", "_1", "_2"), uid: "j"
      ).toSink(.blackhole, uid: "out")
    }
    #expect(node.inputs.count == 3)
    #expect(
      found
        == Plan.Join(
          kind: .inner, bounds: .window(.init(assigner: .session(.init(gap: 1_000_000)))),
          condition: .call("greater_than", [.column("b_1"), .literal(.int64(0))]),
          sharedNames: .suffix(["_0", "_1", "_2"])))
  }

  @Test("what cannot be is refused with the join's name")
  func refusals() {
    #expect(
      Built.refusal {
        $0.example().keyBy("a").join(
          $0.example("other").keyBy("a"), on: .unbounded(timeToLive: .zero), uid: "j"
        ).toSink(.blackhole, uid: "out")
      } == "pipeline 'example': join 'j': the time to live is 0s; give at least a microsecond")
    #expect(
      Built.refusal {
        $0.example().keyBy("a").join(
          $0.example("other").keyBy("a"), on: .interval(lower: .seconds(1), upper: .zero), uid: "j"
        ).toSink(.blackhole, uid: "out")
      } == "pipeline 'example': join 'j': the interval is from 1s to 0s; the lower bound comes first")
  }
}
