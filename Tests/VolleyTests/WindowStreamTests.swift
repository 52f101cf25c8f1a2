import Testing
import Volley
import VolleyPlan

@Suite("Windows in a pipeline")
struct WindowStreamTests {
  private func window(_ build: @escaping @Sendable (StreamExecutionEnvironment) throws -> Void) throws -> (
    Plan, Plan.Window?
  ) {
    let plan = try Built.of(build).plan
    for node in plan.nodes { if case .window(let window) = node.operator { return (plan, window) } }
    return (plan, nil)
  }

  @Test("each assigner is what the plan has")
  func assigners() throws {
    let cases: [(WindowAssigner, Plan.WindowAssigner)] = [
      (.tumbling(.seconds(60)), .tumbling(.init(size: 60_000_000))),
      (
        .tumbling(.seconds(86_400), offset: .seconds(-1), zone: "Europe/Berlin"),
        .tumbling(.init(size: 86_400_000_000, offset: -1_000_000, zone: "Europe/Berlin"))
      ),
      (
        .sliding(.seconds(10), by: .seconds(2), offset: .milliseconds(5)),
        .sliding(.init(size: 10_000_000, slide: 2_000_000, offset: 5_000))
      ),
      (.session(gap: .seconds(10)), .session(.init(gap: 10_000_000))),
      (.cumulative(.seconds(60), step: .seconds(10)), .cumulative(.init(size: 60_000_000, step: 10_000_000))),
      (.count(10), .count(.init(size: 10))), (.count(10, slide: 2), .count(.init(size: 10, slide: 2))),
      (.inherited, .inherited),
    ]
    for (assigner, expected) in cases {
      let (_, found) = try window {
        $0.example().keyBy("a").window(assigner).aggregate(count().as("n"), uid: "w").toSink(.blackhole, uid: "out")
      }
      #expect(found?.assigner == expected)
      #expect(found?.scope == .key)
      #expect(found?.time == .event)
      #expect(found?.late == .drop)
    }
  }

  @Test("all rows, processing time, lateness and late rows")
  func options() throws {
    let (_, all) = try window {
      $0.example().windowAll(.tumbling(.seconds(1)), time: .processing).aggregate(sum(col("b")).as("s"), uid: "w")
        .toSink(.blackhole, uid: "out")
    }
    #expect(all?.scope == .all)
    #expect(all?.time == .processing)
    let (plan, late) = try window {
      $0.example().keyBy("a").withParallelism(3).window(.tumbling(.seconds(1))).allowedLateness(.seconds(5))
        .sideOutputLate { $0.toSink(.blackhole, uid: "late") }
        .aggregate(count().as("n"), uid: "w").toSink(.blackhole, uid: "out")
    }
    #expect(late?.allowedLateness == 5_000_000)
    #expect(late?.late == .route)
    let node = try #require(plan.nodes.first { $0.uid == "w" })
    #expect(node.parallelism == 3)
    #expect(plan.nodes.first { $0.uid == "late" }?.inputs == [Plan.Input(node: node.id, output: 1)])
    #expect(plan.nodes.first { $0.uid == "out" }?.inputs == [Plan.Input(node: node.id)])
  }

  @Test("the rows of the greatest or the least value")
  func choice() throws {
    let plan = try Built.of {
      let windows = $0.example().keyBy("a").withParallelism(3).window(.tumbling(.seconds(1))).allowedLateness(
        .seconds(5))
      windows.sideOutputLate { $0.toSink(.blackhole, uid: "late") }.rows(withGreatest: col("b"), uid: "best")
        .windowAll(.inherited).rows(withLeast: col("b"), uid: "worst").toSink(.blackhole, uid: "out")
    }.plan
    let best = try #require(plan.nodes.first { $0.uid == "best" })
    #expect(
      best.operator
        == .windowChoice(
          Plan.WindowChoice(
            assigner: .tumbling(.init(size: 1_000_000)), scope: .key, allowedLateness: 5_000_000, late: .route,
            value: .column("b"), takes: .greatest)))
    #expect(best.parallelism == 3)
    #expect(plan.nodes.first { $0.uid == "late" }?.inputs == [Plan.Input(node: best.id, output: 1)])
    #expect(
      plan.nodes.first { $0.uid == "worst" }?.operator
        == .windowChoice(
          Plan.WindowChoice(assigner: .inherited, scope: .all, value: .column("b"), takes: .least)))
  }

  @Test("updating results, at their ends and before")
  func updating() throws {
    let cases: [(@Sendable (WindowedStream) -> WindowedStream, Plan.WindowEmission, Plan.WindowTrigger?)] = [
      ({ $0.emission(.final) }, .final, nil), ({ $0.emission(.updating) }, .updating, nil),
      ({ $0.trigger(.everyRows(5)) }, .updating, .init(everyRows: 5)),
      ({ $0.trigger(.every(.seconds(2))) }, .updating, .init(every: 2_000_000)),
      ({ $0.trigger(.every(.seconds(2), orRows: 5)) }, .updating, .init(everyRows: 5, every: 2_000_000)),
    ]
    for (change, emission, trigger) in cases {
      let (_, found) = try window {
        change($0.example().windowAll(.tumbling(.seconds(1)))).aggregate(count().as("n"), uid: "w")
          .toSink(.blackhole, uid: "out")
      }
      #expect(found?.emission == emission)
      #expect(found?.trigger == trigger)
    }
  }

  @Test("what cannot be is refused with the window's name")
  func refusals() {
    #expect(
      Built.refusal {
        $0.example().windowAll(.tumbling(.seconds(1))).allowedLateness(.seconds(-1)).aggregate(
          count().as("n"), uid: "w"
        ).toSink(.blackhole, uid: "out")
      } == "pipeline 'example': window 'w': the allowed lateness is -1s; give at least zero")
    #expect(
      Built.refusal {
        $0.example().windowAll(.tumbling(.seconds(1))).aggregate(uid: "w").toSink(.blackhole, uid: "out")
      } == "pipeline 'example': window 'w' has no aggregates: give it at least one, such as count()")
  }
}
