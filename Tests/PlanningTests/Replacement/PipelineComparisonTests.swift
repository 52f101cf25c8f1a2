import Base
import State
import Testing
import VolleyPlan

@testable import Planning

@Suite struct PipelineComparisonTests {
  private static let key = [Field("user", .int64)]

  private func table(_ value: Field..., name: String = "sums") -> StateTable {
    StateTable(name, key: Self.key, value: value)
  }

  private func connector(_ name: String, _ options: [(String, JSONValue)]) -> Plan.Operator {
    .source(
      Plan.Source(
        implementation: .connector(
          Plan.Connector(name: name, options: .object(options.map { JSONValue.Member($0.0, $0.1) }))),
        schema: [Field("user", .int64)]))
  }

  /// A pipeline of a source, filters that stand for operators with the states given, and a sink.
  private func version(
    source: Plan.Operator? = nil, sourceUID: String = "in", _ states: [(String, [StateTable])],
    held: Set<String>? = nil
  ) -> PipelineVersion {
    var nodes = [
      Plan.Node(
        id: 0, uid: sourceUID, inputs: [], operator: source ?? connector("jsonlines", [("path", .string("a.jsonl"))]))
    ]
    for (index, state) in states.enumerated() {
      nodes.append(
        Plan.Node(
          id: index + 1, uid: state.0, inputs: [Plan.Input(node: index)],
          operator: .filter(Plan.Filter(condition: .literal(.bool(true))))))
    }
    nodes.append(
      Plan.Node(
        id: nodes.count, uid: "out", inputs: [Plan.Input(node: nodes.count - 1)],
        operator: .sink(Plan.Sink(implementation: .connector(Plan.Connector(name: "console"))))))
    return PipelineVersion(
      plan: Plan(name: "p", nodes: nodes), states: Dictionary(uniqueKeysWithValues: states), held: held)
  }

  private func verdicts(
    _ former: PipelineVersion, _ new: PipelineVersion, _ choices: PipelineComparison.Choices = .init()
  ) throws -> [String: String] {
    let rows = try PipelineComparison(former: former, new: new, choices: choices).rows
    return Dictionary(uniqueKeysWithValues: rows.map { ($0.uid, $0.verdict.name) })
  }

  @Test("the same pipeline is restored")
  func same() throws {
    let version = version([("sum", [table(Field("total", .int64))])])
    let comparison = try PipelineComparison(former: version, new: version)
    #expect(comparison.rows.map(\.verdict) == [.restored, .restored, .restored])
    #expect(comparison.refusal(of: "epoch-3") == nil)
    #expect(comparison.origins == ["in": "in", "sum": "sum", "out": "out"])
    #expect(comparison.text == "source  in   restored\nfilter  sum  restored\nsink    out  restored\n")
  }

  @Test("state that widens is migrated, and what differs is told")
  func widens() throws {
    let former = version([("sum", [table(Field("total", .int32))])])
    let new = version([("sum", [table(Field("total", .int64), Field("most", .float64))])])
    let comparison = try PipelineComparison(former: former, new: new)
    #expect(
      comparison.rows[1].verdict
        == .migrated("table 'sums': total: int32 becomes total: int64, table 'sums': most: float64 is new and null"))
    #expect(!comparison.isRefused)
    #expect(comparison.origins["sum"] == "sum")
  }

  @Test("a new uid starts empty")
  func new() throws {
    let state = [table(Field("total", .int64))]
    #expect(
      try verdicts(version([("sum", state)]), version([("sum", state), ("count", state)]))
        == ["in": "restored", "sum": "restored", "count": "starts empty", "out": "restored"])
  }

  @Test("a uid that is gone is refused, unless it is dropped")
  func gone() throws {
    let state = [table(Field("total", .int64))]
    let former = version([("sum", state), ("count", state)])
    let new = version([("sum", state)])
    let comparison = try PipelineComparison(former: former, new: new)
    #expect(
      comparison.refusal(of: "epoch-7")?.message
        == "the pipeline cannot go on from epoch-7: filter 'count' is in the checkpoint and no more in the pipeline (--drop-state "
        + "count leaves it behind, --rename-uid count=NEW gives it to another); nothing was touched")
    #expect(comparison.refusal(of: "epoch-7")?.kind == .plugin)
    #expect(
      comparison.text.contains(
        "filter  count  gone      refused; --drop-state count leaves it behind, --rename-uid count=NEW gives it to another\n"
      ))
    #expect(try verdicts(former, new, .init(dropped: ["count"]))["count"] == "dropped")
  }

  @Test("a sink of which the epoch holds nothing may go")
  func emptySink() throws {
    let state = [table(Field("total", .int64))]
    let former = version([("sum", state)], held: ["in", "sum"])
    #expect(!former.stages.contains { $0.uid == "out" })
    #expect(try verdicts(former, version([("sum", state)]))["out"] == "starts empty")
  }

  @Test("state that conflicts is refused with both schemas, unless it is dropped")
  func conflicts() throws {
    let former = version([("sum", [table(Field("total", .int64))])])
    let new = version([("sum", [table(Field("total", .utf8))])])
    let comparison = try PipelineComparison(former: former, new: new)
    let message = comparison.refusal(of: "epoch-7")?.message
    #expect(
      message
        == "the pipeline cannot go on from epoch-7: filter 'sum' has state of another form: table 'sums': column 1 was total: "
        + "int64 and is total: utf8; the checkpoint has sums (user: int64) → (total: int64), the pipeline sums (user: int64) → (total: utf8) (give "
        + "it another uid, or leave the state behind with --drop-state sum); nothing was touched")
    #expect(
      comparison.text.hasSuffix(
        "filter 'sum' in the checkpoint:\n  sums (user: int64) → (total: int64)\nfilter 'sum' in the pipeline:\n"
          + "  sums (user: int64) → (total: utf8)\n"))
    #expect(try verdicts(former, new, .init(dropped: ["sum"]))["sum"] == "dropped")
    #expect(try PipelineComparison(former: former, new: new, choices: .init(dropped: ["sum"])).origins["sum"] == nil)
  }

  @Test(
    "a source whose positions mean nothing any more is refused, unless it is reset",
    arguments: [
      ("jsonlines", [("path", "b.jsonl")], "its option 'path' is \"b.jsonl\", and was \"a.jsonl\""),
      ("csv", [("path", "a.jsonl")], "it reads with the connector 'csv', and did with 'jsonlines'"),
      (
        "jsonlines", [("path", "a.jsonl"), ("compression", "gzip")],
        "its option 'compression' is \"gzip\", and was null"
      ),
      ("jsonlines", [("path", "a.jsonl"), ("interleave", "3")], nil),
    ] as [(String, [(String, String)], String?)])
  func sources(name: String, options: [(String, String)], change: String?) throws {
    let former = version([])
    let new = version(source: connector(name, options.map { ($0.0, .string($0.1)) }), [])
    let comparison = try PipelineComparison(former: former, new: new)
    #expect(comparison.rows[0].verdict == change.map { .sourceChanged($0) } ?? .restored)
    #expect(comparison.isRefused == (change != nil))
    let reset = try PipelineComparison(former: former, new: new, choices: .init(reset: ["in"]))
    #expect(reset.rows[0].verdict == (change == nil ? .restored : .reset))
    #expect(
      reset.notes
        == (change == nil ? ["--reset-source in resets nothing: what the checkpoint has of it is restored"] : []))
  }

  @Test("a uid that is renamed keeps its state, and the flag may stay")
  func renamed() throws {
    let state = [table(Field("total", .int64))]
    let (former, new) = (version([("sum", state)]), version([("total", state)]))
    #expect(try verdicts(former, new) == ["in": "restored", "total": "starts empty", "sum": "gone", "out": "restored"])
    let comparison = try PipelineComparison(former: former, new: new, choices: .init(renamed: ["sum": "total"]))
    #expect(comparison.rows.map(\.verdict) == [.restored, .restored, .restored])
    #expect(comparison.origins["total"] == "sum")
    #expect(comparison.text.contains("filter  total  restored  was 'sum'\n"))
    let again = try PipelineComparison(former: new, new: new, choices: .init(renamed: ["sum": "total"]))
    #expect(!again.isRefused)
    #expect(again.notes == ["--rename-uid sum=total renames nothing: the checkpoint has 'total' already"])
  }

  @Test("two uids change places")
  func swapped() throws {
    let (one, two) = ([table(Field("a", .int64), name: "one")], [table(Field("b", .int64), name: "two")])
    let comparison = try PipelineComparison(
      former: version([("x", one), ("y", two)]), new: version([("y", one), ("x", two)]),
      choices: .init(renamed: ["x": "y", "y": "x"]))
    #expect(!comparison.isRefused)
    #expect(comparison.origins == ["in": "in", "out": "out", "x": "y", "y": "x"])
  }

  @Test(
    "a rename that names nothing is refused",
    arguments: [
      (["sun": "total"], "--rename-uid sun=total: the checkpoint has no 'sun', only 'sum', 'in', 'out'"),
      (["sum": "totl"], "--rename-uid sum=totl: the pipeline has no 'totl', only 'total', 'out', 'in'"),
      (
        ["sum": "out"],
        "--rename-uid sum=out: the checkpoint has both 'sum' and 'out'; rename 'out' too, or leave it out"
      ),
    ])
  func wrongRenames(renamed: [String: String], expected: String) {
    let state = [table(Field("total", .int64))]
    var found = "no failure"
    do throws(Failure) {
      _ = try PipelineComparison(
        former: version([("sum", state)]), new: version([("total", state)]), choices: .init(renamed: renamed))
    } catch {
      found = error.message
    }
    #expect(found == expected)
  }

  @Test("a uid that names another kind of thing conflicts")
  func otherRole() throws {
    let former = version([("x", [table(Field("total", .int64))])])
    let new = version(sourceUID: "x", [])
    let comparison = try PipelineComparison(former: former, new: new, choices: .init(dropped: ["in"]))
    #expect(
      comparison.rows.first?.verdict
        == .conflicts(
          "it was an operator (filter) and is a source; give the new one another uid", former: former.stages[1].tables,
          new: []))
    let dropped = try PipelineComparison(former: former, new: new, choices: .init(dropped: ["in", "x"]))
    #expect(dropped.isRefused)
    #expect(dropped.notes == ["--drop-state x drops nothing: it is no operator whose state has changed alone"])
  }
}
