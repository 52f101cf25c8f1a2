import Base
import Testing
import VolleyPlan

@testable import Planning

@Suite("A plan that cannot run is refused in one sentence")
struct PlanRefusalTests {
  private func refusal(_ nodes: [Plan.Node], connectors: [String] = []) -> String? {
    do throws(Failure) {
      _ = try graph(nodes, connectors: connectors)
      return nil
    } catch {
      #expect(error.kind == .usage)
      return error.message
    }
  }

  @Test("an empty plan")
  func empty() {
    #expect(refusal([]) == "the pipeline 'test' is empty: it needs at least a source and a sink")
  }

  @Test("two nodes of one id")
  func sameID() {
    #expect(refusal([source(1), sink(1, from: 1)]) == "the plan has two nodes with the id 1; ids are unique")
  }

  @Test("a missing uid suggests a free one")
  func missingUID() {
    #expect(
      refusal([source(1, uid: nil), sink(2, from: 1)])
        == "source (node 1) has no uid, and a source needs one; give it a name of its own, for example 'source'")
    #expect(
      refusal([source(1, uid: "sink"), sink(2, from: 1, uid: nil)])
        == "sink (node 2) has no uid, and a sink needs one; give it a name of its own, for example 'sink-2'")
    #expect(
      refusal([
        source(1), node(2, keyBy("user_id"), from: 1), node(3, sum("amount", as: "s"), from: 2), sink(4, from: 3),
      ])
        == "aggregate (node 3) has no uid, and an operator with state needs one; give it a name of its own, for example "
        + "'aggregate'")
  }

  @Test("a uid used twice names both operators")
  func duplicateUID() {
    #expect(
      refusal([source(1, uid: "x"), sink(2, from: 1, uid: "x")])
        == "the uid 'x' is used by both source (node 1) and sink (node 2); rename one, for example to 'sink'")
  }

  @Test("a uid that could not be a file's name", arguments: ["", "a b", "a/b", "a\u{7f}"])
  func badUID(uid: String) {
    #expect(
      refusal([source(1, uid: uid), sink(2, from: 1)])
        == "the uid '\(uid)' of source (node 1) cannot be used; a uid is not empty and has no spaces, slashes or control "
        + "characters")
  }

  @Test("an input that is not there")
  func missingInput() {
    #expect(
      refusal([source(1), sink(2, from: 7)]) == "sink 'out' reads the node 7, which the plan does not have")
  }

  @Test("an output that is not there")
  func missingOutput() {
    var end = sink(2, from: 1)
    end.inputs = [Plan.Input(node: 1, output: 3)]
    #expect(refusal([source(1), end]) == "sink 'out' reads output 3 of source 'orders', which has 1")
  }

  @Test("too few and too many inputs")
  func inputCounts() {
    #expect(refusal([node(1, positive), sink(2, from: 1)]) == "filter (node 1) has 0 inputs, and takes 1")
    #expect(
      refusal([source(1), node(2, positive, from: 1, 1), sink(3, from: 2)])
        == "filter (node 2) has 2 inputs, and takes 1")
    #expect(
      refusal([node(1, .union(Plan.Union())), sink(2, from: 1)]) == "union (node 1) has 0 inputs, and takes at least 1")
  }

  @Test("rows that go nowhere")
  func dangling() {
    #expect(
      refusal([source(1), node(2, positive, from: 1)])
        == "what filter (node 2) makes is not read by anything; end the stream with toSink (.blackhole drops rows)")
  }

  @Test("a cycle names its operators")
  func cycle() {
    let message = refusal([
      source(1), node(2, .union(Plan.Union()), from: 1, 3), node(3, positive, from: 2), sink(4, from: 3),
    ])
    #expect(
      message == "the plan has a cycle: union (node 2) → filter (node 3) → union (node 2); a stream cannot flow back"
        || message
          == "the plan has a cycle: filter (node 3) → union (node 2) → filter (node 3); a stream cannot flow back",
      "\(message ?? "")")
  }

  @Test("an event time that is no timestamp, or is not there")
  func eventTime() {
    func made(_ column: String, _ disorder: Int64 = 0, idle: Int64? = nil) -> String? {
      refusal([
        source(1),
        node(
          2, .eventTime(Plan.EventTime(column: column, outOfOrderness: disorder, idleTimeout: idle)), from: 1),
        sink(3, from: 2),
      ])
    }
    #expect(
      made("user_id")
        == "eventTime (node 2): the column 'user_id' is int64, and an event time is a timestamp; cast it before, or take "
        + "another one")
    #expect(
      made("time") == "eventTime (node 2): there is no column 'time'; the columns are 'user_id', 'amount', 'note'")
  }

  @Test("an aggregate without a keyBy, and a keyBy without an aggregate")
  func keyed() {
    #expect(
      refusal([source(1), node(2, sum("amount", as: "s"), from: 1, uid: "s"), sink(3, from: 2)])
        == "aggregate 's' reads source 'orders', and must read a keyBy")
    #expect(
      refusal([source(1), node(2, keyBy("user_id"), from: 1), sink(3, from: 2)])
        == "sink 'out' reads keyBy (node 2); only an operator by key, such as aggregate, can follow a keyBy")
  }

  @Test("a computed key with the name of a column")
  func keyReplacesColumn() {
    let computed = NamedExpression("user_id", .call("modulo", [.column("user_id"), .literal(.int64(10))]))
    func nodes(_ key: NamedExpression) -> [Plan.Node] {
      [
        source(1), node(2, .keyBy(Plan.KeyBy(keys: [key])), from: 1),
        node(3, sum("user_id", as: "s"), from: 2, uid: "s"),
        sink(4, from: 3),
      ]
    }
    #expect(
      refusal(nodes(computed))
        == "keyBy (node 2): the key 'user_id' is computed, and the input has a column 'user_id' already, which it would "
        + "replace; give the key another name with .as(\"…\")")
    #expect(refusal(nodes(NamedExpression("bucket", computed.expression))) == nil)
    #expect(refusal(nodes(NamedExpression("user_id", .column("user_id")))) == nil)
  }

  @Test("a missing column lists those that exist")
  func missingColumn() throws {
    let message = try #require(
      refusal([
        source(1), node(2, filter(.call("greater_than", [.column("amuont"), .literal(.float64(0))])), from: 1),
        sink(3, from: 2),
      ]))
    #expect(message.hasPrefix("filter (node 2): "), "\(message)")
    for name in ["amuont", "amount", "user_id", "note"] { #expect(message.contains("'\(name)'"), "\(message)") }
    #expect(
      refusal([
        source(1), node(2, keyBy("user"), from: 1), node(3, sum("amount", as: "s"), from: 2, uid: "s"),
        sink(4, from: 3),
      ])
        == "keyBy (node 2): there is no column 'user'; the columns are 'user_id', 'amount', 'note'")
  }

  @Test("a wrong type, and an unknown function")
  func wrongTypes() throws {
    let added = try #require(
      refusal([
        source(1),
        node(
          2,
          .select(Plan.Select(columns: [NamedExpression("x", .call("add", [.column("note"), .column("user_id")]))])),
          from: 1),
        sink(3, from: 2),
      ]))
    #expect(added.hasPrefix("select (node 2): column 'x': "), "\(added)")
    #expect(added.contains("utf8") && added.contains("int64"), "\(added)")
    #expect(
      refusal([source(1), node(2, filter(.column("amount")), from: 1), sink(3, from: 2)])
        == "filter (node 2): the condition is float64, and must be bool; compare it with something")
    let unknown = try #require(
      refusal([
        source(1), node(2, filter(.call("graeter_than", [.column("amount"), .literal(.float64(0))])), from: 1),
        sink(3, from: 2),
      ]))
    #expect(unknown.contains("'graeter_than'") && unknown.contains("greater_than"), "\(unknown)")
    let aggregate = try #require(
      refusal([
        source(1), node(2, keyBy("user_id"), from: 1), node(3, sum("note", as: "s"), from: 2, uid: "sums"),
        sink(4, from: 3),
      ]))
    #expect(aggregate.hasPrefix("aggregate 'sums': aggregate 's': "), "\(aggregate)")
  }

  @Test("equal and empty column names")
  func columnNames() {
    let twice = Plan.Operator.select(
      Plan.Select(columns: [NamedExpression("a", .column("note")), NamedExpression("a", .column("amount"))]))
    #expect(
      refusal([source(1), node(2, twice, from: 1), sink(3, from: 2)])
        == "select (node 2): two columns are named 'a'; rename one with .as(\"…\")")
    let empty = Plan.Operator.select(Plan.Select(columns: [NamedExpression("", .column("note"))]))
    #expect(
      refusal([source(1), node(2, empty, from: 1), sink(3, from: 2)])
        == "select (node 2): a column has an empty name; name it with .as(\"…\")")
  }

  @Test("a union of different columns")
  func union() {
    let other = source(2, uid: "other", fields: [Field("user_id", .int32)])
    #expect(
      refusal([source(1), other, node(3, .union(Plan.Union()), from: 1, 2), sink(4, from: 3)])
        == "union (node 3): input 1 has the columns (user_id: int32), and input 0 has (user_id: int64 not null, "
        + "amount: float64, note: utf8); they must be the same")
  }

  @Test("a function's column of another type")
  func functionColumn() {
    let function = Plan.Operator.batchFunction(
      Plan.BatchFunction(
        function: "map:1", label: "map", columns: [Field("user_id", .utf8)], outputs: [[Field("x", .int64)]]))
    #expect(
      refusal([source(1), node(2, function, from: 1), sink(3, from: 2)])
        == "map (node 2): the column 'user_id' is int64, and the function takes utf8; cast it before, or change the "
        + "function's type")
  }

  @Test("an unknown connector names the nearest")
  func connector() {
    var end = sink(2, from: 1)
    end.operator = .sink(Plan.Sink(implementation: .connector(Plan.Connector(name: "blackhol"))))
    #expect(
      refusal([source(1), end])
        == "sink 'out': there is no connector 'blackhol'; did you mean 'blackhole'? A connector of another plugin is "
        + "loaded with --connector PATH")
  }

  @Test("a parallelism beyond the key groups")
  func parallelism() {
    #expect(
      refusal([source(1, parallelism: 257), sink(2, from: 1)])
        == "source 'orders' has the parallelism 257, and at most 256 is possible: there are 256 key groups")
    #expect(
      refusal([source(1, parallelism: 0), sink(2, from: 1)])
        == "source 'orders' has the parallelism 0; it is at least 1")
  }
}
