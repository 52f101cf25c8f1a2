import Arrow
import Base
import Dataflow
import PluginLoading
import TestSupport
import Testing
import VolleyPlan

/// The source that goes on and the sink with transactions of Tests/Museum/abi-0.5, in plain C against that version's header, and
/// against those of the versions that have them too.
struct EpochMuseumTests {
  private let folder = TemporaryFolder()
  private static let schema = Schema([Field("value", .int64, nullable: false)])

  private func set(_ version: String) throws -> PluginSet {
    let plugin = try Plugin.load(path: PluginSource.museum(version).compiled())
    let built = try plugin.pipeline(named: nil).plan(values: .object([.init("out", .string(folder.file("kept")))]))
    return try PluginSet(pipeline: built, of: plugin) { _ in }
  }

  @Test("a source goes on from its positions", arguments: ["0.5", "1.0"])
  func source(version: String) throws {
    func make() throws -> any ReplayableSource {
      try #require(
        try set(version).makeSource("numbers", schema: Self.schema, at: .at("numbers")) as? any ReplayableSource)
    }
    let first = try make()
    try first.open()
    guard case .batch(let batch) = try first.read(maxRows: 3, timeout: .zero) else {
      Issue.record("no batch")
      return
    }
    #expect(batch.int64(0) == [0, 1, 2])
    let positions = try first.positions()
    #expect(positions == [SplitPosition(split: "all", position: "3")])
    try first.close()
    let second = try make()
    try second.resume(at: positions)
    try second.open()
    var rows: [Int64] = []
    while case .batch(let batch) = try second.read(maxRows: 100, timeout: .zero) { rows += batch.int64(0) }
    #expect(rows == Array(3..<12))
    try second.close()
  }

  @Test("what a sink has prepared shows when it is committed, also by another instance", arguments: ["0.5", "1.0"])
  func sink(version: String) throws {
    func make() throws -> any TransactionalSink {
      let sink = try set(version).makeSink("kept", schema: Self.schema, at: .at("kept"))
      let kept = try #require(sink as? any TransactionalSink)
      try kept.useEpochs()
      return kept
    }
    func shown(_ epoch: Int) -> String? {
      TestProcess.contents(of: folder.file("kept.\(epoch)")).map { String(decoding: $0, as: UTF8.self) }
    }
    let first = try make()
    try first.recover(own: [], all: [])
    try first.open()
    try first.write(RecordBatch(schema: Self.schema, columns: [.int64([1, 2, 3])], length: 3))
    let one = try first.prepare(Epoch(1))
    #expect(one == [SinkTransaction("1")])
    try first.write(RecordBatch(schema: Self.schema, columns: [.int64([10])], length: 1))
    #expect(shown(1) == nil)
    try first.commit(one)
    #expect(shown(1) == "6")
    let two = try first.prepare(Epoch(2))
    try first.close(complete: false)
    #expect(shown(2) == nil)
    let second = try make()
    try second.recover(own: one + two, all: one + two)
    #expect(shown(1) == "6" && shown(2) == "10")
    try second.open()
    try second.close(complete: true)
  }
}
