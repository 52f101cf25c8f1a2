import Testing
import Volley
import VolleyPlan

@Suite("Deduplicate, top n and distinct in a pipeline")
struct RankingStreamTests {
  private func operators(
    _ build: @escaping @Sendable (StreamExecutionEnvironment) throws -> Void
  ) throws -> [Plan.Operator] { try Built.of(build).plan.nodes.map(\.operator) }

  @Test("are what the plan has")
  func plans() throws {
    let cases: [(@Sendable (KeyedStream) -> DataStream, Plan.Operator)] = [
      ({ $0.deduplicate(.first, uid: "d") }, .deduplicate(.init(keep: .first))),
      ({ $0.deduplicate(.last, by: "a", "b", uid: "d") }, .deduplicate(.init(keep: .last, by: ["a", "b"]))),
      (
        { $0.deduplicate(.first, timeToLive: .seconds(2), uid: "d") },
        .deduplicate(.init(keep: .first, timeToLive: 2_000_000))
      ),
      ({ $0.topN(1, by: .ascending("a"), uid: "t") }, .topN(.init(count: 1, by: [.init("a")]))),
      (
        {
          $0.topN(
            10, by: .descending("a"), .ascending("b", nullsFirst: true), rank: "place", timeToLive: .milliseconds(1),
            uid: "t")
        },
        .topN(
          .init(
            count: 10, by: [.init("a", descending: true), .init("b", nullsFirst: true)], rank: "place",
            timeToLive: 1_000))
      ),
      (
        { $0.topN(2, by: .ascending("a"), emission: .final, uid: "t") },
        .topN(.init(count: 2, by: [.init("a")], emission: .final))
      ),
    ]
    for (build, expected) in cases {
      let found = try operators { build($0.example().keyBy("a")).toSink(.blackhole, uid: "out") }
      #expect(found.contains(expected))
    }
  }

  @Test("distinct is the first row of each key, which may be every column")
  func distinct() throws {
    let some = try operators { $0.example().distinct(on: "a", uid: "d").toSink(.blackhole, uid: "out") }
    #expect(some.contains(.keyBy(.init(keys: [NamedExpression("a", .column("a"))]))))
    #expect(some.contains(.deduplicate(.init(keep: .first))))
    let all = try operators {
      $0.example().distinct(timeToLive: .seconds(1), uid: "d").toSink(.blackhole, uid: "out")
    }
    #expect(all.contains(.keyBy(.init(keys: [], everyColumn: true))))
    #expect(all.contains(.deduplicate(.init(keep: .first, timeToLive: 1_000_000))))
  }

  @Test("what holds at the end, by a key or by every column; and aggregates as changes")
  func changelogs() throws {
    let some = try operators {
      $0.example().keyBy("a").aggregate(count().as("n"), uid: "c", emission: .changelog).latest(by: "a", uid: "l")
        .toSink(.blackhole, uid: "out")
    }
    #expect(some.suffix(3).dropLast() == [.keyBy(.init(keys: [NamedExpression("a", .column("a"))])), .latest(.init())])
    #expect(
      some.contains { if case .aggregate(let aggregate) = $0 { aggregate.emission == .changelog } else { false } })
    let all = try operators { $0.example().latest(uid: "l").toSink(.blackhole, uid: "out") }
    #expect(all.suffix(3).dropLast() == [.keyBy(.init(keys: [], everyColumn: true)), .latest(.init())])
  }

  @Test("what cannot be is refused with the operation's name")
  func refusals() {
    #expect(
      Built.refusal {
        $0.example().keyBy("a").topN(0, by: .ascending("a"), uid: "t").toSink(.blackhole, uid: "out")
      } == "pipeline 'example': topN 't' keeps 0 rows: give at least 1")
    #expect(
      Built.refusal {
        $0.example().keyBy("a").deduplicate(.first, timeToLive: .zero, uid: "d").toSink(.blackhole, uid: "out")
      } == "pipeline 'example': deduplicate 'd': the time to live is 0s; give at least a microsecond")
  }
}
