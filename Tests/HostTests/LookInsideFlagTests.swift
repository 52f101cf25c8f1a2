import Base
import Checkpointing
import TestSupport
import Testing

@testable import Host

@Suite("Verbs that look into a checkpoint folder refuse what they cannot do, in one sentence")
struct LookInsideFlagTests {
  private let folder = TemporaryFolder()

  private func refusal(_ verb: Verb, _ arguments: [String]) -> Failure? {
    failure { () throws(Failure) in
      switch verb {
      case .check: _ = try CheckOptions(arguments, environment: [:])
      case .checkpoints: _ = try CheckpointsCommand(arguments, environment: [:]).run()
      case .state: try StateCommand(arguments, environment: [:]).run()
      case .savepoint: try SavepointCommand(arguments, environment: [:]).run()
      case .replay: _ = try ReplayOptions(arguments, environment: [:])
      default: preconditionFailure("no verb of this suite")
      }
    }
  }

  @Test(
    "a wrong command line is a matter of usage",
    arguments: [
      (Verb.checkpoints, [], "'checkpoints' needs a word: list, show, verify, prune"),
      (.checkpoints, ["lst"], "'checkpoints' has no 'lst'; did you mean 'list'?"),
      (.checkpoints, ["list", "show"], "'checkpoints list' takes no further word, found 'show'"),
      (.checkpoints, ["list", "--epoch", "3"], "--epoch means nothing to 'checkpoints list'; leave it out"),
      (.checkpoints, ["show", "--epoch", "x"], "--epoch is 'x', expected 'epoch-' and a number"),
      (.checkpoints, ["show", "--drop", "3"], "--drop means nothing to 'checkpoints show'; leave it out"),
      (.state, [], "'state' needs a word: get, scan, diff"),
      (.state, ["scan"], "--uid is missing: name the operator whose state is shown; 'checkpoints show' lists them"),
      (.state, ["get", "--uid", "u"], "--key is missing: 'state get' shows one key, 'state scan' all"),
      (.state, ["scan", "--uid", "u", "--key", "1"], "--key means nothing to 'state scan'; leave it out"),
      (.state, ["get", "--uid", "u", "--before", "1"], "--before means nothing to 'state get'; leave it out"),
      (.savepoint, ["now"], "unexpected 'now' after 'savepoint': it takes flags only"),
      (.replay, ["now"], "unexpected 'now' after 'replay': it takes flags only"),
      (
        .replay, ["--epoch", "latest"],
        "--epoch is 'latest', expected 'epoch-' and a number, or 'none' for the beginning"
      ),
      (
        .replay, ["--epoch", "7", "--to", "epoch-7"],
        "--to epoch-7 does not lie behind --epoch epoch-7; name a later one"
      ),
      (
        .replay, ["--epoch", "7", "--codec", "x.so"],
        "--codec goes with --plugin: without it the plugins are those that took the epoch; leave it out"
      ),
      (
        .replay, ["--epoch", "7", "--set", "a=1", "--set", "a=2"],
        "--set gives 'a' twice: '1' and '2'; leave one out"
      ),
      (
        .check, ["--plugin", "p.so", "--from", "none"], "--from none goes on from nothing: there is nothing to check"
      ),
      (
        .check, ["--plugin", "p.so", "--rename-uid", "a=a"], "--rename-uid a=a changes nothing; leave it out"
      ),
    ])
  func usage(verb: Verb, words: [String], sentence: String) {
    let refusal = refusal(verb, words + ["--checkpoint-dir", folder.path])
    #expect(refusal?.kind == .usage)
    #expect(refusal?.message == sentence)
  }

  @Test(
    "a folder that is not named or not there is told",
    arguments: [Verb.check, .checkpoints, .state, .savepoint, .replay])
  func missingFolder(verb: Verb) {
    let words: [String] =
      switch verb {
      case .check: ["--plugin", "p.so"]
      case .checkpoints: ["list"]
      case .state: ["scan", "--uid", "u"]
      case .replay: ["--epoch", "1"]
      default: []
      }
    let unnamed = refusal(verb, words)
    #expect(unnamed?.kind == .usage)
    #expect(unnamed?.message.hasPrefix("--checkpoint-dir is missing: name the folder of the job's checkpoints") == true)
    let gone = refusal(verb, words + ["--checkpoint-dir", "\(folder.path)/none"])
    #expect(
      gone?.message.hasPrefix("checkpoint directory \(folder.path)/none: ") == true, "\(String(describing: gone))")
    #expect(gone?.message.contains("No such file or directory") == true)
  }

  @Test("an empty folder has nothing to show")
  func empty() {
    let place = "checkpoint directory \(folder.path)"
    let directory = ["--checkpoint-dir", folder.path]
    #expect(refusal(.checkpoints, ["show"] + directory)?.kind == .noInput)
    #expect(
      refusal(.checkpoints, ["show", "--epoch", "3"] + directory)?.message
        == "\(place): epoch 3 is not complete; no epoch is")
    #expect(refusal(.state, ["scan", "--uid", "u"] + directory)?.kind == .noInput)
    #expect(
      refusal(.savepoint, directory)?.message
        == "\(place): no job runs with it; every run ends with an epoch, which the next one goes on from")
    #expect(
      message { _ = try ReplayRange(folder.path, from: Epoch(0), to: nil) }
        == "\(place): there is no complete epoch behind the beginning to run up to")
  }

  @Test("check knows the folder by either name, and what is said of differences")
  func check() throws {
    for flag in ["--checkpoints", "--checkpoint-dir"] {
      let options = try CheckOptions(
        ["--plugin", "p.so", flag, folder.path, "--drop-state", "a", "--rename-uid", "b=c", "--from", "epoch-4"],
        environment: [:])
      #expect(options.directory == folder.path)
      #expect(options.choices.dropped == ["a"])
      #expect(options.choices.renamed == ["b": "c"])
      #expect(options.from == .epoch(Epoch(4)))
    }
    #expect(try CheckOptions(["--plugin", "p.so", "--checkpoints=\(folder.path)"], environment: [:]).from == .latest)
  }

  @Test("replay takes an epoch's number in either form, and the beginning")
  func replay() throws {
    for (text, epoch) in [("3", 3), ("epoch-3", 3), ("none", 0)] as [(String, UInt64)] {
      let options = try ReplayOptions(["--checkpoint-dir", folder.path, "--epoch", text, "--twice"], environment: [:])
      #expect(options.epoch == Epoch(epoch))
      #expect(options.to == nil)
      #expect(options.isTwice)
      #expect(options.plugin == nil)
    }
  }
}
