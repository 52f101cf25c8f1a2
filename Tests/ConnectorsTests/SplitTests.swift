import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

@Suite("Splits") struct SplitTests {
  @Test("every split size gives each line once, and the same as the whole file")
  func everySplitSize() throws {
    let folder = TemporaryFolder()
    for (number, document) in [
      "", "\n", "a", "a\n", "\n\na\n\n", "first\nsecond line\r\n\nx\ny\nthe last",
      "0123456789012345678901234567890\n1\n",
    ].enumerated() {
      let path = folder.write("in\(number)", document)
      let fields = [Field("line", .utf8)]
      let whole = try rows(of: try textSource("lines", path, fields))
      for size in 1...(document.utf8.count + 1) {
        for chunk in [1, 3, 1000] {
          let splits = FileSplit.splits(
            of: path, byteCount: Int64(document.utf8.count), isSplittable: true, size: Int64(size))
          #expect(splits.first?.start == 0 && splits.last?.end == .max)
          let parts = try splits.flatMap {
            try rows(of: try textSource("lines", path, fields, chunkBytes: chunk, splits: [$0]))
          }
          #expect(parts == whole, "splits of \(size) bytes, chunks of \(chunk)")
          #expect(try rows(of: try textSource("lines", path, fields, chunkBytes: chunk, splits: splits)) == whole)
        }
      }
    }
  }

  @Test("a bad record of a later split is named with its line in the file")
  func lineNumbers() throws {
    let folder = TemporaryFolder()
    let lines = (0..<200).map { $0 == 150 || $0 == 177 ? "{\"a\":\"bad\"}" : "{\"a\":\($0)}" }
    let path = folder.write("in.jsonl", lines.joined(separator: "\n"))
    for size in [10, 64, 500, 1000] as [Int64] {
      let dead = folder.file("dead-\(size)")
      let splits = FileSplit.splits(of: path, byteCount: 2000, isSplittable: true, size: size)
      for split in splits {
        let source = try textSource(
          "jsonlines", path, [Field("a", .int64)], badRecords: .deadLetter(path: dead), splits: [split])
        _ = try rows(of: source)
      }
      let text = String(decoding: folder.read("dead-\(size)") ?? [], as: UTF8.self)
      let found = text.split(separator: "\n").compactMap { try? JSONValue.parse(Array($0.utf8))["line"] }
      #expect(found == [.int(151), .int(178)], "splits of \(size) bytes: \(text)")
    }
  }

  @Test("the files of patterns are read once each, spread over the subtasks")
  func patterns() throws {
    let folder = TemporaryFolder()
    for index in 0..<7 { folder.write("part-\(index).jsonl", "{\"a\":\(index)}\n") }
    folder.write("other.txt", "no JSON")
    folder.write("odd[1].jsonl", "{\"a\":70}\n")
    let paths: JSONValue = .array([
      .string(folder.file("part-*.jsonl")), .string(folder.file("part-3.jsonl")), .string(folder.file("odd[1].jsonl")),
    ])
    for parallelism in [1, 2, 3, 20] {
      let factory = try makeSource("jsonlines", [.init("path", paths)], [Field("a", .int64)])
      let parts = try (0..<parallelism).map { try rows(of: try factory.make(subtask($0, of: parallelism))) }
      #expect(parts.flatMap { $0 }.compactMap { $0[0].flatMap { Int($0) } }.sorted() == [0, 1, 2, 3, 4, 5, 6, 70])
      #expect(parts.allSatisfy { $0.count <= (8 + parallelism - 1) / parallelism })
    }
  }

  @Test("an input that is not there is named")
  func missingInput() throws {
    let folder = TemporaryFolder()
    _ = TestProcess.run(["mkdir", folder.file("sub")])
    func failing(_ path: String) -> Failure? {
      failure {
        _ = try makeSource("csv", [.init("path", .string(path))], [Field("a", .int64)]).make(alone)
      }
    }
    let missing = failing(folder.file("none.csv"))
    #expect(missing?.kind == .noInput)
    #expect(
      missing?.message == "source 'orders' (csv): \(folder.path)/none.csv: cannot be read: No such file or directory; "
        + "correct the option 'path'")
    let unmatched = failing(folder.file("*.csv"))
    #expect(unmatched?.kind == .noInput)
    #expect(
      unmatched?.message
        == "source 'orders' (csv): no file matches '\(folder.path)/*.csv'; correct the option 'path' or "
        + "provide the files")
    #expect(
      failing("/nowhere/*.csv")?.message
        == "source 'orders' (csv): '/nowhere/*.csv' leads into a directory that cannot be read: No such file or directory; "
        + "correct the option 'path' or create the directory")
    let directory = failing(folder.file("sub"))
    #expect(directory?.kind == .noInput)
    #expect(
      directory?.message
        == "source 'orders' (csv): \(folder.path)/sub: is a directory, expected a file; name its files with a "
        + "pattern such as '\(folder.path)/sub/*'")
  }

  @Test("a file that may not be read is named")
  func unreadable() throws {
    let folder = TemporaryFolder()
    let path = folder.write("secret.csv", "a\n1\n")
    _ = TestProcess.run(["chmod", "000", path])
    // Root reads everything, so there the file of another kernel object that nobody reads stands in.
    let denied = TestProcess.run(["id", "-u"]).output == "0\n" ? "/proc/self/mem" : path
    let result = failure {
      let source = try makeSource("csv", [.init("path", .string(denied))], [Field("a", .int64)]).make(alone)
      _ = try rows(of: source)
    }
    #expect(result?.kind == .noInput || result?.kind == .io)
    #expect(result?.message.contains(denied) == true)
  }

  @Test("a stopped source ends with what it has decoded")
  func stopping() throws {
    let folder = TemporaryFolder()
    let path = folder.write("in", String(repeating: "line\n", count: 1000))
    let source = try textSource("lines", path, [Field("line", .utf8)])
    guard case .batch(let batch) = try source.read(maxRows: 10, timeout: .seconds(1)) else {
      Issue.record("no batch")
      return
    }
    #expect(batch.length == 10)
    source.stop()
    guard case .end = try source.read(maxRows: 10, timeout: .seconds(1)) else {
      Issue.record("no end")
      return
    }
  }
}
