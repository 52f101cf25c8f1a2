import TestSupport
import Testing
import VolleyPlan

/// A worker that is refused memory ends with a sentence that blames the shortage: nothing is wrong with Volley or the
/// plugin.
@Suite struct MemoryShortageTests {
  private let remedy =
    "the job is not restarted, because without a checkpoint its rows would be counted twice: lower --memory-limit or --batch-rows, "
    + "or let it have more memory (of the machine, the cgroup, or ulimit -v), and run again"

  /// Runs with so many mebibytes of addresses at most.
  private func run(_ command: [String], within limit: Int? = nil) -> (status: Int32, sentence: String, errors: String) {
    let limited = limit.map { ["bash", "-c", "ulimit -v \($0 * 1_024) && exec \"$@\"", "bash"] } ?? []
    let outcome = TestProcess.run(limited + command + ["--report", "none", "--threads", "1"])
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.filter { $0.hasPrefix("volley-host: ") }.count == 1, "\(outcome.errors)")
    return (outcome.status, lines.last.map(String.init) ?? "", outcome.errors)
  }

  /// "A and had B of addresses": both are there, and the first is the lesser one by far.
  private func expectUse(_ sentence: String, _ errors: String) {
    #expect(sentence.contains(" MiB and had "), "\(errors)")
    #expect(sentence.contains(" MiB of addresses") || sentence.contains(" GiB of addresses"), "\(errors)")
  }

  /// Generated rows through one node, to nowhere.
  private func pipeline(rows: Int64, _ nodes: [Plan.Operator]) -> PeerPipeline {
    let middle = nodes.enumerated().map {
      Plan.Node(id: $0 + 1, uid: "node-\($0 + 1)", inputs: [.init(node: $0)], operator: $1)
    }
    return PeerPipeline(
      Plan(
        name: "any",
        nodes: [.init(id: 0, uid: "in", inputs: [], operator: .source(.numbers(rows)))] + middle + [
          .init(
            id: nodes.count + 1, uid: "out", inputs: [.init(node: nodes.count)],
            operator: .sink(.init(implementation: .connector(.blackhole))))
        ]))
  }

  @Test("a buffer")
  func buffer() {
    // Twenty thousand bytes a row, and 65536 rows a batch.
    let text = Expression.call("repeat", [.literal(.utf8("abcdefghij")), .literal(.int64(2_000))])
    let pipeline = pipeline(rows: 65_536, [.select(.init(columns: [NamedExpression("text", text)]))])
    let (status, sentence, errors) = run(pipeline.command(.none, "--memory-limit", "128MiB"), within: 1_100)
    #expect(status == 71, "\(errors)")
    #expect(sentence.hasPrefix("volley-host: out of memory: "), "\(errors)")
    #expect(sentence.contains(" for a buffer could not be had when the worker held "), "\(errors)")
    #expect(sentence.hasSuffix(" of addresses; \(remedy)"), "\(errors)")
    #expect(!errors.contains("Fatal error"))
    expectUse(sentence, errors)
  }

  @Test("the same as an event of a log of JSON lines, and nothing else is said")
  func json() throws {
    let text = Expression.call("repeat", [.literal(.utf8("abcdefghij")), .literal(.int64(2_000))])
    let pipeline = pipeline(rows: 65_536, [.select(.init(columns: [NamedExpression("text", text)]))])
    let command = pipeline.command(.none, "--memory-limit", "128MiB", "--log-format", "json")
    let outcome = TestProcess.run(["bash", "-c", "ulimit -v 1100000 && exec \"$@\"", "bash"] + command)
    #expect(outcome.status == 71)
    let events = try outcome.errors.split(separator: "\n").map { try JSONValue.parse(String($0)) }
    let last = try #require(events.last)
    #expect(last["event"] == .string("failed"))
    #expect(last["exit_code"] == .int(71))
    #expect(last["kind"] == .string("memory"))
    #expect(last["domain"] == .string("external"))
  }

  /// Whatever is refused first: a table, the states of an aggregate, a buffer, or an array of the Swift runtime's.
  @Test("state of many keys, with ever more memory", arguments: [350, 400, 500])
  func state(limit: Int) {
    let count = Plan.AggregateCall(function: "count", argument: nil, name: "count")
    let pipeline = pipeline(
      rows: 100_000_000,
      [
        .keyBy(.init(keys: [NamedExpression("n", .column("n"))])),
        .aggregate(.init(aggregates: [count], emission: .perBatch)),
      ])
    let (status, sentence, errors) = run(pipeline.command(.none, "--memory-limit", "16GiB"), within: limit)
    #expect(status == 71, "\(errors)")
    #expect(sentence.contains("out of memory: "), "\(errors)")
    #expect(!sentence.contains("bug in Volley"))
  }

  @Test("memory that a plugin asks for: the plugin is where it showed, and not at fault")
  func plugin() {
    let (status, sentence, errors) = run(PeerPipeline.acting(from: .numbers(10), to: .blackhole).command(.shortage))
    #expect(status == 71, "\(errors)")
    #expect(
      sentence.hasPrefix("volley-host: out of memory: what was asked for could not be had when the worker held "),
      "\(errors)")
    #expect(
      sentence.hasSuffix(" of addresses, in 'process' of function 'act' of plugin 'peer'; \(remedy)"), "\(errors)")
    expectUse(sentence, errors)
  }
}
