import Base
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Host

/// What the verbs show of the epochs of a real run.
@Suite struct LookInsideTests {
  /// Counts of numbers by their last digit, which are told one by one.
  private static func plan(_ output: String, numbers: Int64? = nil) -> Plan {
    let key = NamedExpression("digit", .call("modulo", [.column("n"), .literal(.int64(10))]))
    let counts = Plan.Aggregate(
      aggregates: [Plan.AggregateCall(function: "count", argument: nil, name: "numbers")], emission: .perRecord)
    return Plan(
      name: "any",
      nodes: [
        .init(id: 0, uid: "in", parallelism: 1, inputs: [], operator: .source(.numbers(numbers, rate: 20_000))),
        .init(id: 1, uid: "key", inputs: [.init(node: 0)], operator: .keyBy(.init(keys: [key]))),
        .init(id: 2, uid: "counts", inputs: [.init(node: 1)], operator: .aggregate(counts)),
        .init(
          id: 3, uid: "out", inputs: [.init(node: 2)],
          operator: .sink(.init(implementation: .connector(.file("jsonlines", output))))),
      ])
  }

  /// A run that takes two savepoints and is then stopped, as anybody can do it. One for all tests.
  private final class Run: Sendable {
    /// In a folder beside the tests' program, which is emptied when they start.
    let checkpoints: String
    let output: String
    let command: [String]

    init() {
      let folder = "\(HostProgram.folder)/host-test-epochs"
      checkpoints = "\(folder)/checkpoints"
      output = "\(folder)/out/"
      command = PeerPipeline(LookInsideTests.plan(output)).command()
      let emptied = TestProcess.run(["bash", "-c", "rm -rf \"$0\" && mkdir \"$0\"", folder])
      #expect(emptied.status == 0, "\(emptied.errors)")
      let script = """
        "$@" --checkpoint-dir "$0" --checkpoint-interval 20ms --retain 100 --parallelism 2 --report json --log-format json & job=$!
        until grep -qs digit "\(output)"*; do kill -0 $job || exit 1; done
        "$1" savepoint --checkpoint-dir "$0" || exit 1
        "$1" savepoint --checkpoint-dir "$0" || exit 1
        kill -TERM $job
        wait $job
        """
      let outcome = TestProcess.run(["bash", "-c", script, checkpoints] + command)
      #expect(outcome.status == 0, "\(outcome.errors)")
      savepoints = outcome.output.split(separator: "\n").map { String($0) }
      #expect(savepoints.count == 2, "\(outcome.output)")
      report =
        outcome.errors.split(separator: "\n").last { $0.contains("\"event\":\"report\"") }.map { String($0) } ?? ""
    }

    /// As the verb told them.
    let savepoints: [String]
    var savepoint: String { savepoints.first ?? "" }
    var second: String { savepoints.last ?? "" }
    let report: String
  }
  private static let run = Run()

  private func verb(_ words: String...) -> TestProcess.Outcome {
    TestProcess.run([HostProgram.path] + words + ["--checkpoint-dir", Self.run.checkpoints])
  }

  private func json(_ outcome: TestProcess.Outcome) throws -> [JSONValue] {
    try outcome.output.split(separator: "\n").map { try JSONValue.parse(String($0)) }
  }

  @Test("the report of a run with checkpoints counts its epochs")
  func report() throws {
    let report = try JSONValue.parse(Self.run.report)
    let listed = try json(verb("checkpoints", "list", "--json")).filter { $0["status"] == "complete" }
    #expect(report["epochs"]?["completed"] == .int(Int64(listed.count)), "\(Self.run.report)")
    #expect(report["epochs"]?["aborted"] == .int(0))
    guard case .double(let seconds)? = report["epochs"]?["seconds"],
      case .double(let longest)? = report["epochs"]?["longest_seconds"]
    else {
      Issue.record("no times in \(Self.run.report)")
      return
    }
    #expect(longest > 0 && seconds >= longest)
  }

  @Test("checkpoints lists the epochs, shows one, and finds them whole; a savepoint is one of them")
  func checkpoints() throws {
    let listed = try json(verb("checkpoints", "list", "--json"))
    let savepoints = listed.filter { $0["kind"] == "savepoint" }
    #expect(savepoints.map { "epoch-\($0["epoch"]?.text ?? "")" } == Self.run.savepoints)
    let text = verb("checkpoints", "list")
    #expect(text.output.hasPrefix("epoch"))
    #expect(text.output.split(separator: "\n").count == listed.count + 1)
    let shown = verb("checkpoints", "show", "--epoch", Self.run.savepoint)
    #expect(shown.output.hasPrefix("\(Self.run.savepoint)  savepoint of job 'any'\n"), "\(shown.output)")
    #expect(shown.output.contains("\noperator counts, 2 subtasks\n"), "\(shown.output)")
    let verified = verb("checkpoints", "verify")
    #expect(verified.status == 0)
    // A number may have been given up.
    let told = verified.output.split(separator: "\n").filter { !$0.contains(" unfinished: ") }
    #expect(told.count == listed.count { $0["status"] == "complete" } && told.allSatisfy { $0.hasSuffix(" good") })
    let unknown = verb("checkpoints", "show", "--epoch", "epoch-9999")
    #expect(unknown.status == 66)
    #expect(unknown.errors.contains("epoch 9999 is not complete; complete epochs are "), "\(unknown.errors)")
  }

  @Test("after the end of the input an epoch has no state, and the verb says why there are no lines")
  func ended() {
    let folder = TemporaryFolder()
    let checkpoints = folder.file("checkpoints")
    let command = PeerPipeline(Self.plan(folder.file("out/"), numbers: 100)).command()
    let outcome = TestProcess.run(command + ["--checkpoint-dir", checkpoints])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let scanned = TestProcess.run(
      [HostProgram.path, "state", "scan", "--uid", "counts", "--checkpoint-dir", checkpoints])
    #expect(scanned.status == 0 && scanned.output == "")
    #expect(
      scanned.errors.hasSuffix("nothing of 'counts': its input had ended, and operators keep nothing after that\n"),
      "\(scanned.errors)")
  }

  @Test("state shows every key, one key, and what has changed; an unknown uid is told with the known ones")
  func state() throws {
    let rows = try json(verb("state", "scan", "--uid", "counts", "--epoch", Self.run.savepoint))
    #expect(rows.count == 10)
    let one = try json(verb("state", "get", "--uid", "counts", "--key", "7", "--epoch", Self.run.savepoint))
    #expect(one.map { $0["key"]?["digit"] } == [.int(7)])
    #expect(rows.contains { $0 == one.first })
    let none = verb("state", "get", "--uid", "counts", "--key", "77", "--epoch", Self.run.savepoint)
    #expect(none.status == 0 && none.output == "")
    #expect(none.errors == "\(Self.run.savepoint) has nothing of 'counts' with that key\n")
    let later = try json(verb("state", "scan", "--uid", "counts", "--epoch", Self.run.second))
    let changes = try json(
      verb("state", "diff", "--uid", "counts", "--epoch", Self.run.second, "--before", Self.run.savepoint))
    #expect(!changes.isEmpty)
    #expect(changes.count == later.count { !rows.contains($0) })
    for change in changes {
      #expect(change["change"] == "changed")
      #expect(rows.contains { $0["key"] == change["key"] && $0["value"] == change["before"] })
      #expect(later.contains { $0["key"] == change["key"] && $0["value"] == change["value"] })
    }
    let unknown = verb("state", "scan", "--uid", "cuonts")
    #expect(unknown.status == 64)
    #expect(unknown.errors.contains("has no state of 'cuonts', only of 'counts'"), "\(unknown.errors)")
    let key = verb("state", "get", "--uid", "counts", "--key", #"{"figure": 7}"#)
    #expect(key.status == 64)
    #expect(key.errors.contains("--key has no 'digit'; the key is (digit: int64"), "\(key.errors)")
  }

  @Test("check says that the plugin that took an epoch goes on, and what does not, with an exit code")
  func check() {
    let same = TestProcess.run(
      Self.run.command.map { $0 == "run" ? "check" : $0 } + ["--checkpoints", Self.run.checkpoints])
    #expect(same.status == 0, "\(same.errors)")
    #expect(same.output.contains("counts"))
    var other = Self.plan(Self.run.output)
    other.nodes[2].uid = "others"
    let command = PeerPipeline(other).command().map { $0 == "run" ? "check" : $0 }
    let refused = TestProcess.run(command + ["--checkpoints", Self.run.checkpoints])
    #expect(refused.status == 69, "\(refused.output) \(refused.errors)")
    let dropped = TestProcess.run(command + ["--checkpoints", Self.run.checkpoints, "--drop-state", "counts"])
    #expect(dropped.status == 0, "\(dropped.output) \(dropped.errors)")
    let unknown = TestProcess.run(command + ["--checkpoints", Self.run.checkpoints, "--from", "epoch-9999"])
    #expect(unknown.status == 66, "\(unknown.errors)")
  }

  @Test("the supervisor knows the plugins that made the epoch which a run goes on from")
  func predecessor() throws {
    func former(_ flags: String...) throws -> (PipelineOptions, Predecessor?) {
      let options = try RunOptions(
        ["--plugin", PeerPipeline.plugin, "--checkpoint-dir", Self.run.checkpoints] + flags, environment: [:])
      return (options.pipeline, Predecessor(try #require(options.checkpoints)))
    }
    let newest = try #require(
      try json(verb("checkpoints", "list", "--json")).last { $0["status"] == "complete" }?["epoch"])
    let (pipeline, found) = try former()
    let predecessor = try #require(found)
    #expect(predecessor.epoch.name == "epoch-\(newest.text)")
    #expect(predecessor.pipeline == "any")
    #expect(predecessor.connectors.isEmpty && predecessor.codecs.isEmpty)
    #expect(!predecessor.isReplaced(by: pipeline))
    var other = pipeline
    other.plugin = HostProgram.path
    #expect(predecessor.isReplaced(by: other))
    #expect(failure { () throws(Failure) in try predecessor.check() } == nil)
    #expect(try former("--from", "savepoint").1?.epoch.name == Self.run.second)
    #expect(try former("--from", "none").1 == nil)
  }

  @Test("replay runs from the beginning to the savepoint with the plugin that the folder has, twice with the same rows")
  func replay() throws {
    let folder = TemporaryFolder()
    let output = folder.file("rows.jsonl")
    let outcome = verb("replay", "--epoch", "none", "--to", Self.run.savepoint, "--output", output, "--twice")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.hasSuffix("\nran it twice: the rows are the same\n"), "\(outcome.output)")
    // As many as the savepoint counts.
    let counted = try json(verb("state", "scan", "--uid", "counts", "--epoch", Self.run.savepoint)).map { row in
      guard case .object(let members)? = row["value"], case .int(let count)? = members.first?.value else { return 0 }
      return Int(count)
    }
    let rows = folder.read("rows.jsonl")?.split(separator: UInt8(ascii: "\n")) ?? []
    #expect(rows.count == counted.reduce(0, +))
    #expect(outcome.output.contains("sink 'out': \(rows.count) rows in \(output)\n"), "\(outcome.output)")
    let unknown = verb("replay", "--epoch", "epoch-9999")
    #expect(unknown.status == 66)
  }
}
