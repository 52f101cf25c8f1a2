import DurabilityTestSupport
import Glibc
import TestSupport
import Testing

@testable import Checkpointing

/// How often what is random is tried, for longer campaigns by hand.
private let rounds = TestEnvironment.value("VOLLEY_DURABILITY_ROUNDS").flatMap { Int($0) } ?? 1

@Suite("Durability")
struct DurabilityTests {
  /// Steps of two lives without faults.
  private func steps(hasLinks: Bool = true) throws -> Int {
    let lives = Lives(seed: 1)
    lives.storage.hasLinks = hasLinks
    try lives.live(epochs: 4)
    return lives.storage.steps
  }

  @Test(
    "the power may fail at any step, and nothing, all or any part of what was not synced be lost",
    arguments: [true, false])
  func powerFails(hasLinks: Bool) throws {
    var generator = SeededGenerator()
    let count = try steps(hasLinks: hasLinks)
    #expect(count > 60)
    for crash in 0...count {
      var losses = [ForgetfulStorage.Loss.everything]
      if crash % 2 == 0 || rounds > 1 { losses.append(.random) }
      if crash % 8 == 0 { losses.append(.nothing) }
      for loss in (0..<rounds).flatMap({ _ in losses }) {
        let seed = generator.next()
        let lives = Lives(seed: seed)
        lives.storage.hasLinks = hasLinks
        lives.storage.crashAt = crash
        do {
          try lives.live(epochs: 4)
          lives.storage.restart(loss)
          // Again, somewhere in the second life.
          lives.storage.crashAt = Int.random(in: 0...count / 2, using: &lives.storage.generator)
          try lives.live(epochs: 2)
          lives.storage.restart(loss)
          #expect(try lives.live(epochs: 2) == 0, "\(lives.lastFailure)")
          lives.storage.restart(.everything)
          try lives.live(epochs: 0)
        } catch {
          Issue.record("step \(crash), \(loss), seed \(seed): \(error); \(generator)")
          return
        }
      }
    }
  }

  @Test("a full or broken disk costs epochs and never one that was complete", arguments: [ENOSPC, EIO])
  func diskFails(code: Int32) throws {
    var generator = SeededGenerator()
    let count = try steps()
    for step in 0...count {
      // One failure, some, or all from there on.
      for length in rounds > 1 ? [1, 3, 1000] : [[1, 3, 1000][(step + Int(code)) % 3]] {
        let seed = generator.next()
        let lives = Lives(seed: seed)
        do {
          try lives.live(epochs: 2)
          lives.storage.restart(.nothing)
          lives.storage.failures = (from: step, count: length, code: code)
          try lives.live(epochs: 4)
          lives.storage.restart(.random)
          #expect(try lives.live(epochs: 2) == 0, "\(lives.lastFailure)")
          lives.storage.restart(.everything)
          try lives.live(epochs: 0)
        } catch {
          Issue.record("step \(step), \(length) failures, seed \(seed): \(error); \(generator)")
          return
        }
      }
    }
  }

  /// The kinds of syncs that a life does, each of which this file removes in turn.
  private func syncKinds(hasLinks: Bool) throws -> [String] {
    let lives = Lives(seed: 1)
    lives.storage.hasLinks = hasLinks
    try lives.live(epochs: 4)
    lives.storage.restart(.nothing)
    try lives.live(epochs: 4)
    return lives.storage.syncKinds.filter { !$0.contains("/state") && $0 != "folder / after make /data" }
  }

  @Test("no sync can be left out: the checks above find each that is", arguments: [true, false])
  func everySyncIsNeeded(hasLinks: Bool) throws {
    var generator = SeededGenerator()
    let kinds = try syncKinds(hasLinks: hasLinks)
    #expect(kinds.count >= 10)
    let tells = TestEnvironment.value("VOLLEY_MUTATIONS") != nil
    for kind in kinds {
      let attempts = try attemptsToFind(kind, hasLinks, &generator)
      if tells { print("left out: \(kind): \(attempts.map { "found by attempt \($0)" } ?? "nobody misses it")") }
      if attempts == nil { Issue.record("nobody misses the sync '\(kind)'; \(generator)") }
    }
  }

  private func attemptsToFind(
    _ kind: String, _ hasLinks: Bool, _ generator: inout SeededGenerator
  ) throws -> Int? {
    let count = try steps(hasLinks: hasLinks)
    for attempt in 0..<4000 {
      let lives = Lives(seed: generator.next())
      lives.storage.hasLinks = hasLinks
      lives.storage.skippedSync = kind
      do {
        // A process that is killed loses nothing; a machine does.
        for life in 0..<4 {
          lives.storage.crashAt = Int.random(in: 0...(count + 10), using: &generator)
          try lives.live(epochs: 4)
          let loss = [ForgetfulStorage.Loss.nothing, .everything, .random][(attempt + life) % 3]
          lives.storage.restart(loss)
        }
        try lives.live(epochs: 0)
      } catch { return attempt + 1 }
    }
    return nil
  }
}
