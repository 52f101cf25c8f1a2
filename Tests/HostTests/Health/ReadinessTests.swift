import Base
import Testing

@testable import Host

@Suite struct ReadinessTests {
  private static func time(_ seconds: Double) -> MonotonicTime {
    MonotonicTime(nanoseconds: 1_000_000_000_000 + Int64(seconds * 1e9))
  }

  private static func epochs(_ completed: Double?, aborted: String? = nil) -> Readiness.Epochs {
    Readiness.Epochs(interval: .seconds(10), completed: completed.map { time($0) }, aborted: aborted)
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var readiness: Readiness
    /// Seconds after the start.
    var now: Double
    /// Nil: ready.
    var objection: String?
  }

  static let running = Readiness.Phase.running(since: time(0))

  static let cases = [
    Case(
      testDescription: "a plugin that is being loaded", readiness: Readiness(.preparing("the plugin is being loaded")),
      now: 1, objection: "the plugin is being loaded"),
    Case(
      testDescription: "preparing for longer than epochs take",
      readiness: Readiness(.preparing("the job is being restored from epoch 7"), epochs: epochs(nil)), now: 1000,
      objection: "the job is being restored from epoch 7"),
    Case(testDescription: "running without checkpoints", readiness: Readiness(running), now: 1e6, objection: nil),
    Case(
      testDescription: "no epoch yet, and no reason for one", readiness: Readiness(running, epochs: epochs(nil)),
      now: 29,
      objection: nil),
    Case(
      testDescription: "three intervals without a first epoch, to the nanosecond",
      readiness: Readiness(running, epochs: epochs(nil)), now: 30, objection: nil),
    Case(
      testDescription: "more than three intervals without a first epoch",
      readiness: Readiness(running, epochs: epochs(nil)), now: 30.1,
      objection: "no epoch has completed for 30.1 s, more than 3 intervals of 10.0 s"),
    Case(
      testDescription: "an epoch three intervals ago", readiness: Readiness(running, epochs: epochs(100)), now: 130,
      objection: nil),
    Case(
      testDescription: "an epoch more than three intervals ago", readiness: Readiness(running, epochs: epochs(100)),
      now: 145, objection: "no epoch has completed for 45.0 s, more than 3 intervals of 10.0 s"),
    Case(
      testDescription: "the reason for which the last was given up",
      readiness: Readiness(running, epochs: epochs(100, aborted: "the disk is full")), now: 200,
      objection:
        "no epoch has completed for 100 s, more than 3 intervals of 10.0 s: the last one was given up, the disk is full"
    ),
    Case(
      testDescription: "one that was given up while others come",
      readiness: Readiness(running, epochs: epochs(100, aborted: "the disk is full")), now: 120, objection: nil),
    Case(
      testDescription: "what drains after its sources' end has no epochs",
      readiness: Readiness(running, haveSourcesEnded: true, epochs: epochs(nil)), now: 1e6, objection: nil),
    Case(
      testDescription: "a failure, while parts still end",
      readiness: Readiness(running, failure: "stage 'x': it broke", epochs: epochs(1)), now: 2,
      objection: "the job has failed: stage 'x': it broke"),
    Case(
      testDescription: "a failure after the sources' end",
      readiness: Readiness(running, failure: "stage 'x': it broke", haveSourcesEnded: true), now: 2,
      objection: "the job has failed: stage 'x': it broke"),
    Case(
      testDescription: "a failure in its start", readiness: Readiness(.preparing("…"), failure: "no such file"), now: 2,
      objection: "the job has failed: no such file"),
    Case(
      testDescription: "stopping", readiness: Readiness(.stopping, epochs: epochs(1)), now: 2,
      objection: "the job is stopping"),
    Case(
      testDescription: "ended", readiness: Readiness(.ended, haveSourcesEnded: true), now: 2,
      objection: "the job has ended"),
  ]

  @Test("a job is ready when it runs and its epochs complete", arguments: cases)
  func objection(of row: Case) {
    #expect(row.readiness.objection(now: Self.time(row.now)) == row.objection)
  }
}
