import Arrow
import Base
import Dataflow
import PluginLoading
import TestSupport
import Testing
import VolleyPlan

/// The calls of a plugin's sources and sinks that belong to epochs.
struct EpochCallTests {
  private static let schema = Schema([Field("value", .int64, nullable: false)])

  private func set(_ fault: String) throws -> PluginSet {
    let plugin = try Plugin.load(path: try PluginSource.broken(fault).compiled())
    return try PluginSet(pipeline: try plugin.pipeline(named: nil).plan(), of: plugin) { _ in }
  }

  private func source(_ set: PluginSet) throws -> any ReplayableSource {
    try #require(try set.makeSource("numbers", schema: Self.schema, at: .at("numbers")) as? any ReplayableSource)
  }

  private func sink(_ set: PluginSet) throws -> any TransactionalSink {
    try #require(try set.makeSink("drop", schema: Self.schema, at: .at("drop")) as? any TransactionalSink)
  }

  /// Every call once, in order.
  private func run(_ fault: String) -> Failure? {
    do {
      let set = try set(fault)
      let source = try source(set)
      try source.resume(at: [SplitPosition(split: "all", position: "0")])
      try source.open()
      _ = try source.positions()
      let sink = try sink(set)
      try sink.useEpochs()
      try sink.recover(own: [SinkTransaction("1")], all: [])
      try sink.open()
      try sink.commit(sink.prepare(Epoch(1)))
      try sink.close(complete: true)
      try source.close()
      return nil
    } catch {
      return error as? Failure
    }
  }

  @Test("a source goes on where it was, and what a sink prepares comes back to it as it was")
  func sound() throws {
    let set = try set("none")
    let first = try source(set)
    try first.open()
    #expect(try first.positions() == [SplitPosition(split: "all", position: "0")])
    guard case .batch(let batch) = try first.read(maxRows: 10, timeout: .zero) else {
      Issue.record("no batch")
      return
    }
    #expect(batch.int64(0) == [0, 1, 2, 3])
    let positions = try first.positions()
    #expect(positions == [SplitPosition(split: "all", position: "4")])
    try first.close()
    let second = try source(set)
    try second.resume(at: positions)
    try second.open()
    guard case .batch = try second.read(maxRows: 10, timeout: .zero),
      case .end = try second.read(maxRows: 10, timeout: .zero)
    else {
      Issue.record("one batch was left")
      return
    }
    try second.close()
    let sink = try sink(set)
    try sink.useEpochs()
    try sink.recover(own: [], all: [])
    try sink.open()
    let transactions = try sink.prepare(Epoch(1))
    #expect(transactions == [SinkTransaction("\"one\""), SinkTransaction("{\"two\":2}")])
    try sink.commit(transactions)
    #expect(try sink.prepare(Epoch(2)) == [])
    try sink.close(complete: true)
    #expect(run("none") == nil)
  }

  @Test("a plugin whose tables end before these slots has no part in epochs")
  func former() throws {
    let set = try set("former")
    #expect(!(try set.makeSource("numbers", schema: Self.schema, at: .at("numbers")) is any ReplayableSource))
    #expect(!(try set.makeSink("drop", schema: Self.schema, at: .at("drop")) is any TransactionalSink))
    try Rig(PluginSource.broken("former").compiled()).run()
  }

  @Test(
    "what breaks a rule is told in a sentence",
    arguments: [
      (
        "null resume",
        "source 'numbers': table volley_source has NULL in the slot 'resume', which must be there; fill it in"
      ),
      ("null commit", "sink 'drop': table volley_sink has NULL in the slot 'commit', which must be there; fill it in"),
      ("positions nothing", "source 'numbers' gave no text from 'positions'; give at least an empty array, []"),
      (
        "positions object",
        "source 'numbers' gave from 'positions' JSON that is no array; give an array, may it be empty"
      ),
      (
        "positions number",
        "source 'numbers' gave 7 among what 'positions' gives, expected an object of 'split', a text, and 'position'; correct the plugin"
      ),
      ("positions twice", "source 'numbers' gave the split 'all' twice from 'positions'; give each split once"),
      (
        "positions huge",
        "source 'numbers' gave 9223372036854775807 bytes from 'positions', at most 67108864 are kept; give less of it"
      ),
      ("prepare nothing", "sink 'drop' gave no text from 'prepare'; give at least an empty array, []"),
      ("prepare object", "sink 'drop' gave from 'prepare' JSON that is no array; give an array, may it be empty"),
      ("fail resume", "source 'numbers' failed in 'resume': the moon is full (code 42)"),
      ("fail positions", "source 'numbers' failed in 'positions': the moon is full (code 42)"),
      ("fail recover", "sink 'drop' failed in 'recover': the moon is full (code 42)"),
      ("fail prepare", "sink 'drop' failed in 'prepare': the moon is full (code 42)"),
      ("fail commit", "sink 'drop' failed in 'commit': the moon is full (code 42)"),
      (
        "status commit", "sink 'drop' returned the unknown status 7 from 'commit', expected 0 or 1; correct the plugin"
      ),
    ])
  func faults(fault: String, message: String) {
    #expect(run(fault)?.message == "plugin 'broken': \(message)")
  }

  @Test("text that is no JSON is told with its place")
  func noJSON() {
    #expect(
      run("positions no json")?.message.hasPrefix(
        "plugin 'broken': source 'numbers' gave from 'positions' what is no JSON: ") == true)
  }
}
