import Base
import DurabilityTestSupport
import TestSupport
import Testing

@testable import Checkpointing

@Suite("Taking over beside damaged epochs")
struct TakingOverTests {
  /// A checkpoint directory on a storage that forgets, of one owner after the other.
  private final class Place: @unchecked Sendable {  // Used by one thread.
    let storage: ForgetfulStorage
    let directory: CheckpointDirectory
    private var time: Int64 = 0
    private var owners = 0

    /// With epochs 1 and 2, each of which has a file of its own.
    init(seed: UInt64 = 1, hasLinks: Bool = true) throws {
      storage = ForgetfulStorage(seed: seed)
      storage.hasLinks = hasLinks
      try storage.makeFolder("/data")
      try storage.syncFolder("/")
      directory = CheckpointDirectory("/data/checkpoints", storage: storage)
      try directory.prepare()
      try publish(1)
      try publish(2)
    }

    func lease() throws(Failure) -> DirectoryLease {
      owners += 1
      return try DirectoryLease(
        directory, owner: LeaseRecord(host: "test", pid: owners, boot: "boot \(owners)"), lock: Lives.Lock(),
        clock: { MonotonicTime(nanoseconds: self.time) }, pause: { self.time += 1_000_000_000 })
    }

    /// As the next process does it.
    func takeOver(_ point: RestorePoint = .latest) throws(Failure) -> TakenOver {
      try directory.takeOver(point, job: "job", lease: try lease())
    }

    func publish(_ number: UInt64) throws {
      let lease = try lease()
      var files = CheckpointFiles(directory, generation: lease.generation)
      try storage.write(Array("rows of \(number)".utf8), to: "/data/source", onlyNew: false)
      let file = try files.add("/data/source", name: "1.sst", mayLink: false)
      try files.sync()
      #expect(try PublicationTests.publish(Epoch(number), directory, lease, files: [file]) == .done)
    }

    /// A bit of the file that the epoch alone has.
    func damage(_ number: UInt64) throws {
      let content = try #require(try directory.manifest(Epoch(number)).contents.keys.first)
      let path = directory.path(of: content)
      var bytes = try storage.read(path)
      bytes[0] ^= 1
      try storage.write(bytes, to: path, onlyNew: false)
      try storage.syncFile(path)
    }

    func mend(_ number: UInt64) throws { try damage(number) }

    /// The manifest is taken away.
    func removeManifest(_ number: UInt64) throws {
      let folder = "\(directory.path)/epoch-\(number)"
      for name in try storage.entries(folder) where name.hasPrefix("manifest") {
        try storage.remove("\(folder)/\(name)")
      }
    }
  }

  private func numbers(_ taken: TakenOver) -> [UInt64] { taken.broken.map(\.epoch.number) }

  @Test("a damaged epoch is told to be broken at every start, until a newer one is complete", arguments: [true, false])
  func broken(hasLinks: Bool) throws {
    let place = try Place(hasLinks: hasLinks)
    #expect(try numbers(place.takeOver()) == [])
    // Epoch 3 is a seal.
    try place.damage(2)
    var taken = try place.takeOver()
    #expect(taken.manifest?.epoch == Epoch(1) && numbers(taken) == [2] && taken.damaged.count == 1)
    taken = try place.takeOver()
    #expect(taken.manifest?.epoch == Epoch(1) && numbers(taken) == [2] && taken.damaged.isEmpty)
    // What it has shown comes again, whatever becomes of its files: the epoch stays abandoned.
    try place.mend(2)
    taken = try place.takeOver()
    #expect(taken.manifest?.epoch == Epoch(1) && numbers(taken) == [2])
    let next = taken.lastEpoch.next
    try place.publish(next.number)
    taken = try place.takeOver()
    #expect(taken.manifest?.epoch == next && numbers(taken) == [])
    // That one in its turn: both come again from epoch 1.
    try place.damage(next.number)
    taken = try place.takeOver()
    #expect(taken.manifest?.epoch == Epoch(1) && numbers(taken) == [2, next.number])
    taken = try place.takeOver()
    #expect(numbers(taken) == [2, next.number])
  }

  @Test(
    "who takes a directory while its owner completes an epoch goes on from what the next one goes on from, and from that epoch if it shows",
    arguments: [true, false])
  func completing(hasLinks: Bool) throws {
    var (seen, unseen, done, step) = (0, 0, 0, 0)
    while true {
      let place = try Place(hasLinks: hasLinks)
      let owner = try place.lease()
      var left = step
      var second: TakenOver?
      place.storage.beforeStep = { _ in
        left -= 1
        if left >= 0 { return }
        place.storage.beforeStep = nil
        second = try? place.takeOver()
      }
      let publication = try PublicationTests.publish(Epoch(3), place.directory, owner)
      place.storage.beforeStep = nil
      // It was complete before there were so many steps.
      guard let second else { break }
      if publication == .done {
        done += 1
        #expect(second.manifest?.epoch == Epoch(3), "step \(step)")
      } else if second.manifest?.epoch == Epoch(3) {
        seen += 1
      } else {
        unseen += 1
      }
      #expect(try place.takeOver().manifest?.epoch == second.manifest?.epoch, "step \(step)")
      step += 1
    }
    // Without links the marker completes it, and there is no step behind that.
    #expect(seen > 0 && unseen > 0 && (done > 0) == hasLinks, "\(seen) \(unseen) \(done)")
  }

  @Test("an epoch that is asked for leaves what newer ones have shown, damaged or not, also for the next start")
  func askedFor() throws {
    let place = try Place()
    try place.damage(2)
    #expect(try numbers(place.takeOver(.epoch(Epoch(1)))) == [])
    let taken = try place.takeOver()
    #expect(taken.manifest?.epoch == Epoch(1) && numbers(taken) == [])
  }

  @Test("where no epoch is whole the refusal changes nothing")
  func noneLeft() throws {
    let place = try Place()
    try place.damage(1)
    try place.damage(2)
    let lease = try place.lease()
    let before = place.storage.steps
    #expect { try place.directory.takeOver(.latest, job: "job", lease: lease) } throws: { error in
      (error as? Failure)?.message.contains("no epoch can be restored") ?? false
    }
    #expect(place.storage.steps == before)
    #expect(try numbers(place.takeOver(.none)) == [])
  }

  @Test("a manifest that somebody has taken away is told from one that never was", arguments: [true, false])
  func removedManifest(hasLinks: Bool) throws {
    let place = try Place(hasLinks: hasLinks)
    try place.directory.reserve(Epoch(3))
    try place.removeManifest(2)
    var taken = try place.takeOver()
    #expect(taken.manifest?.epoch == Epoch(1) && taken.broken.isEmpty)
    #expect(taken.unreadable == [Epoch(2)] && taken.unfinished == [Epoch(3)])
    #expect(
      taken.damaged.map(\.message) == [
        "/data/checkpoints/epoch-2/manifest.json: the manifest is missing, and was there: bring it back, or the epoch is lost"
      ])
    // It is nothing that the job begins anew for.
    try place.removeManifest(1)
    try place.removeManifest(4)
    #expect {
      taken = try place.takeOver()
    } throws: { error in
      (error as? Failure)?.message.contains("epoch-4/manifest.json: the manifest is missing") ?? false
    }
  }

  @Test("the power may fail at any step while a job goes back: what the damaged epoch has shown is not forgotten")
  func powerFails() throws {
    var generator = SeededGenerator()
    let place = try Place()
    try place.damage(2)
    let before = place.storage.steps
    _ = try place.takeOver()
    let count = place.storage.steps - before
    #expect(count > 4)
    for step in 0...count {
      for loss in [ForgetfulStorage.Loss.everything, .nothing, .random] {
        let place = try Place(seed: generator.next())
        try place.damage(2)
        place.storage.restart(.nothing)
        place.storage.crashAt = step
        _ = try? place.takeOver()
        place.storage.restart(loss)
        for _ in 0..<2 {
          let taken = try place.takeOver()
          #expect(
            taken.manifest?.epoch == Epoch(1) && numbers(taken) == [2], "step \(step), \(loss), \(generator)")
        }
      }
    }
  }
}
