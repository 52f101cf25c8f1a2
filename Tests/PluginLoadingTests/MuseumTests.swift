import Arrow
import Base
import Expressions
import Operators
import PluginLoading
import TestSupport
import Testing
import VolleyPlan

/// A pipeline in plain C against the frozen header of each released minor runs in today's host: each kind of user code.
struct MuseumTests {
  private let folder = TemporaryFolder()
  private let events = Events()
  private static let orders = Schema([Field("id", .int64, nullable: false), Field("price", .float64, nullable: false)])
  private static let totals = Schema([Field("id", .int64, nullable: false), Field("total", .float64, nullable: false)])

  private func set(_ version: String, _ members: [JSONValue.Member] = []) throws -> PluginSet {
    let plugin = try Plugin.load(path: PluginSource.museum(version).compiled())
    let out = JSONValue.Member("out", .string(folder.file("cheap.txt")))
    let built = try plugin.pipeline(named: "museum").plan(values: .object([out] + members))
    return try PluginSet(pipeline: built, of: plugin, listener: events.listener)
  }

  private func totals(_ ids: [Int64], _ totals: [Double]) -> RecordBatch {
    RecordBatch(schema: Self.totals, columns: [.int64(ids), .float64(totals)], length: ids.count)
  }

  @Test("its plan is read", arguments: PluginSource.museumVersions)
  func plan(version: String) throws {
    let plan = try set(version).pipeline.plan
    #expect(plan.name == "museum")
    #expect(plan.nodes.map(\.id) == [0, 1, 2, 3, 4])
    #expect(plan.nodes.map(\.uid) == ["orders", nil, "split", "cheap", "dear"])
    guard case .batchFunction(let split) = plan.nodes[2].operator else {
      Issue.record("node 2 is \(plan.nodes[2].operator)")
      return
    }
    #expect(split.outputs == [Self.totals.fields, Self.totals.fields])
  }

  @Test("its source gives rows, at most as many as asked for, and ends", arguments: PluginSource.museumVersions)
  func source(version: String) throws {
    let source = try set(version, [.init("rows", .int(250))]).makeSource(
      "orders", schema: Self.orders, at: .at("orders"))
    #expect(source.blocks)
    try source.open()
    var ids: [Int64] = []
    var prices: [Double] = []
    var sizes: [Int] = []
    while case .batch(let batch) = try source.read(maxRows: 100, timeout: .milliseconds(1)) {
      ids += batch.int64(0)
      prices += batch.float64(1)
      sizes.append(batch.length)
    }
    try source.close()
    #expect(ids == Array(0..<250))
    #expect(prices == (0..<250).map { Double($0 % 100) })
    #expect(sizes == [100, 100, 50])
  }

  @Test("its source is stopped, also before it is open", arguments: PluginSource.museumVersions)
  func stop(version: String) throws {
    let source = try set(version).makeSource("orders", schema: Self.orders, at: .at("orders"))
    try source.open()
    source.stop()
    source.stop()
    guard case .end = try source.read(maxRows: 1, timeout: .zero) else {
      Issue.record("the source goes on after stop")
      return
    }
    try source.close()
    source.stop()
    let early = try set(version).makeSource("orders", schema: Self.orders, at: .at("orders"))
    early.stop()
    try early.open()
    guard case .end = try early.read(maxRows: 1, timeout: .zero) else {
      Issue.record("the source goes on after a stop that came before open")
      return
    }
    try early.close()
  }

  @Test(
    "its scalar function sees columns and slices of them, and the parameters", arguments: PluginSource.museumVersions)
  func scalarFunction(version: String) throws {
    let call = Expression.UserFunction(
      function: "with_tax", arguments: [.column("price")], parameterTypes: [.float64], resultType: .float64,
      acceptsNulls: false)
    let function = try set(version, [.init("rate", .double(0.5))]).scalarFunctions(at: .at("select"))
      .makeScalarFunction(call)
    try function.open()
    let column = Column.float64([1, 2, 4, 8, 16])
    let whole = try function.call([column], rowCount: 5)
    #expect((0..<5).map { whole.values(Double.self)[$0] } == [1.5, 3, 6, 12, 24])
    let part = try function.call([column.slice(1..<4)], rowCount: 3)
    #expect((0..<3).map { part.values(Double.self)[$0] } == [3, 6, 12])
    let none = try function.call([column.slice(2..<2)], rowCount: 0)
    #expect(none.length == 0)
    try function.close()
  }

  @Test("its scalar function refuses to open with a rate below 0", arguments: PluginSource.museumVersions)
  func refusesToOpen(version: String) throws {
    let call = Expression.UserFunction(
      function: "with_tax", arguments: [.column("price")], parameterTypes: [.float64], resultType: .float64,
      acceptsNulls: false)
    let function = try set(version, [.init("rate", .double(-1))]).scalarFunctions(at: .at("select")).makeScalarFunction(
      call)
    let failure = #expect(throws: Failure.self) { try function.open() }
    #expect(failure?.message == "plugin 'museum-\(version)': function 'with_tax' failed in 'open': the rate is below 0")
    try function.close()
  }

  @Test("its batch function emits on both outputs, counts and logs", arguments: PluginSource.museumVersions)
  func batchFunction(version: String) throws {
    let set = try set(version)
    let function = try set.makeBatchFunction(
      "split", input: Self.totals, outputs: [Self.totals, Self.totals], at: .at("split", subtask: 1, of: 2))
    let kept = Kept(outputs: 2)
    try function.open()
    try function.process(totals([1, 2, 3], [10, 90, 49.5]), input: 0, to: kept)
    try function.process(totals([], []), input: 0, to: kept)
    try function.process(totals([4], [50]), input: 0, to: kept)
    try function.finish(to: kept)
    try function.close()
    // An empty batch is not handed on.
    #expect(kept.batches[0].map { $0.int64(0) } == [[1, 3]])
    #expect(kept.batches[0].map { $0.float64(1) } == [[10, 49.5]])
    #expect(kept.batches[1].map { $0.int64(0) } == [[2], [4]])
    #expect(
      events.all == [
        PluginEvent(
          level: .info, plugin: "museum-\(version)", function: "split", uid: "split", subtask: 1, text: "split 4 orders"
        )
      ])
    #expect(set.registry.report().map(\.counters) == [["orders": 4]])
  }

  @Test(
    "a batch with a selection reaches the batch function without the other rows", arguments: PluginSource.museumVersions
  )
  func selection(version: String) throws {
    let function = try set(version).makeBatchFunction(
      "split", input: Self.totals, outputs: [Self.totals, Self.totals], at: .at("split"))
    let kept = Kept(outputs: 2)
    let indices = Buffer(byteCount: 8)
    indices.unsafeMutableValues(UInt32.self)[0] = 1
    indices.unsafeMutableValues(UInt32.self)[1] = 3
    var batch = totals([1, 2, 3, 4], [1, 2, 3, 4])
    batch.selection = Selection(indices: indices, count: 2)
    try function.open()
    try function.process(batch, input: 0, to: kept)
    try function.finish(to: kept)
    try function.close()
    #expect(kept.batches[0].map { $0.int64(0) } == [[2, 4]])
  }

  @Test(
    "a failure downstream of emit ends the call, whatever the plugin makes of the status",
    arguments: PluginSource.museumVersions)
  func downstream(version: String) throws {
    let function = try set(version).makeBatchFunction(
      "split", input: Self.totals, outputs: [Self.totals, Self.totals], at: .at("split"))
    let kept = Kept(outputs: 2)
    kept.failure = Failure(.io, "the disk is full")
    try function.open()
    let failure = #expect(throws: Failure.self) { try function.process(totals([1], [1]), input: 0, to: kept) }
    #expect(failure == kept.failure)
    try function.close()
  }

  @Test("its sink makes the file appear when the job ends well, and not before", arguments: PluginSource.museumVersions)
  func sink(version: String) throws {
    let sink = try set(version).makeSink("file", schema: Self.totals, at: .at("cheap"))
    #expect(sink.blocks)
    try sink.open()
    try sink.write(totals([1, 2], [1.5, 2.25]))
    try sink.flush()
    #expect(folder.read("cheap.txt") == nil)
    try sink.flush()
    try sink.close(complete: true)
    #expect(folder.read("cheap.txt") == Array("1 1.50\n2 2.25\n".utf8))
  }

  @Test("after a failure its sink leaves nothing that looks whole", arguments: PluginSource.museumVersions)
  func sinkAfterFailure(version: String) throws {
    let sink = try set(version).makeSink("file", schema: Self.totals, at: .at("cheap"))
    try sink.open()
    try sink.write(totals([1], [1.5]))
    try sink.close(complete: false)
    #expect(folder.read("cheap.txt") == nil)
  }

  @Test("its connectors are made by name, with checked options", arguments: PluginSource.museumVersions)
  func connectors(version: String) throws {
    let set = try set(version)
    #expect(set.connectorNames == ["counter", "ticks"])
    let schema = Schema([Field("value", .int64, nullable: false)])
    let source = try set.makeSource(
      Plan.Connector(name: "ticks", options: .object([.init("count", .int(2))])), schema: schema, at: .at("clock"))
    try source.open()
    var ticks: [Int64] = []
    while case .batch(let batch) = try source.read(maxRows: 10, timeout: .zero) { ticks += batch.int64(0) }
    try source.close()
    #expect(ticks == [0, 1])
    let sink = try set.makeSink(Plan.Connector(name: "counter"), schema: schema, at: .at("dear"))
    try sink.open()
    try sink.write(.int64([1, 2, 3]))
    try sink.flush()
    try sink.close(complete: true)
    #expect(events.all.map(\.text) == ["counted 3 rows at dear"])
    #expect(set.registry.report().map(\.counters) == [["counted": 3]])
  }

  @Test("what a plan asks of a connector is judged before it is made", arguments: PluginSource.museumVersions)
  func connectorRefusals(version: String) throws {
    let set = try set(version)
    let schema = Schema([Field("value", .int64)])
    func refusal(_ make: () throws -> Void) -> String? { #expect(throws: Failure.self) { try make() }?.message }
    #expect(
      refusal { _ = try set.makeSource(Plan.Connector(name: "tick"), schema: schema, at: .at("clock")) }
        == "'clock' uses the connector 'tick', which no plugin brings (they bring: 'counter', 'ticks'); load it with --connector; "
        + "did you mean 'ticks'?")
    #expect(
      refusal { _ = try set.makeSink(Plan.Connector(name: "ticks"), schema: schema, at: .at("out")) }
        == "'out' uses the connector 'ticks' of plugin 'museum-\(version)' as a sink, but it is only a source")
    #expect(
      refusal {
        _ = try set.makeSource(
          Plan.Connector(name: "ticks", options: .object([.init("cuont", .int(1))])), schema: schema, at: .at("clock"))
      } == "connector 'ticks' at 'clock' has no option 'cuont', its options are 'count'; did you mean 'count'?")
    #expect(
      refusal {
        _ = try set.makeSource(
          Plan.Connector(name: "ticks", options: .object([.init("count", .string("two"))])), schema: schema,
          at: .at("clock"))
      } == "option 'count' of connector 'ticks' at 'clock' is \"two\", expected an integer")
  }

  @Test("an unknown function is refused by the plugin, at its place", arguments: PluginSource.museumVersions)
  func unknownFunction(version: String) throws {
    let failure = #expect(throws: Failure.self) {
      _ = try set(version).makeSink("nothing", schema: Self.totals, at: .at("cheap"))
    }
    #expect(
      failure?.message == "plugin 'museum-\(version)': sink 'nothing' failed in 'create': there is no such function")
  }

  @Test("parameters are checked by name and type before the plugin sees them", arguments: PluginSource.museumVersions)
  func parameters(version: String) throws {
    let pipeline = try Plugin.load(path: PluginSource.museum(version).compiled()).pipeline(named: nil)
    func refusal(_ members: [JSONValue.Member]) -> String? {
      #expect(throws: Failure.self) { _ = try pipeline.plan(values: .object(members)) }?.message
    }
    #expect(
      refusal([]) == "parameter 'out' of pipeline 'museum' has no default and no value; give it with --set out=…")
    #expect(
      refusal([.init("ruws", .int(1))])
        == "pipeline 'museum' has no parameter 'ruws', its parameters are 'rows', 'rate', 'out'; did you mean 'rows'?")
    #expect(
      refusal([.init("rows", .string("many"))])
        == "parameter 'rows' of pipeline 'museum' is \"many\", expected an integer")
    #expect(try pipeline.parameters[0].value(fromText: "12") == .int(12))
    #expect(try pipeline.parameters[1].value(fromText: "1e3") == .double(1000))
    let failure = #expect(throws: Failure.self) { _ = try pipeline.parameters[0].value(fromText: "1.5") }
    #expect(failure?.message == "parameter 'rows' is '1.5', expected an integer")
  }
}
