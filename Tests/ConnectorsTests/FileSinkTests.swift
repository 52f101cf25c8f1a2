import Arrow
import Base
import Dataflow
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

private let fields = [Field("n", .int64)]
private func numbers(_ range: Range<Int64>) -> RecordBatch { batch(fields, range.map { [.int64($0)] }) }

private func list(_ folder: TemporaryFolder) -> [String] {
  TestProcess.run(["ls", "-A", folder.path]).output.split(separator: "\n").map(String.init)
}

private func csvSink(_ path: String) throws -> SinkFactory {
  try makeSink("csv", [.init("path", .string(path))], fields)
}

@Suite("File sinks") struct FileSinkTests {
  @Test("a file appears when it is complete, in the place of the former one, with its permissions")
  func atomic() throws {
    let folder = TemporaryFolder()
    let path = folder.write("out.csv", "former\n")
    chmod(path, 0o640)
    let sink = try csvSink(path).make(alone)
    #expect(sink.blocks)
    try sink.open()
    try sink.write(numbers(0..<3))
    try sink.flush()
    #expect(folder.read("out.csv") == Array("former\n".utf8))
    #expect(folder.read(".out.csv.volley-tmp") == Array("n\n0\n1\n2\n".utf8))
    try sink.close(complete: true)
    #expect(folder.read("out.csv") == Array("n\n0\n1\n2\n".utf8))
    #expect(list(folder) == ["out.csv"])
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o640)
  }

  @Test("after a failure nothing is left, and the former file is as it was")
  func incomplete() throws {
    let folder = TemporaryFolder()
    let path = folder.write("out.csv", "former\n")
    try run(try csvSink(path).make(alone), [numbers(0..<1000)], complete: false)
    #expect(folder.read("out.csv") == Array("former\n".utf8))
    #expect(list(folder) == ["out.csv"])
    // An instance that is never closed leaves nothing either.
    do {
      let sink = try csvSink(folder.file("other.csv")).make(alone)
      try sink.open()
      try sink.write(numbers(0..<10))
    }
    #expect(list(folder) == ["out.csv"])
  }

  @Test("what a killed process left is used again, and a link is followed")
  func leftovers() throws {
    let folder = TemporaryFolder()
    folder.write(".out.csv.volley-tmp", String(repeating: "old", count: 1000))
    try run(try csvSink(folder.file("out.csv")).make(alone), [numbers(5..<6)])
    #expect(folder.read("out.csv") == Array("n\n5\n".utf8))
    symlink("out.csv", folder.file("link.csv"))
    try run(try csvSink(folder.file("link.csv")).make(alone), [numbers(6..<7)])
    #expect(folder.read("out.csv") == Array("n\n6\n".utf8))
    #expect(list(folder) == ["link.csv", "out.csv"])
  }

  @Test("two writers of one file are refused")
  func twoWriters() throws {
    let folder = TemporaryFolder()
    let path = folder.file("out.csv")
    let first = try csvSink(path).make(alone)
    try first.open()
    #expect(
      message { try csvSink(path).make(alone).open() }
        == "sink 'out' (csv): \(path): is being written by another sink or process; give this sink a path of its own")
    try first.close(complete: true)
    try run(try csvSink(path).make(alone), [])
    #expect(folder.read("out.csv") == Array("n\n".utf8))
  }

  @Test("a path that ends with a slash is a directory with a file a subtask, and former parts go")
  func directory() throws {
    let folder = TemporaryFolder()
    let path = folder.file("deep/er/out/")
    for parallelism in [4, 2] {
      let factory = try makeSink("jsonlines", [.init("path", .string(path))], fields)
      let sinks = try (0..<parallelism).map { try factory.make(subtask($0, of: parallelism)) }
      for sink in sinks { try sink.open() }
      for (index, sink) in sinks.enumerated() {
        try sink.write(numbers(Int64(index)..<Int64(index + 1)))
        try sink.flush()
      }
      for sink in sinks.reversed() { try sink.close(complete: true) }
      let parts = (0..<parallelism).map { "part-\($0).jsonl" }
      #expect(TestProcess.run(["ls", "-A", path]).output.split(separator: "\n").map(String.init) == parts)
      for (index, part) in parts.enumerated() {
        #expect(folder.read("deep/er/out/\(part)") == Array("{\"n\":\(index)}\n".utf8))
      }
    }
  }

  @Test("a place that cannot be written is named")
  func unwritable() throws {
    let folder = TemporaryFolder()
    folder.write("file", "x")
    let missing = failure { try csvSink(folder.file("none/out.csv")).make(alone).open() }
    #expect(missing?.kind == .io)
    #expect(
      missing?.message
        == "sink 'out' (csv): \(folder.path)/none/out.csv: cannot be created: No such file or directory; "
        + "create the folder '\(folder.path)/none'")
    #expect(
      message { try csvSink(folder.path).make(alone).open() }
        == "sink 'out' (csv): \(folder.path): is a directory; name a "
        + "file, or end the path with '/' for one file a subtask in it")
    #expect(
      message { try csvSink(folder.file("file/")).make(alone).open() }.hasPrefix(
        "sink 'out' (csv): \(folder.path)/file"))
    #expect(
      message { try csvSink(folder.file("file/out.csv")).make(alone).open() }
        == "sink 'out' (csv): \(folder.path)/file/out.csv: cannot be created: Not a directory; a part of the path is a file: "
        + "correct the option 'path'")
    let long = String(repeating: "x", count: 256)
    #expect(
      message { try csvSink(folder.file(long)).make(alone).open() }
        == "sink 'out' (csv): \(folder.path)/\(long): cannot be created: File name too long; shorten the path")
    #expect(
      message { try csvSink("/proc/out.csv").make(alone).open() }.hasPrefix(
        "sink 'out' (csv): /proc/out.csv: cannot be created: "))
  }

  @Test("a full disk is named with the path, the bytes written and the remedy, and leaves no file")
  func fullDisk() throws {
    let device = failure { try run(try csvSink("/dev/full").make(alone), [numbers(0..<10)]) }
    #expect(device?.kind == .io)
    #expect(
      device?.message
        == "/dev/full: writing failed after 0 bytes: No space left on device; free space there or give the sink "
        + "another path")
    let folder = TemporaryFolder()
    let path = folder.write("out.csv", "former\n")
    do {
      // A disk with room for ten bytes.
      var room = 10
      let file = try OutputFile(path: path, place: "sink 'out' (csv)") { descriptor, bytes, count in
        guard room > 0 else {
          errno = ENOSPC
          return -1
        }
        let step = write(descriptor, bytes, min(room, count))
        room -= step
        return step
      }
      #expect(
        message {
          try Array("0123456789abcdef".utf8).withUnsafeBufferPointer { try file.write($0.baseAddress!, $0.count) }
        }
          == "\(path): writing failed after 10 bytes: No space left on device; free space there or give the sink another path"
      )
    }
    #expect(list(folder) == ["out.csv"])
    #expect(folder.read("out.csv") == Array("former\n".utf8))
  }

  @Test("a pipe or a device is written as it is")
  func devices() throws {
    try run(try csvSink("/dev/null").make(alone), [numbers(0..<10)])
    var status = stat()
    #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
  }

  @Test("stdout that its reader has closed ends the job with one sentence")
  func closedOutput() throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let sink = FileSink(
      StandardOutputTarget(descriptor: ends[1]),
      formatter: CSVFormatter(schema: Schema(fields), delimiter: 44, hasHeader: true))
    try sink.open()
    try sink.write(numbers(0..<2))
    try sink.flush()
    var bytes = [UInt8](repeating: 0, count: 64)
    #expect(read(ends[0], &bytes, 64) == 6 && bytes[0..<6] == ArraySlice("n\n0\n1\n".utf8))
    close(ends[0])
    try sink.write(numbers(0..<2))
    let result = failure { try sink.flush() }
    #expect(result?.kind == .io)
    #expect(result?.message.hasPrefix("stdout was closed by its reader after ") == true)
    #expect(result?.message.hasSuffix(" bytes; the job ends because its rows have no place to go") == true)
    try sink.close(complete: false)
    close(ends[1])
  }
}
