import Base
import Checkpointing
import Planning
import Testing

@testable import Host

@Suite struct CheckpointOptionsTests {
  private func checkpoints(_ arguments: String..., environment: [String: String] = [:]) throws -> CheckpointOptions? {
    try RunOptions(["--plugin", "p.so"] + arguments, environment: environment).checkpoints
  }

  @Test("without a folder there are no checkpoints, and with one everything has its default")
  func defaults() throws {
    #expect(try checkpoints() == nil)
    let options = try #require(try checkpoints("--checkpoint-dir", "c"))
    #expect(options.directory == "c")
    #expect(options.stateDirectory == "c/state")
    #expect(options.interval == .seconds(10))
    #expect(options.timeout == .seconds(600))
    #expect(options.retain == 3)
    #expect(options.from == .latest)
    #expect(options.choices == PipelineComparison.Choices())
    #expect(
      options.restarts
        == RestartLimits(
          restarts: 10, delay: .seconds(1), longestDelay: .seconds(60), resetAfter: .seconds(600), probationDeaths: 3))
    #expect(try checkpoints(environment: ["VOLLEY_CHECKPOINT_DIR": "v/"])?.stateDirectory == "v/state")
    #expect(
      try checkpoints(environment: ["VOLLEY_CHECKPOINT_DIR": "v", "VOLLEY_STATE_DIR": "s"])?.stateDirectory == "s")
  }

  @Test("what is said of the difference between two pipelines")
  func changes() throws {
    let options = try checkpoints(
      "--checkpoint-dir", "c", "--drop-state", "a", "--drop-state", "b", "--reset-source", "in", "--rename-uid", "x=y",
      "--rename-uid", "y=x")
    #expect(
      options?.choices
        == PipelineComparison.Choices(dropped: ["a", "b"], reset: ["in"], renamed: ["x": "y", "y": "x"]))
  }

  @Test(
    "where a run goes on from",
    arguments: [
      ("epoch-1", RestorePoint.epoch(Epoch(1))), ("epoch-18446744073709551615", .epoch(Epoch(.max))),
      ("savepoint", .savepoint), ("none", .none),
    ])
  func from(text: String, choice: RestorePoint) throws {
    #expect(try checkpoints("--checkpoint-dir", "c", "--from", text)?.from == choice)
    if case .epoch(let epoch) = choice { #expect(epoch.name == text) }
  }

  @Test(
    "a wrong command line is refused with one sentence",
    arguments: [
      (
        ["--retain", "4"],
        "--retain (or VOLLEY_RETAIN) means nothing to a run that keeps no checkpoints: add --checkpoint-dir, or leave it out"
      ),
      (
        ["--from", "none"],
        "--from means nothing to a run that keeps no checkpoints: add --checkpoint-dir, or leave it out"
      ),
      (
        ["--checkpoint-dir", ""], "--checkpoint-dir is '', expected the path of a folder"
      ),
      (
        ["--checkpoint-dir", "c", "--from", "epoch-x"],
        "--from is 'epoch-x', expected 'epoch-' and a number, 'savepoint' for the newest one, or 'none' to begin with nothing"
      ),
      (
        ["--checkpoint-dir", "c", "--from", "epoch-"],
        "--from is 'epoch-', expected 'epoch-' and a number, 'savepoint' for the newest one, or 'none' to begin with nothing"
      ),
      (
        ["--checkpoint-dir", "c", "--checkpoint-interval", "1ms"],
        "--checkpoint-interval is '1ms', expected a duration with its unit, from 10ms to 1d, such as '10s' or '1m'"
      ),
      (["--checkpoint-dir", "c", "--retain", "0"], "--retain is '0', expected a whole number from 1 to 1000"),
      (["--checkpoint-dir", "c", "--rename-uid", "a"], "--rename-uid is 'a', expected two uids, as 'old=new'"),
      (["--checkpoint-dir", "c", "--rename-uid", "a=a"], "--rename-uid a=a changes nothing; leave it out"),
      (
        ["--checkpoint-dir", "c", "--rename-uid", "a=b", "--rename-uid", "a=c"],
        "--rename-uid gives 'a' twice: 'b' and 'c'; leave one out"
      ),
      (
        ["--checkpoint-dir", "c", "--rename-uid", "a=c", "--rename-uid", "b=c"],
        "--rename-uid makes 'c' of both 'a' and 'b'; leave one out"
      ),
      (
        ["--checkpoint-dir", "c", "--rename-uid", "a=c", "--drop-state", "a"],
        "'a' is both renamed and dropped; leave out --rename-uid or --drop-state"
      ),
      (["--checkpont-dir", "c"], "'run' has no flag '--checkpont-dir'; did you mean '--checkpoint-dir'?"),
    ])
  func refusals(arguments: [String], expected: String) {
    let refused = failure(of: { () throws(Failure) in
      _ = try RunOptions(["--plugin", "p.so"] + arguments, environment: [:])
    })
    #expect(refused?.message == expected)
    #expect(refused?.kind == .usage)
  }
}
