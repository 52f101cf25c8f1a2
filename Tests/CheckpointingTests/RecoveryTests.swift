import Base
import Testing
import VolleyPlan

@testable import Checkpointing

@Suite("Recovery and retention")
struct RecoveryTests {
  private static func manifest(
    _ number: UInt64, _ kind: Manifest.Kind = .checkpoint, job: String = "job", files: [String] = [],
    plugin: String = "p"
  ) -> Manifest {
    Manifest(
      job: job, epoch: Epoch(number), kind: kind, created: ProcessingTime(microseconds: 0), generation: Generation(1),
      plugin: .init(name: "plugin", sha256: plugin), launch: .init(pipeline: "job"), plan: .null, maxKeyGroups: 256,
      stages: [
        .init(
          id: "window", role: .operator, parallelism: 1,
          subtasks: [.init(files: files.map { .init(name: $0, content: content($0), size: 1) })])
      ])
  }

  private static func content(_ name: String) -> ContentName {
    ContentName(String(repeating: "0", count: 32 - name.utf8.count) + name)!
  }

  private static func complete(
    _ number: UInt64, _ kind: Manifest.Kind = .checkpoint, files: [String] = [], plugin: String = "p"
  ) -> EpochEntry {
    EpochEntry(Epoch(number), .complete(manifest(number, kind, files: files, plugin: plugin)))
  }

  private static func sealed(_ number: UInt64, from: UInt64?, broken: [UInt64] = []) -> EpochEntry {
    EpochEntry(
      Epoch(number),
      .sealed(Seal(generation: Generation(1), from: from.map { Epoch($0) }, broken: broken.map { Epoch($0) })))
  }

  private static func damaged(_ number: UInt64) -> EpochEntry {
    EpochEntry(Epoch(number), .damaged(Failure(.data, "epoch \(number) is damaged")))
  }

  private func decide(
    _ point: RestorePoint, _ entries: [EpochEntry], broken: Set<UInt64> = []
  ) throws -> RestoreDecision {
    try Recovery.decide(point, entries, job: "job", place: "directory") { manifest in
      broken.contains(manifest.epoch.number) ? [Failure(.data, "a file of \(manifest.epoch.number) is damaged")] : []
    }
  }

  @Test("a job begins empty where there is nothing, and goes on from the newest epoch that is whole")
  func newest() throws {
    #expect(try decide(.latest, []).manifest == nil)
    #expect(try decide(.latest, []).seal == Epoch(1))
    let entries = [
      Self.complete(1), Self.complete(2), Self.damaged(3), Self.complete(4), EpochEntry(Epoch(5), .unfinished),
    ]
    var decision = try decide(.latest, entries)
    #expect(decision.manifest?.epoch == Epoch(4) && decision.damaged.isEmpty && decision.seal == Epoch(6))
    decision = try decide(.latest, entries, broken: [4])
    #expect(decision.manifest?.epoch == Epoch(2))
    #expect(decision.damaged.map(\.message) == ["a file of 4 is damaged", "epoch 3 is damaged"])
  }

  @Test("where every epoch is damaged nothing begins anew by itself")
  func allDamaged() throws {
    let entries = [Self.complete(1), Self.damaged(2)]
    #expect(throws: Failure.self) { try decide(.latest, entries, broken: [1]) }
    #expect(try decide(.none, entries, broken: [1]).manifest == nil)
  }

  @Test("an epoch, the newest savepoint or nothing can be asked for; what is damaged is refused")
  func asked() throws {
    let entries = [Self.complete(1, .savepoint), Self.complete(2), Self.complete(3, .savepoint), Self.complete(4)]
    #expect(try decide(.epoch(Epoch(2)), entries).manifest?.epoch == Epoch(2))
    #expect(try decide(.savepoint, entries).manifest?.epoch == Epoch(3))
    #expect(try decide(.none, entries).manifest == nil)
    #expect(throws: Failure.self) { try decide(.epoch(Epoch(9)), entries) }
    #expect(throws: Failure.self) { try decide(.savepoint, entries, broken: [3]) }
    #expect(RestorePoint("epoch-12") == .epoch(Epoch(12)) && RestorePoint("epoch-x") == nil)
  }

  @Test("what a job was told to leave behind stays behind, also when it dies before its next epoch")
  func abandoned() throws {
    var entries = [Self.complete(1), Self.complete(2), Self.complete(3), Self.sealed(4, from: 1)]
    #expect(try decide(.latest, entries).manifest?.epoch == Epoch(1))
    #expect(try decide(.epoch(Epoch(3)), entries).manifest?.epoch == Epoch(3), "it can still be asked for")
    entries.append(Self.complete(5))
    #expect(try decide(.latest, entries).manifest?.epoch == Epoch(5))
    #expect(try decide(.latest, entries, broken: [5]).manifest?.epoch == Epoch(1))
    entries.append(Self.sealed(6, from: nil))
    #expect(try decide(.latest, entries).manifest == nil)
  }

  @Test("what was taken back is not gone on with, also when its files are there again")
  func takenBack() throws {
    let entries = [
      Self.complete(1, .savepoint), Self.complete(2), Self.complete(3, .savepoint),
      Self.sealed(4, from: 2, broken: [3]),
      Self.complete(5),
    ]
    for point in [RestorePoint.epoch(Epoch(3)), .savepoint] {
      #expect { try decide(point, entries) } throws: { error in
        (error as? Failure)?.message.contains(
          "epoch 3 cannot be restored: it was damaged when the job went on from epoch 2")
          ?? false
      }
    }
    for number in [1, 2, 5] as [UInt64] {
      #expect(try decide(.epoch(Epoch(number)), entries).manifest?.epoch == Epoch(number))
    }
    #expect(try decide(.latest, entries).manifest?.epoch == Epoch(5))
  }

  @Test("the directory of another pipeline is refused")
  func otherJob() {
    let entries = [EpochEntry(Epoch(1), .complete(Self.manifest(1, job: "other")))]
    #expect { try decide(.latest, entries) } throws: { error in
      (error as? Failure)?.message.contains("'other', expected those of 'job'") ?? false
    }
  }

  @Test("the last epochs and every savepoint are kept, and nothing that they do not need")
  func retention() {
    let entries = [
      Self.complete(1, .savepoint, files: ["a"], plugin: "old"), Self.complete(2, files: ["a", "b"]),
      EpochEntry(Epoch(3), .unfinished), Self.sealed(4, from: 2), Self.complete(5, files: ["b", "c"]),
      Self.complete(6, files: ["c", "d"]),
    ]
    let files = ["a", "b", "c", "d", "e", "f"].map { Self.content($0).text } + ["tmp-1-1"]
    let plan = Retention.plan(
      entries, keep: 1, files: files, plugins: ["p.so", "old.so", "other.so", "running.so", "tmp-1"],
      usedFiles: [Self.content("f")], usedPlugins: ["running"])
    #expect(plan.epochs == [2, 3, 4, 5].map { Epoch($0) })
    #expect(plan.files == [Self.content("b").text, Self.content("e").text, "tmp-1-1"])
    #expect(plan.plugins == ["other.so", "tmp-1"])
    #expect(Retention.plan(entries, keep: 2, files: [], plugins: []).epochs == [2, 3, 4].map { Epoch($0) })
    #expect(Retention.plan(entries, keep: 3, files: [], plugins: []).epochs == [])
  }

  @Test("while an epoch is damaged that may be mended, no file is removed")
  func retentionBesideDamage() {
    let entries = [Self.damaged(1), Self.complete(2), Self.damaged(3), Self.complete(4)]
    let plan = Retention.plan(entries, keep: 2, files: ["x"], plugins: ["y.so"])
    #expect(plan == RetentionPlan(epochs: [Epoch(1)], files: [], plugins: []))
    #expect(Retention.plan(entries, keep: 1, files: ["x"], plugins: []).files == ["x"])
  }

  @Test("abandoned epochs are not counted among those that are kept")
  func retentionOfAbandoned() {
    let entries = [Self.complete(1), Self.complete(2), Self.complete(3), Self.sealed(4, from: 1), Self.complete(5)]
    #expect(Retention.plan(entries, keep: 2, files: [], plugins: []).epochs == [])
    #expect(Retention.plan(entries, keep: 1, files: [], plugins: []).epochs == [1, 2, 3, 4].map { Epoch($0) })
  }
}
