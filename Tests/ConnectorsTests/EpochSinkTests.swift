import Arrow
import Base
import Dataflow
import DurabilityTestSupport
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

/// How often what is random is tried, for longer campaigns by hand.
private let durabilityRounds = TestEnvironment.value("VOLLEY_DURABILITY_ROUNDS").flatMap { Int($0) } ?? 1

@Suite("Sinks with epochs") struct EpochSinkTests {
  struct Kind: Sendable, CustomTestStringConvertible {
    let format: String
    let name: String
    var options = "{}"

    var testDescription: String { "\(format) \(name) \(options)" }
    var isFile: Bool { !name.hasSuffix("/") }
    /// Kinds of syncs that random lives need not miss. A single file of lines has all of them on the disk with its last epoch; and when
    /// one is hidden to be gone on with, they seldom meet a reader: `hiddenAgain` is for that.
    var redundant: Set<String> {
      if !isFile { return [] }
      return format == "arrow" ? ["folder in write"] : ["folder in write", "file in close"]
    }

    func factory(_ folder: TemporaryFolder) throws -> SinkFactory {
      guard case .object(let others) = try JSONValue.parse(options) else {
        preconditionFailure("options are an object")
      }
      return try makeSink(
        format, [.init("path", .string(folder.file(name)))] + others, KilledSink.fields, codecs: ToyCodec.set)
    }
  }

  static let kinds = [
    Kind(format: "csv", name: "out/"), Kind(format: "arrow", name: "out/"),
    Kind(format: "jsonlines", name: "out/", options: #"{"rollBytes":700}"#),
    Kind(format: "csv", name: "out/", options: #"{"partitionBy":"text","maxOpenFiles":2}"#),
    Kind(format: "jsonlines", name: "out/", options: #"{"compression":"toy"}"#),
    Kind(format: "csv", name: "out/x.csv"), Kind(format: "jsonlines", name: "out/x.jsonl"),
    Kind(format: "csv", name: "out/x.csv.toy"), Kind(format: "arrow", name: "out/x.arrow"),
    Kind(format: "arrowstream", name: "out/x.arrows"),
  ]

  @Test("readers see exactly the rows of the complete epochs, wherever the job is killed", arguments: kinds)
  func random(kind: Kind) throws {
    var generator = SeededGenerator()
    var kills: [String: Int] = [:]
    var round = 0
    // One run in 250 has no such kill in two rounds.
    while round < 2 || kills["while rows flow", default: 0] == 0 && round < 10 {
      defer { round += 1 }
      let folder = TemporaryFolder()
      _ = TestProcess.run(["mkdir", folder.file("out")])
      var job = KilledSink(folder, isFile: kind.isFile, generator) { try kind.factory(folder) }
      func parallelism() -> Int { kind.isFile ? 1 : .random(in: 1...3, using: &generator) }
      for _ in 0..<5 {
        try job.live(&generator, parallelism: parallelism(), steps: .random(in: 0...15, using: &generator))
      }
      try job.live(&generator, parallelism: parallelism(), steps: nil)
      // A job that has ended goes on: with nothing, and with more.
      try job.live(&generator, parallelism: parallelism(), steps: nil, writes: false)
      try job.live(&generator, parallelism: parallelism(), steps: 9)
      try job.live(&generator, parallelism: parallelism(), steps: nil)
      #expect(job.hidden == [], "\(generator), round \(round)")
      kills.merge(job.kills, uniquingKeysWith: +)
    }
    #expect(kills["while rows flow", default: 0] > 0, "\(generator): \(kills)")
  }

  /// Rows that readers do not see as they must, after lives that end with a power failure; and the kinds of syncs that there were.
  private func powerFails(
    _ kind: Kind, skipping skipped: String?, rounds: Int, _ generator: inout SeededGenerator
  ) throws -> (wrong: Int, kinds: Set<String>) {
    var (wrong, kinds): (Int, Set<String>) = (0, [])
    for _ in 0..<rounds {
      let folder = TemporaryFolder()
      mkdir(folder.file("out"), 0o777)
      let power = PowerLoss(folder.file("out"), skipping: skipped)
      defer { power.end() }
      var job = KilledSink(folder, isFile: kind.isFile, generator) { try kind.factory(folder) }
      job.power = power
      func parallelism() -> Int { kind.isFile ? 1 : .random(in: 1...2, using: &generator) }
      do {
        for _ in 0..<4 {
          try job.live(&generator, parallelism: parallelism(), steps: .random(in: 3...10, using: &generator))
        }
        try job.live(&generator, parallelism: parallelism(), steps: nil)
        // The power fails when the job has ended, before anything is written back.
        var none: [any TransactionalSink] = []
        job.kill(&none, "after the end", &generator)
        job.check("when nobody runs it again")
        // What was complete and not committed is committed by the next one, which writes nothing.
        try job.live(&generator, parallelism: parallelism(), steps: 6)
        try job.live(&generator, parallelism: parallelism(), steps: nil, writes: false)
        job.kill(&none, "after the end", &generator)
        job.check("when nobody runs it again")
        try job.live(&generator, parallelism: parallelism(), steps: nil, writes: false)
      } catch let error as Failure {
        // Files that a checkpoint counts on are not there.
        if skipped == nil { Issue.record("\(error.message); \(generator)") }
        wrong += 1
      }
      wrong += job.wrong
      kinds.formUnion(power.kinds)
      if wrong > 0 { break }
    }
    return (wrong, kinds)
  }

  private static let durableKinds = [
    kinds[0], Kind(format: "csv", name: "out/", options: #"{"partitionBy":"text","maxOpenFiles":2}"#),
    Kind(format: "jsonlines", name: "out/x.jsonl"), Kind(format: "arrow", name: "out/x.arrow"),
  ]

  @Test("the power may fail at any step", arguments: durableKinds)
  func durability(kind: Kind) throws {
    var generator = SeededGenerator()
    let whole = try powerFails(kind, skipping: nil, rounds: 3 * durabilityRounds, &generator)
    #expect(whole.wrong == 0, "\(generator)")
    #expect(whole.kinds.contains("file in prepare") && whole.kinds.contains("folder in prepare"))
  }

  // Minutes: `Tests/mutations.py` asks for it.
  @Test(
    "no sync can be left out", .enabled(if: TestEnvironment.value("VOLLEY_MUTATIONS") != nil), arguments: durableKinds)
  func everySyncIsNeeded(kind: Kind) throws {
    var generator = SeededGenerator()
    let kinds = try powerFails(kind, skipping: nil, rounds: 3, &generator).kinds
    for skipped in kinds.sorted() {
      let found = try powerFails(kind, skipping: skipped, rounds: 60, &generator)
      print("left out of \(kind): \(skipped): \(found.wrong > 0 ? "found" : "nobody misses it")")
      #expect(
        found.wrong > 0 || kind.redundant.contains(skipped), "nobody misses the sync of a \(skipped); \(generator)")
    }
  }

  @Test(
    "without epochs all is there when the sink has ended and the power fails, also in folders that it has made",
    arguments: [
      Kind(format: "csv", name: "out/x.csv"), Kind(format: "csv", name: "out/"), Kind(format: "csv", name: "out/a/b/"),
      Kind(format: "csv", name: "out/a/", options: #"{"partitionBy":"text"}"#),
    ])
  func ended(kind: Kind) throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    mkdir(folder.file("out"), 0o777)
    let power = PowerLoss(folder.file("out"))
    defer { power.end() }
    func files() -> Set<String> {
      let found = TestProcess.run(["sh", "-c", "find out -type f -exec md5sum {} +"], folder: folder.path).output
      return Set(found.split(separator: "\n").map { String($0) })
    }
    try run(try kind.factory(folder).make(alone), [rows])
    let complete = files()
    #expect(complete.count == 1)
    power.fail(.everything, &generator)
    #expect(files() == complete)
  }

  private func sink(
    _ kind: Kind, _ folder: TemporaryFolder, own: [SinkTransaction] = []
  ) throws -> any TransactionalSink {
    let sink = try #require(try kind.factory(folder).make(alone) as? any TransactionalSink)
    try sink.useEpochs()
    try sink.recover(own: own, all: own)
    return sink
  }

  private let rows = batch(KilledSink.fields, [[.int64(1), .utf8("a")]])

  @Test("a run from the beginning does not add its rows to those of another one")
  func former() throws {
    let folder = TemporaryFolder()
    let kind = Kind(format: "csv", name: "out/")
    try run(try kind.factory(folder).make(alone), [rows])
    let out = folder.file("out/")
    #expect(
      message { _ = try sink(kind, folder) }
        == "sink 'out' (csv): '\(out)' holds 1 file of an earlier run, such as 'part-0.csv', and this one begins without a "
        + "checkpoint and would add its rows to theirs; go on from a checkpoint of that run, remove them, or give another path"
    )
    unlink(folder.file("out/part-0.csv"))
    let first = try sink(kind, folder)
    try first.open()
    try first.write(rows)
    try first.commit(first.prepare(Epoch(1)))
    try first.close(complete: true)
    #expect(
      message { try run(try kind.factory(folder).make(alone), [rows]) }
        == "sink 'out' (csv): '\(out)' holds files of a run with checkpoints, such as 'part-0.0.csv', which this one without them "
        + "would not replace; remove them or give another path")
    // A folder to which rows are added keeps all.
    let rolled = Kind(format: "csv", name: "out/", options: #"{"rollBytes":1000}"#)
    let second = try sink(rolled, folder)
    try second.open()
    try second.write(rows)
    try second.commit(second.prepare(Epoch(1)))
    try second.close(complete: true)
    #expect(folder.read("out/part-0.0.csv") == folder.read("out/part-0-0.csv"))
  }

  @Test("a file that is gone on with is hidden before rows are added, and stays so when the power fails")
  func hiddenAgain() throws {
    var generator = SeededGenerator()
    let kind = Kind(format: "jsonlines", name: "out/x.jsonl")
    for _ in 0..<40 {
      let folder = TemporaryFolder()
      mkdir(folder.file("out"), 0o777)
      let first = try sink(kind, folder)
      try first.open()
      try first.write(rows)
      let transactions = try first.prepare(Epoch(1))
      try first.commit(transactions)
      try first.close(complete: true)
      #expect(folder.read("out/x.jsonl")?.isEmpty == false)
      let power = PowerLoss(folder.file("out"))
      defer { power.end() }
      let second = try sink(kind, folder, own: transactions)
      try second.open()
      try second.write(rows)
      try second.flush()
      power.fail(.random, &generator)
      #expect(folder.read("out/x.jsonl") == nil, "\(generator)")
      withExtendedLifetime(second) {}
    }
  }

  @Test("a file that a reader has taken is not missed, a folder that is not there is")
  func taken() throws {
    let folder = TemporaryFolder()
    let kind = Kind(format: "csv", name: "out/")
    let first = try sink(kind, folder)
    try first.open()
    try first.write(rows)
    let transactions = try first.prepare(Epoch(1))
    try first.commit(transactions)
    unlink(folder.file("out/part-0.0.csv"))
    let second = try sink(kind, folder, own: transactions)
    try second.open()
    try second.write(rows)
    try second.commit(second.prepare(Epoch(2)))
    // The name is not given again.
    #expect(folder.read("out/part-0.1.csv") != nil && folder.read("out/part-0.0.csv") == nil)
    _ = TestProcess.run(["rm", "-r", folder.file("out")])
    #expect(
      message { _ = try sink(kind, folder, own: transactions) }.hasPrefix(
        "sink 'out' (csv): \(folder.file("out/part-0.0.csv")): a file of a complete checkpoint cannot be given its name: "
      ))
  }

  @Test("a single file without the rows of its epoch is refused")
  func lost() throws {
    let folder = TemporaryFolder()
    let kind = Kind(format: "csv", name: "x.csv")
    let first = try sink(kind, folder)
    try first.open()
    try first.write(rows)
    let transactions = try first.prepare(Epoch(1))
    try first.commit(transactions)
    try first.close(complete: false)
    #expect(folder.read("x.csv") == nil)
    let hidden = folder.file(".x.csv.volley-epoch")
    truncate(hidden, 3)
    #expect(
      message { _ = try sink(kind, folder, own: transactions) }
        == "sink 'out' (csv): \(hidden): has 3 bytes, and the checkpoint counts 12; bring the file back, or begin without it "
        + "(--from none)")
    unlink(hidden)
    folder.write("x.csv", "another file of that name")
    #expect(
      message { _ = try sink(kind, folder, own: transactions) }
        == "sink 'out' (csv): \(hidden): the rows of the checkpoint are not there; bring the file back, or begin without them "
        + "(--from none)")
    #expect(
      message { _ = try sink(Kind(format: "csv", name: "y.csv"), folder, own: transactions) }
        == "sink 'out' (csv): writes '\(folder.file("y.csv"))', and the rows of the checkpoint are for '\(folder.file("x.csv"))'; "
        + "give the sink that path, or another uid")
    #expect(
      message { _ = try sink(kind, folder, own: [SinkTransaction("{}")]) }
        == "sink 'out' (csv): the checkpoint's '{}' is nothing that this sink has written; was it another connector? Give its uid to "
        + "none but the same sink")
  }

  @Test("what is seen at once says so, and is written as it comes")
  func devices() throws {
    let folder = TemporaryFolder()
    let path = folder.file("pipe")
    mkfifo(path, 0o600)
    let reader = open(path, O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    let kind = Kind(format: "csv", name: "pipe")
    #expect(
      try kind.factory(folder).guarantee
        == .atLeastOnce(reason: "'\(path)' is no regular file, and its rows are seen at once"))
    let first = try sink(kind, folder)
    try first.open()
    try first.write(rows)
    #expect(try first.prepare(Epoch(1)) == [])
    var bytes = [UInt8](repeating: 0, count: 100)
    #expect(read(reader, &bytes, 100) == 12)
    let power = PowerLoss(folder.path)
    defer { power.end() }
    power.phase = "close"
    try first.close(complete: true)
    // It may be a device that has a cache.
    #expect(power.kinds == ["file in close"])
    #expect(try makeSink("console", [], KilledSink.fields).guarantee.name == "at-least-once")
    #expect(try makeSink("blackhole", [], KilledSink.fields).guarantee == .exactlyOnce)
    #expect(try Kind(format: "csv", name: "out/").factory(folder).guarantee == .exactlyOnce)
  }
}
