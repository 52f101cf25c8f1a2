import Arrow
import Base
import Dataflow
import Operators
import TestSupport
import Testing
import VolleyPlan

@testable import Planning

@Suite("What becomes of rows end to end is told")
struct DeliveryTests {
  private func end(_ name: String, _ options: [JSONValue.Member] = []) -> Plan.Implementation {
    .connector(Plan.Connector(name: name, options: .object(options)))
  }

  private func sink(_ id: Int, from input: Int, _ implementation: Plan.Implementation, uid: String) -> Plan.Node {
    node(id, .sink(Plan.Sink(implementation: implementation)), from: input, uid: uid)
  }

  private func source(_ id: Int, _ implementation: Plan.Implementation, uid: String) -> Plan.Node {
    Plan.Node(
      id: id, uid: uid, inputs: [],
      operator: .source(Plan.Source(implementation: implementation, schema: [Field("line", .utf8)])))
  }

  private func delivery(_ nodes: [Plan.Node], code: EndsCode = EndsCode()) throws -> DeliveryReport {
    try ExecutionGraph(Plan(name: "test", nodes: nodes), code: code, options: .init(parallelism: 2)).delivery()
  }

  @Test("files to files are exactly-once, and nothing is to do")
  func files() throws {
    let folder = TemporaryFolder()
    let input = folder.write("in.txt", "a\n")
    let report = try delivery([
      source(0, end("lines", [.init("path", .string(input))]), uid: "in"),
      sink(1, from: 0, end("jsonlines", [.init("path", .string("\(folder.path)/out/"))]), uid: "out"),
    ])
    #expect(report.whole == .exactlyOnce && report.sourceWithoutReplay == nil)
    #expect(report.ends.allSatisfy { $0.remedy == nil })
    #expect(
      report.text == """
        delivery of a job with checkpoints: exactly-once, end to end
          source 'in' [lines in]: exactly-once
          sink 'out' [jsonlines out]: exactly-once

        """)
  }

  @Test("a sink gets what its own sources give, and the whole the least of all")
  func whole() throws {
    let report = try delivery([
      source(0, end("stdin", [.init("format", .string("lines"))]), uid: "in"),
      source(1, .function("made"), uid: "made"),
      sink(2, from: 0, end("blackhole"), uid: "a"), sink(3, from: 1, end("console"), uid: "b"),
      sink(4, from: 1, end("blackhole"), uid: "c"),
    ])
    #expect(report.ends.map(\.uid) == ["in", "made", "a", "b", "c"])
    #expect(report.sourceWithoutReplay == "source 'in'")
    #expect(
      report.ends.map(\.guarantee.name) == [
        "at-most-once", "exactly-once", "exactly-once", "at-least-once", "exactly-once",
      ])
    #expect(
      report.ends.map(\.endToEnd.name) == [
        "at-most-once", "exactly-once", "at-most-once", "at-least-once", "exactly-once",
      ])
    #expect(report.whole.name == "at-most-once")
    #expect(
      report.text.contains(
        "  source 'in' [stdin in]: at-most-once, for what was read from standard input cannot be read again; read files\n"
      ),
      "\(report.text)")
    #expect(report.text.contains("  sink 'a' [blackhole a]: exactly-once (at-most-once with its sources)\n"))
    #expect(report.json["guarantee"] == "at-most-once")
    guard case .array(let ends)? = report.json["ends"] else {
      Issue.record("no ends in \(report.json.text)")
      return
    }
    #expect(ends[3]["kind"] == "sink")
    #expect(ends[3]["reason"] == "rows on standard output are seen at once")
    #expect(ends[3]["remedy"] == "write a file or a folder")
  }

  @Test("sources and sinks of plugins get what their instances can do")
  func plugins() throws {
    let code = EndsCode(connectors: ["plain", "whole"])
    let report = try delivery(
      [
        source(0, end("plain"), uid: "in"), source(1, end("whole"), uid: "again"),
        sink(2, from: 0, end("whole"), uid: "out"), sink(3, from: 1, .function("plain"), uid: "seen"),
      ], code: code)
    #expect(report.ends.map(\.guarantee.name) == ["at-most-once", "exactly-once", "exactly-once", "at-least-once"])
    #expect(report.ends.map(\.endToEnd.name) == ["at-most-once", "exactly-once", "at-most-once", "at-least-once"])
    #expect(report.ends[0].remedy == "give its reader positions (ReplayableSourceReader)")
    #expect(report.ends[3].remedy == "give its writer transactions (TransactionalSinkWriter)")
    #expect(code.opened == 0)
  }

  @Test("what an instance cannot be made of is told with its place")
  func broken() throws {
    let failure = try #require(throws: Failure.self) {
      try delivery([source(0, .function("broken"), uid: "in"), sink(1, from: 0, end("blackhole"), uid: "out")])
    }
    #expect(failure.message == "source 'in': no such thing")
  }
}

/// Code whose sources and sinks can do what their name says: "plain" nothing, "broken" is not made, all others everything.
private final class EndsCode: NamedCode {
  var opened = 0

  override func makeSource(
    _ function: String, schema: Schema, at place: UserCodePlace
  ) throws(Failure) -> any Source {
    if function == "broken" { throw Failure(.plugin, "no such thing") }
    return function == "plain" ? PlainSource(self) : PositionedSource(self)
  }

  override func makeSink(_ function: String, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Sink {
    function == "plain" ? PlainSink(self) : PreparedSink(self)
  }

  override func makeSource(
    _ connector: Plan.Connector, schema: Schema, at place: UserCodePlace
  ) throws(Failure) -> any Source { try makeSource(connector.name, schema: schema, at: place) }

  override func makeSink(
    _ connector: Plan.Connector, schema: Schema, at place: UserCodePlace
  ) throws(Failure) -> any Sink { try makeSink(connector.name, schema: schema, at: place) }
}

private class PlainSource: Source {
  let blocks = false
  let code: EndsCode
  init(_ code: EndsCode) { self.code = code }
  func open() throws(Failure) { code.opened += 1 }
  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome { .end }
}

private final class PositionedSource: PlainSource, ReplayableSource {
  func positions() throws(Failure) -> [SplitPosition] { [] }
  func resume(at positions: [SplitPosition]) throws(Failure) {}
}

private class PlainSink: Sink {
  let blocks = false
  let code: EndsCode
  init(_ code: EndsCode) { self.code = code }
  func open() throws(Failure) { code.opened += 1 }
  func write(_ batch: RecordBatch) throws(Failure) {}
}

private final class PreparedSink: PlainSink, TransactionalSink {
  func useEpochs() throws(Failure) {}
  func prepare(_ epoch: Epoch) throws(Failure) -> [SinkTransaction] { [] }
  func commit(_ transactions: [SinkTransaction]) throws(Failure) {}
  func recover(own: [SinkTransaction], all: [SinkTransaction]) throws(Failure) {}
}
