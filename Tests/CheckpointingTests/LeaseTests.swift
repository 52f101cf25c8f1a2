import Base
import DurabilityTestSupport
import Glibc
import TestSupport
import Testing

@testable import Checkpointing

@Suite("The owner of a directory")
struct LeaseTests {
  private static func record(_ boot: String, counter: UInt64 = 0, released: Bool = false) -> LeaseRecord {
    LeaseRecord(host: "far", pid: 42, boot: boot, counter: counter, released: released)
  }

  private static func time(_ seconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: seconds * 1_000_000_000) }

  @Test("a directory is taken at once when nobody has it, or its owner said goodbye or died on this machine")
  func atOnce() {
    var watch = LeaseWatch(boot: "here")
    #expect(watch.see(nil, nil, isLocked: true, now: Self.time(0)) == .take(Generation(1)))
    #expect(watch.see(Generation(4), Self.record("here"), isLocked: true, now: Self.time(0)) == .take(Generation(5)))
    #expect(
      watch.see(Generation(4), Self.record("there", released: true), isLocked: true, now: Self.time(0))
        == .take(Generation(5)))
    let owner = Self.record("here")
    #expect(watch.see(Generation(4), owner, isLocked: false, now: Self.time(0)) == .refuse(owner))
  }

  @Test("an owner on another machine is gone when its counter stood still for the whole time that was looked")
  func elsewhere() {
    var watch = LeaseWatch(boot: "here")
    let owner = Self.record("there", counter: 3)
    #expect(watch.see(Generation(4), owner, isLocked: true, now: Self.time(100)) == .wait)
    #expect(watch.see(Generation(4), owner, isLocked: true, now: Self.time(105)) == .wait)
    #expect(watch.see(Generation(4), owner, isLocked: true, now: Self.time(106)) == .take(Generation(5)))
    for moved in [(Generation(4), Self.record("there", counter: 4)), (Generation(5), owner)] {
      var watch = LeaseWatch(boot: "here")
      #expect(watch.see(Generation(4), owner, isLocked: true, now: Self.time(100)) == .wait)
      #expect(watch.see(moved.0, moved.1, isLocked: true, now: Self.time(103)) == .refuse(moved.1))
    }
    // One whose record was torn may live.
    #expect(watch.see(Generation(9), nil, isLocked: true, now: Self.time(0)) == .refuse(nil))
    var torn = LeaseWatch(boot: "here")
    #expect(torn.see(Generation(9), nil, isLocked: true, now: Self.time(0)) == .wait)
    #expect(torn.see(Generation(9), nil, isLocked: true, now: Self.time(6)) == .take(Generation(10)))
  }

  private func directory(_ folder: TemporaryFolder) throws -> CheckpointDirectory {
    let directory = CheckpointDirectory(folder.file("checkpoints/deep"))
    try directory.prepare()
    return directory
  }

  @Test("a second process is refused with the first one's host name and pid, exit 69, until that one lets go")
  func second() throws {
    let folder = TemporaryFolder()
    let directory = try directory(folder)
    var first: DirectoryLease? = try DirectoryLease(directory) {}
    #expect(first?.generation == Generation(1))
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, 255)
    let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    #expect { try DirectoryLease(directory, patience: 0) {} } throws: { error in
      guard let failure = error as? Failure else { return false }
      return failure.kind.exitCode == 69 && failure.message.contains("process \(getpid()) on host \(host)")
    }
    #expect(first?.renew() == true)
    first = nil
    #expect(try DirectoryLease(directory) {}.generation == Generation(2))
  }

  @Test("the lock of a state directory names its owner")
  func stateDirectory() throws {
    let folder = TemporaryFolder()
    let lock = try FolderLock(folder.file("a/state"), place: "state directory X") {}
    #expect { try FolderLock(folder.file("a/state"), place: "state directory X", patience: 0) {} } throws: { error in
      guard let failure = error as? Failure else { return false }
      return failure.kind.exitCode == 69 && failure.message.contains("process \(getpid()) on host")
    }
    withExtendedLifetime(lock) {}
  }

  /// A clock that a test sets.
  private final class Clock: @unchecked Sendable {
    var seconds: Int64 = 0
    func now() -> MonotonicTime { LeaseTests.time(seconds) }
  }

  private final class Lock: Sendable {}

  /// A process of a machine of its own. Each pause takes a second.
  private func take(
    _ directory: CheckpointDirectory, _ boot: String, clock: Clock = Clock(), pause: () -> Void = {}
  ) throws -> DirectoryLease {
    try DirectoryLease(
      directory, owner: LeaseRecord(host: boot, pid: 1, boot: boot), lock: Lock(), clock: { clock.now() },
      pause: {
        clock.seconds += 1
        pause()
      })
  }

  @Test("an owner on another machine is seen to live when it has renewed its lease, and to be gone when it said so")
  func renewed() throws {
    let folder = TemporaryFolder()
    let directory = try directory(folder)
    let clock = Clock()
    let first = try take(directory, "one", clock: clock)
    let failure = #expect(throws: Failure.self) {
      try take(directory, "two", clock: clock) { #expect(first.renew()) }
    }
    #expect(failure?.kind == .unavailable && failure?.message.contains("process 1 on host one") == true)
    first.release()
    let second = try take(directory, "two", clock: clock) { Issue.record("an owner that is gone was waited for") }
    #expect(second.generation == Generation(2))
  }

  @Test("of two that take a directory at the same time one has it, and the other sees that")
  func race() throws {
    let storage = ForgetfulStorage(seed: 1)
    let directory = CheckpointDirectory("/checkpoints", storage: storage)
    try directory.prepare()
    let other = CheckpointDirectory("/checkpoints", storage: storage)
    var winner: DirectoryLease?
    storage.beforeStep = { path in
      guard path == "/checkpoints/lease/1" else { return }
      storage.beforeStep = nil
      winner = try? take(other, "one")
    }
    let loser = try take(directory, "one")
    #expect(winner?.generation == Generation(1) && loser.generation == Generation(2))
    #expect(winner?.renew() == false)
  }

  @Test("an owner that was taken over, or could not renew in time, knows it and completes nothing any more")
  func lost() throws {
    let folder = TemporaryFolder()
    let directory = try directory(folder)
    let clock = Clock()
    func take(_ boot: String) throws -> DirectoryLease { try self.take(directory, boot, clock: clock) }
    let first = try take("one")
    clock.seconds = 4
    #expect(first.isHeld && first.renew())
    clock.seconds = 8
    #expect(first.isHeld)
    // From another machine, after that time of silence.
    let second = try take("two")
    #expect(second.generation == Generation(2) && clock.seconds == 14)
    #expect(!first.isHeld && !first.renew())
    #expect(first.refusal().kind == .unavailable && first.refusal().message.contains("process 1 on host two"))
    // As long as nobody else has it, who was late may begin again.
    clock.seconds = 20
    #expect(!second.isHeld)
    #expect(second.refusal().kind == .io && second.refusal().retryable)
    #expect(second.refusal().message.contains("was not renewed for 5 s"))

    // One that was stopped in the middle of its publication: its own clock says that all is well.
    clock.seconds = 0
    let asleep = try take("three")
    #expect(asleep.isHeld)
    let third = try DirectoryLease(
      directory, owner: LeaseRecord(host: "four", pid: 1, boot: "three"), lock: Lock(), clock: { clock.now() },
      pause: {})
    #expect(third.generation.number == asleep.generation.number + 1)
    let publication = try PublicationTests.publish(Epoch(1), directory, asleep)
    #expect(publication == .lost)
    // Who has the directory now, and has not looked yet, goes on from it.
    #expect(try directory.epochs().compactMap(\.manifest).map(\.epoch) == [Epoch(1)])
    #expect(try PublicationTests.publish(Epoch(2), directory, third) == .done)
  }
}
