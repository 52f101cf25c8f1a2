import Arrow
import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

private let fields = [Field("id", .int64), Field("text", .utf8)]

@Suite("Sources that give an epoch's rows alone") struct BoundedSourceTests {
  private let resume = ResumeTests()

  /// Rows of any two epochs' difference come again, neither more nor fewer.
  private func check(
    _ job: KilledSource, _ generator: inout SeededGenerator, _ note: String, make: () throws -> SourceFactory
  ) throws {
    guard !job.epochs.isEmpty else { return }
    for _ in 0..<5 {
      let last = Int.random(in: job.epochs.indices, using: &generator)
      let first = Int.random(in: -1...last, using: &generator)
      let bound = job.epochs[last]
      let factory = try make()
      var given: [RecordBatch] = []
      for index in 0..<bound.parallelism {
        let source = try #require(try factory.make(subtask(index, of: bound.parallelism)) as? any BoundedSource)
        if first >= 0 { try source.resume(at: job.epochs[first].positions) }
        try source.end(at: bound.positions)
        try source.open()
        reading: while true {
          switch try source.read(maxRows: .random(in: 1...20, using: &generator), timeout: .zero) {
          case .batch(let batch): given.append(batch)
          case .idle: Issue.record("a source up to an epoch waits for nothing")
          case .end: break reading
          }
        }
        try source.close()
      }
      let range = (first < 0 ? 0 : job.epochs[first].kept)..<bound.kept
      #expect(lines(given) == lines(Array(job.kept[range])), "\(generator), \(note), from \(first) to \(last)")
    }
  }

  private func lines(_ batches: [RecordBatch]) -> [String] {
    canonical(batches).split(separator: "\n", omittingEmptySubsequences: true).map { String($0) }.sorted()
  }

  @Test("files give the rows between any two epochs, whatever happened between", arguments: ResumeTests.kinds)
  func files(kind: String) throws {
    var generator = SeededGenerator()
    for round in 0..<8 {
      let folder = TemporaryFolder()
      let pattern = try resume.write(kind, folder, &generator)
      let interleave = Int.random(in: 1...3, using: &generator)
      let make = { try resume.factory(kind, pattern, interleave: interleave) }
      var job = KilledSource(make: make)
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        try job.run(
          &generator, parallelism: .random(in: 1...4, using: &generator), reads: .random(in: 1...30, using: &generator),
          maxRows: 1...9)
      }
      try job.run(&generator, parallelism: .random(in: 1...4, using: &generator), reads: nil, maxRows: 1...99)
      try check(job, &generator, "round \(round), \(interleave) at once", make: make)
    }
  }

  @Test("a generator gives the rows between any two epochs")
  func generator() throws {
    var generator = SeededGenerator()
    for round in 0..<20 {
      let count = Int.random(in: 0...30_000, using: &generator)
      let make = {
        try makeSource("generator", [.init("rows", .int(Int64(count))), .init("seed", .int(7))], [fields[0]])
      }
      var job = KilledSource(make: make)
      for _ in 0..<3 {
        try job.run(
          &generator, parallelism: .random(in: 1...3, using: &generator), reads: .random(in: 1...10, using: &generator),
          maxRows: 1...9_000)
      }
      try check(job, &generator, "round \(round)", make: make)
    }
  }

  @Test("files that are watched give an epoch's rows, and nothing of those that came later")
  func watched() throws {
    let folder = TemporaryFolder()
    let options: [JSONValue.Member] = [.init("path", .string("\(folder.path)/in-*")), .init("watch", .bool(true))]
    func make() throws -> any BoundedSource {
      try #require(try makeSource("lines", options, [fields[1]]).make(alone) as? any BoundedSource)
    }
    func read(_ source: any BoundedSource, rows: Int) throws -> [String?] {
      var found: [String?] = []
      while found.count < rows {
        if case .batch(let batch) = try source.read(maxRows: rows - found.count, timeout: .seconds(1)) {
          found += cells(batch).map { $0[0] }
        }
      }
      return found
    }
    folder.write("in-a", "1\n2\n3\n")
    let first = try make()
    try first.open()
    #expect(try read(first, rows: 2) == ["1", "2"])
    let before = try first.positions()
    #expect(try read(first, rows: 1) == ["3"])
    folder.write("in-b", "4\n5\n6\n")
    #expect(try read(first, rows: 2) == ["4", "5"])
    let after = try first.positions()
    first.stop()
    folder.write("in-c", "7\n")

    let again = try make()
    try again.resume(at: before)
    try again.end(at: after)
    try again.open()
    var found: [String?] = []
    while case .batch(let batch) = try again.read(maxRows: 10, timeout: .zero) { found += cells(batch).map { $0[0] } }
    #expect(found == ["3", "4", "5"])
    guard case .end = try again.read(maxRows: 1, timeout: .zero) else {
      Issue.record("it waits for more")
      return
    }
  }

  @Test("a file that was begun and gave nothing in the epoch ends at once, also in front of a line without an end")
  func nothing() throws {
    let folder = TemporaryFolder()
    folder.write("a", "1\n2")
    folder.write("b", "3\n")
    for interleave: Int64 in [1, 2] {
      func make() throws -> any BoundedSource {
        let options: [JSONValue.Member] = [
          .init("path", .string("\(folder.path)/?")), .init("interleave", .int(interleave)),
        ]
        return try #require(try makeSource("lines", options, [fields[1]]).make(alone) as? any BoundedSource)
      }
      let first = try make()
      try first.open()
      guard case .batch(let batch) = try first.read(maxRows: 1, timeout: .zero) else {
        Issue.record("there is a row")
        return
      }
      #expect(cells(batch).map { $0[0] } == ["1"])
      let positions = try first.positions()
      let again = try make()
      try again.resume(at: positions)
      try again.end(at: positions)
      try again.open()
      guard case .end = try again.read(maxRows: 1, timeout: .zero) else {
        Issue.record("there is nothing")
        return
      }
      // Event time waits for all files that were open.
      #expect(again.takeSplitChanges() == (interleave == 1 ? [] : [.begins(SplitID(0)), .begins(SplitID(1))]))
    }
  }

  @Test("a file that is not what it was is refused, and so is another number of subtasks")
  func refusals() throws {
    let folder = TemporaryFolder()
    let path = folder.write("in", "1\n2\n3\n")
    func make(_ context: SubtaskContext = alone) throws -> any BoundedSource {
      try #require(
        try makeSource("lines", [.init("path", .string(path))], [fields[1]]).make(context) as? any BoundedSource)
    }
    let first = try make()
    try first.open()
    while case .batch = try first.read(maxRows: 10, timeout: .zero) {}
    let positions = try first.positions()
    #expect(
      message { try make(subtask(0, of: 2)).end(at: positions) }
        == "source 'orders' (lines): the rows were read with the parallelism 1, and it is 2 now; take the same")
    folder.write("in", "1\n2\n3\n4\n")
    #expect(
      message { try make().end(at: positions) }
        == "source 'orders' (lines): \(path): has grown since the epoch, and where it ended then is not known; bring it back as it was"
    )
    folder.write("in", "1\n")
    #expect(message { try make().end(at: positions) }.contains("has changed since the checkpoint was taken"))
  }
}
