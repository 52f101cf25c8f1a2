import Base
import DurabilityTestSupport
import Glibc
import TestSupport
import VolleyPlan

@testable import Checkpointing

/// Lives of an owner of a checkpoint directory on a storage that forgets, and what has to be true whenever the next
/// one starts.
///
/// The job of a life has two databases; in each epoch one of them has a new file, and both have a small one that is
/// written anew.
final class Lives: @unchecked Sendable {  // Used by one thread.
  let storage: ForgetfulStorage
  let directory: CheckpointDirectory
  /// By epoch: the bytes of every file that it consists of, by stage and name.
  private var attempted: [UInt64: [String: [UInt8]]] = [:]
  /// Epochs that were said to be complete, and may not be missing.
  private var acknowledged: [UInt64] = []
  private var generations: [UInt64] = []
  private var time: Int64 = 0
  private var count = 0
  private let keep = 2
  /// Of what failed for a reason that is no crash.
  private(set) var lastFailure = ""

  /// What was found to be wrong.
  struct Broken: Error, CustomStringConvertible { var description: String }

  init(seed: UInt64) {
    storage = ForgetfulStorage(seed: seed)
    for path in ["/data", "/state"] { try! storage.makeFolder(path) }
    try! storage.syncFolder("/")
    directory = CheckpointDirectory("/data/checkpoints", storage: storage)
    try! storage.write(Array("plugin".utf8), to: "/state/plugin.so", onlyNew: true)
    try! storage.syncFile("/state/plugin.so")
    try! storage.syncFolder("/state")
    storage.restart(.everything)
  }

  final class Lock: Sendable {}

  /// One life: takes over, checks, takes epochs. Returns when the power fails or the life is over.
  ///
  /// - Returns: how many epochs failed for a reason that is no crash.
  @discardableResult
  func live(epochs: Int) throws -> Int {
    var failed = 0
    do throws(Failure) {
      try directory.prepare()
      let boot = "boot \(count)"
      count += 1
      let lease = try DirectoryLease(
        directory, owner: LeaseRecord(host: "test", pid: count, boot: boot), lock: Lock(), clock: { self.clock() },
        pause: { self.time += 1_000_000_000 })
      if generations.contains(lease.generation.number) {
        throw Failure(.software, "generation \(lease.generation.number) was given twice")
      }
      generations.append(lease.generation.number)
      var taken = try directory.takeOver(.latest, job: "job", lease: lease)
      try check(taken)
      for _ in 0..<epochs {
        let epoch = taken.lastEpoch.next
        taken.lastEpoch = epoch
        do throws(Failure) { try take(epoch, &taken, lease) } catch {
          if storage.isCrashed || error.kind == .software { throw error }
          failed += 1
          lastFailure = error.message
        }
      }
    } catch {
      if storage.isCrashed { return failed }
      if error.kind == .software || error.kind == .data { throw Broken(description: error.message) }
      failed += 1
      lastFailure = error.message
    }
    return failed
  }

  private func clock() -> MonotonicTime { MonotonicTime(nanoseconds: time) }

  private func take(_ epoch: Epoch, _ taken: inout TakenOver, _ lease: DirectoryLease) throws(Failure) {
    let member = EpochCoordinator.Member("window", 0)
    var coordinator = EpochCoordinator(
      members: [member], sinks: [], first: epoch, options: .init(interval: 1, timeout: 1),
      now: MonotonicTime(nanoseconds: 0))
    _ = coordinator.handle(.savepointWanted, now: MonotonicTime(nanoseconds: 0))
    _ = coordinator.handle(.acknowledged(epoch, member), now: MonotonicTime(nanoseconds: 0))
    guard let permit = coordinator.permit(epoch) else { preconditionFailure("the epoch is complete") }
    try directory.reserve(epoch)
    var files = manifestFiles(taken.manifest)
    var contents = taken.manifest.flatMap { attempted[$0.epoch.number] } ?? [:]
    do throws(StorageProblem) {
      // The database writes what it has, and syncs nothing.
      let table = "t\(epoch.number)"
      let bytes = Array("rows of \(epoch.number) in \(table)".utf8)
      let (path, log) = ("/state/\(table)-\(lease.generation.number)", "/state/current")
      try storage.write(bytes, to: path, onlyNew: false)
      let current = Array("newest is \(epoch.number)".utf8)
      try storage.write(current, to: log, onlyNew: false)
      contents[table] = bytes
      contents["CURRENT"] = current
      while contents.count > 4, let first = contents.keys.filter({ $0 != "CURRENT" }).min(by: shorterFirst) {
        contents[first] = nil
        files[first] = nil
      }
      attempted[epoch.number] = contents
      let mayLink = epoch.number % 3 != 0
      func add(_ path: String, _ name: String, _ mayLink: Bool) throws(Failure) {
        files[name] = try taken.files.add(path, name: name, mayLink: mayLink)
      }
      try failing { () throws(Failure) in
        try add(path, table, mayLink)
        try add(log, "CURRENT", false)
      }
    } catch { throw error.failure("state") }
    let digest = try taken.files.keepPlugin("/state/plugin.so")
    let manifest = self.manifest(epoch, lease.generation, digest, Array(files.values))
    guard try directory.publish(manifest, permit, files: &taken.files, lease: lease) == .done else {
      throw Failure(.software, "epoch \(epoch.number) was lost to nobody")
    }
    acknowledged.append(epoch.number)
    taken.manifest = manifest
    let names = try taken.files.names()
    let plan = Retention.plan(
      try directory.epochs(), keep: keep, files: names.files, plugins: names.plugins, usedPlugins: [digest])
    try taken.files.remove(plan)
  }

  private func failing(_ body: () throws(Failure) -> Void) throws(StorageProblem) {
    do throws(Failure) { try body() } catch { throw StorageProblem(.write, error.message, code: EIO) }
  }

  private func shorterFirst(_ left: String, _ right: String) -> Bool {
    (left.utf8.count, left) < (right.utf8.count, right)
  }

  private func manifestFiles(_ manifest: Manifest?) -> [String: Manifest.File] {
    var files: [String: Manifest.File] = [:]
    for file in manifest?.stages.first?.subtasks.first?.files ?? [] { files[file.name] = file }
    return files
  }

  private func manifest(
    _ epoch: Epoch, _ generation: Generation, _ digest: String, _ files: [Manifest.File]
  ) -> Manifest {
    Manifest(
      job: "job", epoch: epoch, kind: .checkpoint, created: ProcessingTime(microseconds: 0), generation: generation,
      plugin: .init(name: "test", sha256: digest), launch: .init(pipeline: "test"),
      plan: .null, maxKeyGroups: 256,
      stages: [
        .init(
          id: "window", role: .operator, parallelism: 1,
          subtasks: [.init(keyGroups: .init(0..<256), files: files.sorted { $0.name < $1.name })])
      ])
  }

  /// An epoch that was acknowledged is there and whole, none is damaged, and all say what they said.
  private func check(_ taken: TakenOver) throws(Failure) {
    func fail(_ message: String) -> Failure { Failure(.software, message) }
    if let damaged = taken.damaged.first { throw fail("after a crash: \(damaged.message)") }
    let newest = acknowledged.last ?? 0
    let restored = taken.manifest?.epoch.number ?? 0
    guard restored >= newest else { throw fail("epoch \(newest) was complete, and \(restored) is the newest") }
    for entry in try directory.epochs() {
      if case .damaged(let failure) = entry.content { throw fail("after a crash: \(failure.message)") }
      guard let manifest = entry.manifest else { continue }
      if let damaged = directory.damage(of: manifest).first { throw fail("after a crash: \(damaged.message)") }
      guard let expected = attempted[manifest.epoch.number] else { throw fail("an epoch that was never taken") }
      let files = manifestFiles(manifest)
      guard Set(files.keys) == Set(expected.keys) else { throw fail("epoch \(restored) has other files") }
      for (name, file) in files {
        guard (try? storage.file(directory.path(of: file.content)))?.content == expected[name] else {
          throw fail("\(name) of epoch \(manifest.epoch.number) has another content")
        }
      }
      guard (try? storage.sha256(directory.path(ofPlugin: manifest.plugin.sha256))) == manifest.plugin.sha256 else {
        throw fail("the plugin of epoch \(manifest.epoch.number) is damaged or gone")
      }
    }
    let kept = try directory.epochs().filter { $0.manifest != nil }.count
    // One whose publication failed half-way may count for retention, and be lost in the crash.
    guard kept >= (lastFailure.isEmpty ? min(keep, acknowledged.count) : min(1, acknowledged.count)) else {
      throw fail("\(kept) epochs are left of \(acknowledged)")
    }
  }
}
