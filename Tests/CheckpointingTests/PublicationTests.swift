import Base
import DurabilityTestSupport
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Checkpointing

@Suite("Publication and bad input")
struct PublicationTests {
  static func manifest(
    _ epoch: Epoch, _ generation: Generation, _ kind: Manifest.Kind = .checkpoint, files: [Manifest.File] = []
  ) -> Manifest {
    Manifest(
      job: "job", epoch: epoch, kind: kind, created: ProcessingTime(microseconds: 1_700_000_000_000_000),
      generation: generation, cost: .init(microseconds: 12, newBytes: 34),
      plugin: .init(
        name: "plugin", version: "1.2", sha256: String(repeating: "a", count: 64), abi: "0.4", sdk: "0.4",
        compiler: "swift 6"),
      connectors: [.init(name: "other", sha256: String(repeating: "b", count: 64))],
      launch: .init(pipeline: "job", parameters: .object([.init("x", .int(1))])),
      plan: .object([.init("name", .string("job")), .init("ratio", .double(1)), .init("odd", .string("\u{1}ü\n\""))]),
      maxKeyGroups: 256,
      stages: [
        .init(
          id: "orders", uid: "orders", role: .source, parallelism: 1,
          subtasks: [.init(positions: [.init(split: "a.csv", position: #"{"offset":12}"#)])]),
        .init(
          id: "window", uid: "window", role: .operator, label: "window", parallelism: 2,
          tables: [
            .init(
              "panes", scope: .key, key: [Field("k", .utf8)], namespace: [Field("start", .int64, nullable: false)],
              value: [Field("sum", .float64), Field("l", .list(Field("item", .int32)))])
          ],
          subtasks: [.init(keyGroups: .init(0..<128), files: files), .init(keyGroups: .init(128..<256))]),
        .init(
          id: "sink out", role: .sink, parallelism: 1, subtasks: [.init(transactions: [#"{"file":"part-1"}"#])]),
      ])
  }

  static func publish(
    _ epoch: Epoch, _ directory: CheckpointDirectory, _ lease: DirectoryLease, _ kind: Manifest.Kind = .checkpoint,
    files: [Manifest.File] = []
  ) throws -> Publication {
    let now = MonotonicTime(nanoseconds: 0)
    var coordinator = EpochCoordinator(
      members: [.init("a", 0)], sinks: [], first: epoch, options: .init(interval: 1, timeout: 1), now: now)
    _ = coordinator.handle(.savepointWanted, now: now)
    _ = coordinator.handle(.acknowledged(epoch, .init("a", 0)), now: now)
    guard let permit = coordinator.permit(epoch) else { preconditionFailure("the epoch is complete") }
    try directory.reserve(epoch)
    var brought = CheckpointFiles(directory, generation: lease.generation)
    return try directory.publish(
      manifest(epoch, lease.generation, kind, files: files), permit, files: &brought, lease: lease)
  }

  private struct Place {
    let folder = TemporaryFolder()
    let directory: CheckpointDirectory
    let lease: DirectoryLease
    var files: CheckpointFiles

    init() throws {
      directory = CheckpointDirectory(folder.file("checkpoints"))
      try directory.prepare()
      lease = try DirectoryLease(directory) {}
      files = CheckpointFiles(directory, generation: lease.generation)
    }

    mutating func add(_ name: String, _ content: String, mayLink: Bool) throws -> Manifest.File {
      let file = try files.add(folder.write("source-\(name)", content), name: name, mayLink: mayLink)
      try files.sync()
      return file
    }
  }

  @Test("a manifest is read as it was written, and is one JSON document whose digest others can check")
  func roundTrip() throws {
    let file = Manifest.File(name: "1.sst", content: ContentName(String(repeating: "1", count: 32))!, size: 3)
    let manifest = Self.manifest(Epoch(9), Generation(2), files: [file])
    let bytes = try ManifestDocument.manifest(manifest).encoded()
    #expect(try ManifestDocument(bytes, path: "p") == .manifest(manifest))
    let outcome = TestProcess.python(
      """
      import sys, json, hashlib
      raw = sys.stdin.buffer.read()
      told = json.loads(raw)["sha256"]
      assert hashlib.sha256(raw.replace(told.encode(), b"0" * 64, 1)).hexdigest() == told
      manifest = json.loads(raw)
      print(manifest["format"], manifest["epoch"], manifest["stages"][1]["subtasks"][0]["files"][0]["name"])
      """, input: String(decoding: bytes, as: UTF8.self))
    #expect(outcome.output == "1 9 1.sst\n", "\(outcome.errors)")
    let seal = ManifestDocument.seal(Seal(generation: Generation(3), from: Epoch(8)))
    #expect(try ManifestDocument(try seal.encoded(), path: "p") == seal)
  }

  @Test("every single flipped bit of a manifest is noticed, and every cut")
  func flippedBits() throws {
    let bytes = try ManifestDocument.manifest(Self.manifest(Epoch(9), Generation(2))).encoded()
    for position in bytes.indices {
      var damaged = bytes
      damaged[position] ^= 1 << UInt8(position % 8)
      #expect(throws: Failure.self) { try ManifestDocument(damaged, path: "p") }
    }
    for count in stride(from: 0, to: bytes.count, by: 7) {
      #expect(throws: Failure.self) { try ManifestDocument(Array(bytes[..<count]), path: "p") }
    }
  }

  @Test("a manifest of a newer version is refused by its number")
  func newerFormat() throws {
    var manifest = Self.manifest(Epoch(9), Generation(2))
    manifest.format = 2
    let bytes = try ManifestDocument.manifest(manifest).encoded()
    #expect { try ManifestDocument(bytes, path: "p") } throws: { error in
      (error as? Failure)?.message.contains("has format 2 and this version reads 1 to 1") ?? false
    }
  }

  @Test("a number is given to one document only, and a file's content is kept once")
  func once() throws {
    var place = try Place()
    let first = try place.add("1.sst", "content", mayLink: true)
    let second = try place.add("2.sst", "content", mayLink: false)
    #expect(first.content == second.content && place.files.newBytes == 7)
    #expect(try Self.publish(Epoch(1), place.directory, place.lease, files: [first, second]) == .done)
    #expect(try Self.publish(Epoch(1), place.directory, place.lease) == .lost)
    #expect(try place.directory.seal(Seal(generation: Generation(5), from: nil), epoch: Epoch(1)) == .lost)
    #expect(try place.directory.damage(of: place.directory.manifest(Epoch(1))).isEmpty)
    let taken = try place.directory.takeOver(.latest, job: "job", lease: place.lease)
    #expect(taken.manifest?.epoch == Epoch(1) && taken.lastEpoch == Epoch(2))
    #expect(try Self.publish(Epoch(2), place.directory, place.lease) == .lost, "the number is sealed")
    #expect { try place.directory.manifest(Epoch(2)) } throws: { error in
      (error as? Failure)?.message.contains("complete epochs are 1") ?? false
    }
  }

  private static func prepared(
    hasLinks: Bool
  ) throws -> (storage: ForgetfulStorage, directory: CheckpointDirectory, lease: DirectoryLease) {
    let storage = ForgetfulStorage(seed: 1)
    storage.hasLinks = hasLinks
    let directory = CheckpointDirectory("/checkpoints", storage: storage)
    try directory.prepare()
    let lease = try DirectoryLease(
      directory, owner: LeaseRecord(host: "here", pid: 1, boot: "boot"), lock: Lock(),
      clock: { .init(nanoseconds: 0) }, pause: {})
    return (storage, directory, lease)
  }

  @Test("a number is given to one document only, also when two publish at the same time", arguments: [true, false])
  func atOnce(hasLinks: Bool) throws {
    let (storage, directory, lease) = try Self.prepared(hasLinks: hasLinks)
    var sealed: Publication?
    storage.beforeStep = { path in
      guard path == "/checkpoints/epoch-1/\(hasLinks ? "manifest.json" : "published")" else { return }
      storage.beforeStep = nil
      sealed = try? directory.seal(Seal(generation: Generation(5), from: nil), epoch: Epoch(1))
    }
    #expect(try Self.publish(Epoch(1), directory, lease) == .lost)
    #expect(sealed == .done)
    guard case .sealed? = try directory.epochs().first?.content else {
      Issue.record("the number is the seal's: \(try directory.epochs())")
      return
    }
  }

  @Test("a savepoint that somebody was told of is there after a power failure", arguments: [true, false])
  func savepoint(hasLinks: Bool) throws {
    let (storage, directory, lease) = try Self.prepared(hasLinks: hasLinks)
    // Somebody who waits for it looks between any two steps.
    storage.beforeStep = { path in
      guard (try? directory.manifest(Epoch(1))) != nil else { return }
      storage.beforeStep = nil
      #expect((try? directory.savepoint(after: Epoch(0))) == Epoch(1))
      storage.crashAt = storage.steps
    }
    #expect(throws: Failure.self) { try Self.publish(Epoch(1), directory, lease, .savepoint) }
    storage.restart(.everything)
    #expect(try directory.manifest(Epoch(1)).kind == .savepoint)
    #expect(try directory.savepoint(after: Epoch(1)) == nil)
  }

  private final class Lock: Sendable {}

  /// What is found wrong is told, the epoch before is taken, and no byte in the directory is changed by looking.
  @Test("a missing file, a flipped bit in a file or a manifest: told, and the epoch before is taken", arguments: 0..<4)
  func damage(kind: Int) throws {
    var place = try Place()
    let directory = place.directory
    let old = try place.add("1.sst", "old", mayLink: true)
    #expect(try Self.publish(Epoch(1), directory, place.lease, files: [old]) == .done)
    let new = try place.add("2.sst", "new rows", mayLink: kind == 1)
    #expect(try Self.publish(Epoch(2), directory, place.lease, files: [old, new]) == .done)
    let expected: String
    switch kind {
    case 0:
      unlink(directory.path(of: new.content))
      expected = "is missing"
    case 1:
      place.folder.write("checkpoints/files/\(new.content.text)", "nev rows")
      expected = "is damaged"
    case 2:
      place.folder.write("checkpoints/files/\(new.content.text)", "new")
      expected = "has 3 bytes, expected 8"
    default:
      var bytes = place.folder.read("checkpoints/epoch-2/manifest.json")!
      bytes[bytes.count / 2] ^= 4
      place.folder.write("checkpoints/epoch-2/manifest.json", bytes)
      expected = "the manifest is damaged"
    }
    let before = listing(place)
    let entries = try directory.epochs()
    let decision = try Recovery.decide(.latest, entries, job: "job", place: directory.place) {
      directory.damage(of: $0)
    }
    #expect(decision.manifest?.epoch == Epoch(1))
    #expect(decision.damaged.count == 1 && decision.damaged[0].message.contains(expected), "\(decision.damaged)")
    #expect {
      try Recovery.decide(.epoch(Epoch(2)), entries, job: "job", place: directory.place) { directory.damage(of: $0) }
    } throws: { error in (error as? Failure)?.message.contains(expected) ?? false }
    #expect(throws: Failure.self) { try directory.takeOver(.latest, job: "other", lease: place.lease) }
    #expect(listing(place) == before)
  }

  /// Every file with its content.
  private func listing(_ place: Place) -> String {
    TestProcess.run(["sh", "-c", "cd \(place.folder.path) && find checkpoints -type f | sort | xargs md5sum"]).output
  }

  @Test("a file in the place of the directory, or in it, is refused with its path")
  func notADirectory() throws {
    let folder = TemporaryFolder()
    let path = folder.write("checkpoints", "text")
    #expect { try CheckpointDirectory(path).prepare() } throws: { error in
      (error as? Failure)?.message.contains("\(path) cannot be") ?? false
    }
  }

  @Test("a file that cannot be read is told with its path, and nothing is added")
  func unreadable() throws {
    var place = try Place()
    #expect {
      _ = try place.files.add(place.folder.file("nothing"), name: "1.sst", mayLink: true)
    } throws: { error in
      (error as? Failure)?.message.contains("\(place.folder.file("nothing")) cannot be read") ?? false
    }
    #expect(try place.files.names().files.isEmpty)
  }
}
