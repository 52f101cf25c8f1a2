import Base
import Checkpointing
import Dataflow
import Testing

@testable import Host

@Suite("What sinks have shown in damaged epochs") struct LostTransactionsTests {
  /// An epoch in which each sink has transactions of two subtasks.
  private static func manifest(_ number: UInt64, _ sinks: [String: [[String]]]) -> Manifest {
    Manifest(
      job: "job", epoch: Epoch(number), kind: .checkpoint, created: ProcessingTime(microseconds: 0),
      generation: Generation(1), plugin: .init(name: "plugin", sha256: ""), launch: .init(pipeline: "job"), plan: .null,
      maxKeyGroups: 256,
      stages: sinks.map { id, transactions in
        .init(
          id: id, role: .sink, parallelism: transactions.count, subtasks: transactions.map { .init(transactions: $0) })
      })
  }

  private func lost(
    _ id: String, _ whole: Manifest?, _ broken: [Manifest], names: [String: String] = ["out": "out"], subtask: Int = 0
  ) -> [String] {
    let origin = EpochOrigin(
      directory: CheckpointDirectory("/nowhere"), manifest: whole, names: names, broken: broken)
    return origin.lostTransactions(of: StagePlace(id: id, subtask: subtask, parallelism: 3)).map(\.content)
  }

  @Test("every subtask hears of those of all, in every damaged epoch, but for those of the epoch that is gone on from")
  func all() {
    let whole = Self.manifest(1, ["out": [["a"], ["b"]]])
    let broken = [Self.manifest(2, ["out": [["a", "c"], ["d"]]]), Self.manifest(3, ["out": [["e"], ["b"]]])]
    for subtask in 0..<3 { #expect(lost("out", whole, broken, subtask: subtask) == ["c", "d", "e"]) }
    #expect(lost("other", whole, broken) == [])
    #expect(lost("out", whole, []) == [])
    #expect(lost("out", nil, broken) == [])
  }

  @Test("of a source it is told what was read in damaged epochs only")
  func positions() {
    func manifest(_ number: UInt64, _ splits: [String: String]) -> Manifest {
      var manifest = Self.manifest(number, [:])
      manifest.stages = [
        .init(
          id: "in", role: .source, parallelism: 1,
          subtasks: [.init(positions: splits.map { .init(split: $0.key, position: $0.value) })])
      ]
      return manifest
    }
    func lost(_ broken: [Manifest], _ whole: Manifest?) -> [String] {
      let origin = EpochOrigin(
        directory: CheckpointDirectory("/nowhere"), manifest: whole, names: ["in": "in"], broken: broken)
      return origin.lostPositions(of: StagePlace(id: "in", subtask: 0, parallelism: 1)).map(\.split)
    }
    let whole = manifest(1, ["a": "done", "b": "5"])
    let broken = [manifest(2, ["a": "done", "b": "9"]), manifest(3, ["a": "done", "b": "done", "c": "1"])]
    #expect(lost(broken, whole) == ["b", "b", "c"])
    #expect(lost([], whole) == [] && lost(broken, nil) == [])
  }

  @Test("a sink is found under the name that it had in the epoch, and under the one that it has now")
  func renamed() {
    let whole = Self.manifest(1, ["former": [["a"]]])
    let broken = [Self.manifest(2, ["former": [["b"]]]), Self.manifest(3, ["out": [["c"]]])]
    #expect(lost("out", whole, broken, names: ["out": "former"]) == ["b", "c"])
    // One that came after the epoch that is whole.
    #expect(lost("out", Self.manifest(1, [:]), broken, names: [:]) == ["c"])
    #expect(lost("csv 1", whole, [Self.manifest(2, ["csv 1": [["d"]]])], names: [:]) == ["d"])
  }
}
