import CVolley
import Testing
import Volley
import VolleyPlan

/// Counts from 0, in splits of a number each.
struct Replayed: SourceConnector {
  static let name = "replayed"

  final class Reader: ReplayableSourceReader {
    var next = 0

    func read(into batch: BatchBuilder, maxRows: Int, timeout: Duration) throws -> ReadOutcome {
      var column = try batch.column("n", as: Int.self)
      for _ in 0..<maxRows {
        column.append(next)
        next += 1
      }
      return .rows
    }

    func positions() -> [SplitPosition] {
      [SplitPosition(split: "ä\"", position: .object([.init("next", .int(Int64(next)))]))]
    }

    func resume(at positions: [SplitPosition]) throws {
      guard positions.map(\.split) == ["ä\""], case .int(let next)? = positions.first?.position["next"] else {
        throw VolleyError("no positions of this source")
      }
      self.next = Int(next)
    }
  }

  func makeReader(_ context: TaskContext) -> any SourceReader { Reader() }
}

/// Logs what it is told.
struct Ledger: SinkConnector {
  static let name = "ledger"

  final class Writer: TransactionalSinkWriter {
    private var rows = 0

    func write(_ batch: Batch) { rows += batch.rowCount }
    func recover(own: [JSONValue], all: [JSONValue]) {
      log(.info, "recover \(JSONValue.array(own).text) \(JSONValue.array(all).text)")
    }
    func prepare(epoch: UInt64) -> [JSONValue] {
      defer { rows = 0 }
      return [.object([.init("epoch", .int(Int64(epoch))), .init("rows", .int(Int64(rows)))])]
    }
    func commit(_ transactions: [JSONValue]) throws {
      guard !transactions.isEmpty else { throw VolleyError("nothing to commit") }
      log(.info, "commit \(JSONValue.array(transactions).text)")
    }
  }

  func makeWriter(_ context: TaskContext) -> any SinkWriter { Writer() }
}

@Suite("Readers and writers with checkpoints")
struct CheckpointTests {
  private let host = MiniHost()
  private let schema = [Field("n", .int64)]

  private func create(_ name: String, kind: UInt32) throws -> MiniHost.Instance {
    let connector = ExamplePlugin.connector(name)!
    return try host.create(
      kind: kind, function: name, inputs: kind == VOLLEY_KIND_SINK ? [schema] : [],
      outputs: kind == VOLLEY_KIND_SOURCE ? [schema] : [], options: name == "numbers" ? #"{"count": 5}"# : "{}"
    ) { [host] place, instance, error in
      connector.pointee.create(connector, host.host, kind, place, instance, error)
    }
  }

  private func text(
    _ call: (
      UnsafeMutablePointer<UnsafePointer<CChar>?>, UnsafeMutablePointer<UInt64>, UnsafeMutablePointer<volley_error>
    )
      -> Int32
  ) throws -> String {
    var json: UnsafePointer<CChar>?
    var length: UInt64 = 0
    try MiniHost.check { call(&json, &length, $0) }
    return String(decoding: UnsafeRawBufferPointer(start: json, count: Int(length)), as: UTF8.self)
  }

  @Test("a reader's positions cross as JSON, and back")
  func source() throws {
    let first = try create("replayed", kind: VOLLEY_KIND_SOURCE)
    try first.open()
    var batch = ArrowArray()
    var outcome: UInt32 = 0
    try MiniHost.check { first.source.read(first.pointer, 3, 0, &batch, &outcome, $0) }
    batch.release(&batch)
    let json = try text { first.source.positions(first.pointer, $0, $1, $2) }
    #expect(json == #"[{"split":"ä\"","position":{"next":3}}]"#)
    try first.close()
    let second = try create("replayed", kind: VOLLEY_KIND_SOURCE)
    try MiniHost.check { second.source.resume(second.pointer, json, UInt64(json.utf8.count), $0) }
    try second.open()
    #expect(try text { second.source.positions(second.pointer, $0, $1, $2) } == json)
    try second.close()
    let third = try create("replayed", kind: VOLLEY_KIND_SOURCE)
    #expect(throws: MiniHost.Refused.self) { try MiniHost.check { third.source.resume(third.pointer, "[]", 2, $0) } }
    #expect(throws: MiniHost.Refused.self) { try MiniHost.check { third.source.resume(third.pointer, "{}", 2, $0) } }
  }

  @Test("a writer's transactions cross as JSON, and back")
  func sink() throws {
    let sink = try create("ledger", kind: VOLLEY_KIND_SINK)
    try MiniHost.check { sink.sink.recover(sink.pointer, "[1]", 3, "[1,2]", 5, $0) }
    try sink.open()
    let json = try text { sink.sink.prepare(sink.pointer, 7, $0, $1, $2) }
    #expect(json == #"[{"epoch":7,"rows":0}]"#)
    try MiniHost.check { sink.sink.commit(sink.pointer, json, UInt64(json.utf8.count), $0) }
    #expect(throws: MiniHost.Refused.self) { try MiniHost.check { sink.sink.commit(sink.pointer, "[]", 2, $0) } }
    try sink.close()
  }

  @Test("readers and writers that have no part in checkpoints have no slots for them")
  func others() throws {
    let numbers = try create("numbers", kind: VOLLEY_KIND_SOURCE)
    var source = numbers.source
    #expect(volley_source_has_positions(&source) == 0 && volley_source_has_resume(&source) == 0)
    let collected = try create("collected", kind: VOLLEY_KIND_SINK)
    var sink = collected.sink
    #expect(volley_sink_has_prepare(&sink) == 0 && volley_sink_has_recover(&sink) == 0)
  }
}
