import Arrow
import Base
import Dataflow
import DurabilityTestSupport
import Glibc
import TestSupport
import Testing

@testable import Connectors

@Suite("Rows of damaged epochs in folders") struct TakeBackTests {
  private let folder = TemporaryFolder()

  private func sink(_ options: String = "{}", _ place: SubtaskContext = alone) throws -> any TransactionalSink {
    let kind = EpochSinkTests.Kind(format: "csv", name: "out/", options: options)
    let sink = try #require(try kind.factory(folder).make(place) as? any TransactionalSink)
    try sink.useEpochs()
    return sink
  }

  private func row(_ id: Int64, _ text: String = "a") -> RecordBatch {
    batch(KilledSink.fields, [[.int64(id), .utf8(text)]])
  }

  /// An epoch of one row, which is shown.
  private func show(_ id: Int64, _ epoch: UInt64, _ sink: any TransactionalSink) throws -> [SinkTransaction] {
    try sink.write(row(id))
    let transactions = try sink.prepare(Epoch(epoch))
    try sink.commit(transactions)
    return transactions
  }

  private var files: [String] {
    TestProcess.run(["find", folder.file("out"), "-type", "f", "-printf", "%P\\n"]).output.split(separator: "\n")
      .map { String($0) }.sorted()
  }

  @Test("the files of damaged epochs go, those of the epoch that is gone on from stay, and no name is given again")
  func takesBack() throws {
    let first = try sink()
    try first.recover(own: [], all: [])
    try first.open()
    let whole = try show(1, 1, first)
    let damaged = try show(2, 2, first) + show(3, 3, first)
    #expect(files == ["part-0.0.csv", "part-0.1.csv", "part-0.2.csv"])
    // One of them was taken back before the power failed.
    unlink(folder.file("out/part-0.1.csv"))
    for removed in [1, 0] {
      let second = try sink()
      #expect(try second.takeBack(damaged) == .done(files: removed))
      try second.recover(own: whole, all: whole)
      #expect(files == ["part-0.0.csv"])
    }
    let third = try sink()
    #expect(try third.takeBack(damaged) == .done(files: 0))
    try third.recover(own: whole, all: whole)
    try third.open()
    _ = try show(2, 5, third)
    #expect(files == ["part-0.0.csv", "part-0.3.csv"])
    // The damaged ones are told of once more, and what was shown since stays.
    let fourth = try sink()
    #expect(try fourth.takeBack(damaged) == .done(files: 0))
    #expect(files == ["part-0.0.csv", "part-0.3.csv"])
  }

  @Test("what was taken back does not show again when the power fails, nor what somebody had removed before")
  func staysAway() throws {
    var generator = SeededGenerator()
    let first = try sink()
    try first.recover(own: [], all: [])
    try first.open()
    let damaged = try show(1, 1, first) + show(2, 2, first)
    let power = PowerLoss(folder.file("out"))
    defer { power.end() }
    unlink(folder.file("out/part-0.0.csv"))
    let second = try sink()
    #expect(try second.takeBack(damaged) == .done(files: 1))
    power.fail(.everything, &generator)
    #expect(files == [])
  }

  @Test("rows of damaged epochs that do not come again are shown, committed before or not, and no name is given again")
  func keeps() throws {
    let first = try sink()
    try first.recover(own: [], all: [])
    try first.open()
    let whole = try show(1, 1, first)
    var damaged = try show(2, 2, first)
    try first.write(row(3))
    damaged += try first.prepare(Epoch(3))
    // Of no epoch that was complete.
    try first.write(row(4))
    _ = try first.prepare(Epoch(4))
    #expect(files.filter { !$0.hasPrefix(".") } == ["part-0.0.csv", "part-0.1.csv"])
    for _ in 0..<2 {
      let other = try sink("{}", subtask(1, of: 2))
      let second = try sink("{}", subtask(0, of: 2))
      for sink in [other, second] {
        try sink.keep(damaged)
        try sink.recover(own: [], all: whole)
      }
      #expect(files == ["part-0.0.csv", "part-0.1.csv", "part-0.2.csv"])
    }
    let third = try sink()
    try third.keep(damaged + [SinkTransaction("{}")])
    try third.recover(own: whole, all: whole)
    try third.open()
    _ = try show(5, 5, third)
    #expect(files == ["part-0.0.csv", "part-0.1.csv", "part-0.2.csv", "part-0.3.csv"])
  }

  @Test("a single file keeps the rows of damaged epochs that do not come again", arguments: ["csv", "arrow"])
  func keepsInFile(format: String) throws {
    let kind = EpochSinkTests.Kind(format: format, name: "x")
    func file(_ whole: [SinkTransaction], kept: [SinkTransaction] = []) throws -> any TransactionalSink {
      let sink = try #require(try kind.factory(folder).make(alone) as? any TransactionalSink)
      try sink.useEpochs()
      if !kept.isEmpty { try sink.keep(kept) }
      try sink.recover(own: whole, all: whole)
      try sink.open()
      return sink
    }
    let first = try file([])
    let whole = try show(1, 1, first)
    let damaged = try show(2, 2, first)
    try first.write(row(3))
    try first.flush()
    try first.close(complete: false)
    let second = try file(whole, kept: damaged)
    try second.write(row(4))
    let last = try second.prepare(Epoch(5))
    try second.commit(last)
    try second.close(complete: true)
    #expect(ids("x", format) == "1 2 4")
    // It has its name, and the epoch before is gone back to once more: nothing is cut.
    let third = try file(whole, kept: damaged + last)
    try third.commit(third.prepare(Epoch(7)))
    try third.close(complete: true)
    #expect(ids("x", format) == "1 2 4")
  }

  /// As pyarrow reads them.
  private func ids(_ name: String, _ format: String) -> String {
    let program = """
      import sys, pyarrow as pa, pyarrow.csv
      path, format = sys.argv[1:]
      table = pa.ipc.open_file(path).read_all() if format == 'arrow' else pa.csv.read_csv(path)
      print(*table['id'].to_pylist())
      """
    let peer = TestProcess.python(program, arguments: [folder.file(name), format])
    return peer.status == 0 ? String(peer.output.dropLast()) : peer.errors
  }

  @Test("with another number of subtasks the first one takes back what all have shown, in folders of partitions too")
  func partitions() throws {
    let options = #"{"partitionBy":"text"}"#
    var damaged: [SinkTransaction] = []
    for index in 0..<3 {
      let sink = try sink(options, subtask(index, of: 3))
      try sink.recover(own: [], all: [])
      try sink.open()
      try sink.write(row(1, "a"))
      try sink.write(row(2, "b"))
      damaged += try sink.prepare(Epoch(1))
      try sink.commit(damaged)
    }
    #expect(files.count == 6)
    let second = try sink(options, subtask(1, of: 2))
    #expect(try second.takeBack(damaged) == .done(files: 0))
    #expect(files.count == 6)
    let first = try sink(options, subtask(0, of: 2))
    #expect(try first.takeBack(damaged) == .done(files: 6))
    #expect(files == [])
  }

  @Test("what lies in another folder than the sink's stays: it may be another job's")
  func elsewhere() throws {
    let first = try sink()
    try first.recover(own: [], all: [])
    try first.open()
    let damaged = try show(1, 1, first)
    let kind = EpochSinkTests.Kind(format: "csv", name: "other/", options: "{}")
    let other = try #require(try kind.factory(folder).make(alone) as? any TransactionalSink)
    try other.useEpochs()
    #expect(try other.takeBack(damaged) == .stays)
    #expect(files == ["part-0.0.csv"])
  }

  @Test("a folder that is not there and a file that cannot be removed are told, another connector's rows passed over")
  func refused() throws {
    let first = try sink()
    try first.recover(own: [], all: [])
    try first.open()
    let damaged = try show(1, 1, first)
    let path = folder.file("out/part-0.0.csv")
    unlink(path)
    mkdir(path, 0o777)
    let cannot = "sink 'out' (csv): \(path): a file of a damaged checkpoint, whose rows come again, cannot be removed: "
    let second = try sink()
    #expect(message { _ = try second.takeBack(damaged) }.hasPrefix(cannot))
    _ = TestProcess.run(["rm", "-r", folder.file("out")])
    #expect(message { _ = try second.takeBack(damaged) }.hasPrefix(cannot))
    #expect(try second.takeBack([SinkTransaction("{}")]) == .done(files: 0))
  }

  @Test("a single file is cut when it recovers, and what has no way to hide its rows says so")
  func others() throws {
    let kind = EpochSinkTests.Kind(format: "csv", name: "x.csv")
    func file(_ whole: [SinkTransaction], _ lost: [SinkTransaction] = []) throws -> any TransactionalSink {
      let sink = try #require(try kind.factory(folder).make(alone) as? any TransactionalSink)
      try sink.useEpochs()
      if !lost.isEmpty { #expect(try sink.takeBack(lost) == .done(files: 0)) }
      try sink.recover(own: whole, all: whole)
      try sink.open()
      return sink
    }
    let first = try file([])
    let whole = try show(1, 1, first)
    let damaged = try show(2, 2, first)
    try first.close(complete: false)
    let second = try file(whole, damaged)
    try second.commit(second.prepare(Epoch(4)))
    try second.close(complete: true)
    #expect(folder.read("x.csv").map { String(decoding: $0, as: UTF8.self) } == "id,text\n1,a\n")
    #expect(try Shown().takeBack(damaged) == .stays)
  }

  /// Transactional, and no more.
  private final class Shown: TransactionalSink {
    let blocks = false
    func open() {}
    func write(_ batch: RecordBatch) {}
    func flush() {}
    func close(complete: Bool) {}
    func useEpochs() {}
    func prepare(_ epoch: Epoch) -> [SinkTransaction] { [] }
    func commit(_ transactions: [SinkTransaction]) {}
    func recover(own: [SinkTransaction], all: [SinkTransaction]) {}
  }
}
