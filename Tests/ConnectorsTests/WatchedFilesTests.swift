import Arrow
import Base
import Dataflow
import Glibc
import Observability
import Synchronization
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

private let fields = [Field("n", .int64)]

private func watch(
  _ folder: TemporaryFolder, _ pattern: String = "*.csv", format: String = "csv", log: EventLog? = nil
) throws -> SourceFactory {
  var options: [JSONValue.Member] = [.init("path", .string(folder.file(pattern))), .init("watch", .bool(true))]
  if format == "csv" { options.append(.init("header", .bool(false))) }
  return try makeSource(format, options, fields, log: log)
}

/// What is there now, without waiting for more.
private func available(_ source: any Source) throws -> [String] {
  var found: [String] = []
  while case .batch(let batch) = try source.read(maxRows: 1000, timeout: .zero) {
    found += cells(batch).map { $0[0] ?? "null" }
  }
  return found
}

/// The next batch, waited for.
private func next(_ source: any Source) throws -> [String] {
  for _ in 0..<100 {
    switch try source.read(maxRows: 1000, timeout: .milliseconds(100)) {
    case .batch(let batch): return cells(batch).map { $0[0] ?? "null" }
    case .idle: continue
    case .end: return ["end"]
    }
  }
  return ["nothing came in ten seconds"]
}

private func moveIn(_ folder: TemporaryFolder, _ name: String, _ content: String) {
  folder.write("\(name).tmp", content)
  rename(folder.file("\(name).tmp"), folder.file(name))
}

@Suite("Watched files") struct WatchedFilesTests {
  @Test("files there and files moved in later are read once each, the one written first before the others")
  func order() throws {
    let folder = TemporaryFolder()
    for (index, name) in ["b.csv", "a.csv", "c.csv"].enumerated() {
      var times = [timespec(tv_sec: 1000, tv_nsec: 0), timespec(tv_sec: 1000 + (index == 0 ? 0 : 1), tv_nsec: 0)]
      utimensat(AT_FDCWD, folder.write(name, "\(index)\n"), &times, 0)
    }
    let source = try watch(folder).make(alone)
    try source.open()
    #expect(try available(source) == ["0", "1", "2"])
    for round in 3..<8 {
      moveIn(folder, "\(round).csv", "\(round)\n")
      #expect(try next(source) == ["\(round)"])
    }
    source.stop()
    #expect(try next(source) == ["end"])
    try source.close()
  }

  @Test("a file that is being written is left until it is closed, then read whole")
  func beingWritten() throws {
    let folder = TemporaryFolder()
    let source = try watch(folder).make(alone)
    try source.open()
    let descriptor = open(folder.file("x.csv"), O_WRONLY | O_CREAT, 0o644)
    for row in ["1\n", "2\n", "3\n"] {
      #expect(write(descriptor, row, row.utf8.count) == row.utf8.count)
      #expect(try available(source) == [])
    }
    close(descriptor)
    #expect(try next(source) == ["1", "2", "3"])
    try source.close()
  }

  @Test("hidden, temporary and empty files, folders and pipes are not read; with their final name or content they are")
  func temporary() throws {
    let folder = TemporaryFolder()
    let names = [".a.csv", "_b.csv", "c.csv.tmp", "d.csv~", "e.csv.part"]
    for name in names { folder.write(name, "1\n") }
    mkdir(folder.file("folder.csv"), 0o755)
    mkfifo(folder.file("pipe.csv"), 0o644)
    folder.write("empty.csv", "")
    let source = try watch(folder, "*").make(alone)
    try source.open()
    #expect(try available(source) == [])
    rename(folder.file("_b.csv"), folder.file("b.csv"))
    #expect(try next(source) == ["1"])
    folder.write("empty.csv", "2\n")
    #expect(try next(source) == ["2"])
    try source.close()
  }

  @Test("a folder may be named without a pattern, and folders that appear are watched")
  func folders() throws {
    let folder = TemporaryFolder()
    mkdir(folder.file("in"), 0o755)
    let plain = try watch(folder, "in").make(alone)
    let deep = try watch(folder, "in/*/*.csv").make(alone)
    try plain.open()
    try deep.open()
    #expect(try available(deep) == [])
    mkdir(folder.file("in/later"), 0o755)
    // Seen through the event of the folder that appeared.
    #expect(try available(deep) == [])
    moveIn(folder, "in/later/x.csv", "1\n")
    #expect(try next(deep) == ["1"])
    moveIn(folder, "in/y.csv", "2\n")
    #expect(try next(plain) == ["2"])
    try plain.close()
    try deep.close()
  }

  @Test("a file that is written again in place, with fewer bytes or as many, is not read and told once")
  func writtenAgain() throws {
    let folder = TemporaryFolder()
    let log = Mutex([String]())
    let source = try watch(
      folder, log: EventLog(minimum: .info) { line in log.withLock { $0.append(line.message) } }
    ).make(alone)
    try source.open()
    for name in ["a.csv", "b.csv"] {
      moveIn(folder, name, "123\n")
      #expect(try next(source) == ["123"])
    }
    folder.write("a.csv", "456\n")
    folder.write("b.csv", "7\n")
    for round in 0..<2 {
      moveIn(folder, "mark\(round).csv", "0\n")
      #expect(try next(source) == ["0"])
    }
    let told = log.withLock { $0.filter { $0.contains("has changed since source 'orders' took it") } }
    #expect(told.count == 2, "\(told)")
    try source.close()
  }

  @Test("a folder that appears under a path without wildcards is read, and what is missing is told")
  func laterFolder() throws {
    let folder = TemporaryFolder()
    let log = Mutex([String]())
    let source = try watch(
      folder, "in", log: EventLog(minimum: .info) { line in log.withLock { $0.append(line.message) } }
    ).make(alone)
    try source.open()
    #expect(try available(source) == [])
    #expect(
      log.withLock { $0 } == ["source 'orders' waits: '\(folder.file("in"))' is neither a file nor a folder yet"])
    mkdir(folder.file("in"), 0o755)
    moveIn(folder, "in/x.csv", "1\n")
    #expect(try next(source) == ["1"])
    try source.close()
    #expect(
      message { try watch(folder, "none/").make(alone).open() }
        == "source 'orders' (csv): the folder '\(folder.file("none"))' of '\(folder.file("none/"))' is missing; create it or correct the option 'path'"
    )
  }

  @Test("Arrow files and streams are watched as text is", arguments: ["arrow", "arrowstream"])
  func arrow(_ format: String) throws {
    let folder = TemporaryFolder()
    mkdir(folder.file("in"), 0o755)
    let put = { (name: String, numbers: [Int64]) in
      let sink = try makeSink(format, [.init("path", .string(folder.file("in/\(name)")))], fields).make(alone)
      try run(sink, [batch(fields, numbers.map { [.int64($0)] })])
    }
    try put("first", [1, 2])
    let options: [JSONValue.Member] = [.init("path", .string(folder.file("in"))), .init("watch", .bool(true))]
    let connector = Plan.Connector(name: format, options: .object(options))
    #expect(try BuiltinConnectors.inferSchema(connector, uid: "orders") == fields)
    let source = try makeSource(format, options, fields).make(alone)
    try source.open()
    #expect(try next(source) == ["1", "2"])
    #expect(try available(source) == [])
    for round in 3..<6 as Range<Int64> {
      try put("later-\(round)", [round])
      #expect(try next(source) == ["\(round)"])
      // Another file under a name that was read.
      try put("first", [-round])
      #expect(try next(source) == ["\(-round)"])
    }
    source.stop()
    #expect(try next(source) == ["end"])
    try source.close()
  }

  @Test("a file is not read again under another name, a link or when it is written again; one in its place is")
  func identity() throws {
    let folder = TemporaryFolder()
    let log = Mutex([String]())
    let source = try watch(
      folder,
      log: EventLog(minimum: .info) { line in log.withLock { $0.append(line.message) } }
    ).make(alone)
    try source.open()
    moveIn(folder, "a.csv", "1\n")
    #expect(try next(source) == ["1"])
    rename(folder.file("a.csv"), folder.file("b.csv"))
    link(folder.file("b.csv"), folder.file("c.csv"))
    folder.write("b.csv", "1\n2\n")
    moveIn(folder, "mark.csv", "0\n")
    #expect(try next(source) == ["0"])
    #expect(log.withLock { $0.filter { $0.contains("has grown since source 'orders' took it") }.count } == 1)
    moveIn(folder, "b.csv", "3\n")
    #expect(try next(source) == ["3"])
    // Out of sight and back.
    rename(folder.file("b.csv"), folder.file("b.hidden"))
    moveIn(folder, "mark2.csv", "4\n")
    #expect(try next(source) == ["4"])
    rename(folder.file("b.hidden"), folder.file("b.csv"))
    moveIn(folder, "mark3.csv", "5\n")
    #expect(try next(source) == ["5"])
    try source.close()
  }

  @Test("where nobody tells who writes, a file is complete once it has not changed for a while")
  func settling() throws {
    let folder = TemporaryFolder()
    folder.write("a.csv", "1\n")
    let journal = SourceJournal(uid: "orders", log: nil)
    let policy = BadRecordPolicy(.stop, place: "source 'orders' (csv)")
    let files = WatchedFiles(
      patterns: [folder.file("*.csv")], place: "source 'orders' (csv)", isSplittable: false, policy: policy,
      journal: journal, isBeingWritten: { _ in nil })
    try files.open()
    let wake = try WakePipe()
    let start = MonotonicTime.now
    var split: FileSplit?
    while split == nil, MonotonicTime.now - start < 10_000_000_000 {
      split = try files.take()
      if split == nil { files.wait(.seconds(10), wake: wake) }
    }
    #expect(split?.path == folder.file("a.csv"))
    #expect(MonotonicTime.now - start >= WatchedFiles.settleTime)
  }

  @Test("a file that is removed before its turn is told and passed, and a missing folder is named")
  func lost() throws {
    let folder = TemporaryFolder()
    let log = Mutex([String]())
    moveIn(folder, "a.csv", "1\n")
    moveIn(folder, "b.csv", "2\n")
    moveIn(folder, "c.csv", "3\n")
    let source = try watch(
      folder,
      log: EventLog(minimum: .info) { line in log.withLock { $0.append(line.message) } }
    ).make(alone)
    try source.open()
    guard case .batch = try source.read(maxRows: 1, timeout: .zero) else {
      Issue.record("no first batch")
      return
    }
    unlink(folder.file("c.csv"))
    #expect(try available(source) == ["2"])
    #expect(log.withLock { $0.contains { $0.contains("c.csv was removed before source 'orders' could read it") } })
    try source.close()
    let text = message { try watch(folder, "none/*.csv").make(alone).open() }
    #expect(text.hasPrefix("source 'orders' (csv): the folder '\(folder.path)/none' of '"))
    #expect(text.hasSuffix("is missing; create it or correct the option 'path'"))
  }

  @Test("a dead-letter file among the watched ones is refused")
  func deadLetter() throws {
    let folder = TemporaryFolder()
    folder.write("bad.csv", "x\n")
    let source = try makeSource(
      "csv", [.init("path", .string(folder.file("*.csv"))), .init("watch", .bool(true))], fields,
      .deadLetter(path: folder.file("bad.csv"))
    ).make(alone)
    try source.open()
    #expect(message { _ = try source.read(maxRows: 1, timeout: .zero) }.contains("is one of the files to read"))
  }

  @Test("several instances share the files: each row comes once, whoever reads it, while files go on coming")
  func shared() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    let factory = try watch(folder, "*.jsonl", format: "jsonlines")
    let files = 150
    let sizes = (0..<files).map { _ in Int.random(in: 1...400, using: &generator) }
    let total = sizes.reduce(0, +)
    let found = Monitor([[Int64]](repeating: [], count: 3))
    let sources = try (0..<3).map { try factory.make(subtask($0, of: 3)) }
    for source in sources { try source.open() }
    let threads = sources.enumerated().map { index, source in
      TestThread {
        while case let outcome = try? source.read(maxRows: 100, timeout: .milliseconds(50)), let outcome {
          switch outcome {
          case .batch(let batch):
            let values = (0..<batch.length).map { batch.columns[0].values(Int64.self)[$0] }
            found.withLock { $0[index] += values }
            found.broadcast()
          case .idle: continue
          case .end: return
          }
        }
      }
    }
    var next = 0
    for (index, size) in sizes.enumerated() {
      moveIn(folder, "\(index).jsonl", (next..<(next + size)).map { "{\"n\":\($0)}\n" }.joined())
      next += size
    }
    let done: Bool? = found.wait(until: .now + 20_000_000_000) { $0.joined().count >= total ? true : nil }
    #expect(done == true, "\(generator)")
    for source in sources { source.stop() }
    for thread in threads { thread.join() }
    for source in sources { try source.close() }
    #expect(found.withLock { $0.joined().sorted() } == (0..<Int64(total)).map { $0 }, "\(generator)")
  }
}

/// A thread that a test waits for.
private final class TestThread {
  private var thread = pthread_t()

  init(_ body: @escaping () -> Void) {
    let box = Unmanaged.passRetained(Box(body))
    pthread_create(
      &thread, nil,
      {
        Unmanaged<Box>.fromOpaque($0!).takeRetainedValue().body()
        return nil
      }, box.toOpaque())
  }

  func join() { pthread_join(thread, nil) }

  private final class Box {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }
}
