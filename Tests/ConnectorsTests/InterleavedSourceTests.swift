import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

@Suite("Files that are read at once")
struct InterleavedSourceTests {
  /// What a source says of its splits and the first cells of its batches, in order.
  private func words(_ source: any Source, maxRows: Int) throws -> [String] {
    var words: [String] = []
    func take() {
      for change in source.takeSplitChanges() {
        switch change {
        case .begins(let split): words.append("+\(split.number)")
        case .gives(let split): words.append("\(split.number):")
        case .ends(let split): words.append("-\(split.number)")
        }
      }
    }
    #expect(source.tellsSplits && source.blocks)
    try source.open()
    while true {
      take()
      let outcome = try source.read(maxRows: maxRows, timeout: .seconds(10))
      take()
      switch outcome {
      case .batch(let batch): words.append(cells(batch).map { $0[0] ?? "null" }.joined(separator: " "))
      case .idle: continue
      case .end:
        try source.close()
        return words
      }
    }
  }

  @Test("a batch of each in turn, and the next file begins before the one whose place it takes ends")
  func turns() throws {
    let folder = TemporaryFolder()
    for (name, text) in [("a", "1\n2\n3\n4\n"), ("b", "10\n"), ("c", ""), ("d", "20\n21\n22\n")] {
      _ = folder.write("\(name).txt", text)
    }
    let factory = try makeSource(
      "lines", [.init("path", .string(folder.file("*.txt"))), .init("interleave", .int(2))], [Field("line", .utf8)])
    let found = try words(try factory.make(alone), maxRows: 2)
    #expect(
      found == [
        "+0", "+1", "0:", "1 2", "1:", "10", "0:", "3 4", "+2", "-1", "+3", "-2", "3:", "20 21", "-0", "3:", "22", "-3",
      ])
  }

  @Test("every format gives the rows that it gives one file after the other", arguments: [1, 2, 3])
  func formats(parallelism: Int) throws {
    let folder = TemporaryFolder()
    for file in 0..<5 {
      let ids = (0..<(file * 37)).map { file * 1000 + $0 }
      _ = folder.write("\(file).csv", "id\n" + ids.map { "\($0)\n" }.joined())
      _ = folder.write("\(file).jsonl", ids.map { "{\"id\":\($0)}\n" }.joined())
    }
    for (format, pattern) in [("csv", "*.csv"), ("jsonlines", "*.jsonl")] {
      func read(_ interleave: Int64) throws -> [[String?]] {
        let factory = try makeSource(
          format, [.init("path", .string(folder.file(pattern))), .init("interleave", .int(interleave))],
          [Field("id", .int64)])
        return try (0..<parallelism).flatMap { index in
          try rows(of: try factory.make(subtask(index, of: parallelism)), maxRows: 10)
        }
      }
      let expected = try read(1)
      #expect(expected.count == 370)
      let found = try read(3)
      #expect(found != expected || parallelism == 3)
      #expect(found.map { $0[0] ?? "" }.sorted() == expected.map { $0[0] ?? "" }.sorted(), "\(format)")
    }
  }

  @Test("files that appear while others are read join them, and the source goes on when it is stopped only")
  func watched() throws {
    let folder = TemporaryFolder()
    _ = folder.write("a.txt", "1\n2\n")
    let factory = try makeSource(
      "lines",
      [.init("path", .string(folder.file("*.txt"))), .init("interleave", .int(4)), .init("watch", .bool(true))],
      [Field("line", .utf8)])
    let source = try factory.make(alone)
    try source.open()
    var found: [String] = []
    var isWritten = false
    while found.count < 4 {
      guard case .batch(let batch) = try source.read(maxRows: 1, timeout: .milliseconds(50)) else { continue }
      found += cells(batch).map { $0[0] ?? "null" }
      if !isWritten { _ = folder.write("b.txt", "3\n4\n") }
      isWritten = true
    }
    #expect(found.sorted() == ["1", "2", "3", "4"])
    source.stop()
    guard case .end = try source.read(maxRows: 1, timeout: .seconds(10)) else {
      Issue.record("it goes on after it was stopped")
      return
    }
    try source.close()
  }

  @Test("no files at once is refused")
  func refused() {
    #expect(throws: Failure.self) {
      try makeSource(
        "lines", [.init("path", .string("x")), .init("interleave", .int(0))], [Field("line", .utf8)])
    }
  }
}
