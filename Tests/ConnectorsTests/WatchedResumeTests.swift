import Arrow
import Base
import Dataflow
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

@Suite("Watched files that go on") struct WatchedResumeTests {
  @Test(
    "files that come, go and are renamed are read once, however often the source is killed",
    arguments: [("lines", 1), ("lines", 2), ("arrow", 1), ("arrowstream", 1)])
  func random(kind: String, interleave: Int) throws {
    var generator = SeededGenerator()
    let fields = [Field("text", .utf8)]
    for round in 0..<10 {
      let folder = TemporaryFolder()
      var written: [String] = []
      var names: [String] = []
      var kept: [String] = []
      var positions: [SplitPosition]?
      for life in 0..<5 {
        // Of those there some are renamed, and those known to be read whole are removed.
        for (index, name) in names.enumerated() where Int.random(in: 0..<4, using: &generator) == 0 {
          names[index] = "r\(life)-\(index)"
          rename(folder.file(name), folder.file(names[index]))
        }
        for file in 0..<Int.random(in: 0...3, using: &generator) {
          let rows = (0..<Int.random(in: 1...30, using: &generator)).map { "\(life) \(file) \($0)" }
          if kind == "lines" {
            folder.write(".new", rows.map { "\($0)\n" }.joined())
          } else {
            try run(
              try makeSink(kind, [.init("path", .string(folder.file(".new")))], fields).make(alone),
              [batch(fields, rows.map { [.utf8($0)] })])
            TemporaryFolder.waitForWriters(of: folder.file(".new"))
          }
          rename(folder.file(".new"), folder.file("n\(life)-\(file)"))
          names.append("n\(life)-\(file)")
          written += rows
        }
        let isLast = life == 4
        let parallelism = Int.random(in: 1...3, using: &generator)
        let factory = try makeSource(
          kind,
          [
            .init("path", .string(folder.file("*"))), .init("watch", .bool(true)),
            .init("interleave", .int(Int64(interleave))),
          ], fields)
        let sources = try (0..<parallelism).map {
          try #require(try factory.make(subtask($0, of: parallelism)) as? any ReplayableSource)
        }
        if let positions { for source in sources { try source.resume(at: positions) } }
        for source in sources { try source.open() }
        var given: [String] = []
        var left = isLast ? 10_000 : Int.random(in: 0...20, using: &generator)
        var silent = 0
        // The last life ends when nothing comes from any of them.
        while left > 0, silent < 3 * parallelism {
          left -= 1
          let source = sources[left % parallelism]
          if case .batch(let batch) = try source.read(maxRows: .random(in: 1...9, using: &generator), timeout: .zero) {
            given += cells(batch).compactMap { $0[0] }
            silent = 0
          } else {
            silent += 1
          }
          if isLast || Int.random(in: 0..<4, using: &generator) == 0 {
            positions = try sources.flatMap { try $0.positions() }
            let splits = positions?.map(\.split) ?? []
            #expect(Set(splits).count == splits.count, "\(splits)")
            kept += given
            given = []
          }
        }
        for source in sources { source.stop() }
      }
      #expect(kept.sorted() == written.sorted(), "\(generator), round \(round)")
    }
  }

  @Test("a file that comes under the name of one that was read is read, and one that is gone is not missed")
  func replaced() throws {
    let folder = TemporaryFolder()
    func make() throws -> any ReplayableSource {
      try #require(
        try makeSource(
          "lines", [.init("path", .string(folder.file("*"))), .init("watch", .bool(true))], [Field("text", .utf8)]
        ).make(alone) as? any ReplayableSource)
    }
    func available(_ source: any ReplayableSource) throws -> [String] {
      var found: [String] = []
      while case .batch(let batch) = try source.read(maxRows: 100, timeout: .zero) {
        found += cells(batch).compactMap { $0[0] }
      }
      return found
    }
    folder.write("a", "a1\n")
    folder.write("b", "b1\n")
    let first = try make()
    try first.open()
    #expect(try available(first) == ["a1", "b1"])
    let positions = try first.positions()
    folder.write(".new", "a2\n")
    rename(folder.file(".new"), folder.file("a"))
    unlink(folder.file("b"))
    let second = try make()
    try second.resume(at: positions)
    try second.open()
    #expect(try available(second) == ["a2"])
    let third = try make()
    try third.resume(at: second.positions())
    try third.open()
    #expect(try available(third) == [])
  }

  @Test("a file that was read in part must be there")
  func lost() throws {
    let folder = TemporaryFolder()
    func make() throws -> any ReplayableSource {
      try #require(
        try makeSource(
          "lines", [.init("path", .string(folder.file("*"))), .init("watch", .bool(true))], [Field("text", .utf8)]
        ).make(alone) as? any ReplayableSource)
    }
    let path = folder.write("a", "1\n2\n")
    let first = try make()
    try first.open()
    _ = try first.read(maxRows: 1, timeout: .zero)
    let positions = try first.positions()
    unlink(path)
    #expect(
      message {
        let second = try make()
        try second.resume(at: positions)
      }
        == "source 'orders' (lines): \(path): is not there, and the checkpoint goes on within it; bring it back as it was, or "
        + "begin the source anew (--reset-source)")
  }
}
