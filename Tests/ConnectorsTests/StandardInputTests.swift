import Base
import Dataflow
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

/// A pipe, and a source that reads it as it would stdin.
private final class Piped {
  let source: TextSource
  private var writeEnd: Int32

  init(_ format: String, _ fields: [Field]) throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { fatalError("no pipe: errno \(errno)") }
    writeEnd = ends[1]
    let journal = SourceJournal(uid: "in", log: nil)
    let decoder: any RecordDecoder =
      format == "csv"
      ? CSVDecoder(schema: .init(fields), dialect: CSVDialect(), journal: journal)
      : LinesDecoder(column: fields[0])
    source = try TextSource(
      .stdin(InputFile(descriptor: ends[0], name: "stdin")), decoder: decoder, schema: .init(fields),
      policy: BadRecordPolicy(.stop, place: "source 'in' (stdin)"), maxRecordBytes: 1 << 20, journal: journal)
  }

  func send(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(write(writeEnd, bytes, bytes.count) == bytes.count)
  }

  func end() {
    close(writeEnd)
    writeEnd = -1
  }

  func read(_ timeout: Duration = .seconds(20)) throws -> [[String?]]? {
    switch try source.read(maxRows: 100, timeout: timeout) {
    case .batch(let batch): cells(batch)
    case .idle: []
    case .end: nil
    }
  }
}

@Suite("stdin source") struct StandardInputTests {
  @Test("complete lines are there at once, a part of a line waits for its end")
  func lineByLine() throws {
    let pipe = try Piped("lines", [Field("line", .utf8)])
    #expect(try pipe.read(.zero) == [])
    pipe.send("one\ntwo\nthr")
    #expect(try pipe.read() == [["one"], ["two"]])
    #expect(try pipe.read(.milliseconds(1)) == [])
    pipe.send("ee\n")
    #expect(try pipe.read() == [["three"]])
    pipe.send("last")
    pipe.end()
    #expect(try pipe.read() == [["last"]])
    #expect(try pipe.read() == nil)
  }

  @Test("a header and rows may come one by one")
  func csv() throws {
    let pipe = try Piped("csv", [Field("a", .int64), Field("s", .utf8)])
    pipe.send("s,a\n")
    #expect(try pipe.read(.milliseconds(1)) == [])
    pipe.send("x,1\n\"two\n")
    #expect(try pipe.read() == [["1", "x"]])
    pipe.send("lines\",2\n")
    #expect(try pipe.read() == [["2", "two\nlines"]])
    pipe.send("y,?\n")
    #expect(
      message { _ = try pipe.read() }
        == "stdin:5: column 'a': '?' is not an int64 (the record begins at byte 22); correct it, or give source 'in' (stdin) a "
        + "dead-letter file for such records")
  }

  @Test("a second source of the same input is refused while the first one reads")
  func secondReader() throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let first = InputFile(descriptor: ends[0], name: "stdin")
    let second = InputFile(descriptor: ends[0], name: "stdin")
    try first.claim(for: "source 'a' (stdin)")
    #expect(
      message { try second.claim(for: "source 'b' (stdin)") }
        == "source 'b' (stdin): stdin is read by another source already; read it once and use its rows twice")
    first.releaseClaim()
    try second.claim(for: "source 'b' (stdin)")
    second.releaseClaim()
    close(ends[0])
    close(ends[1])
  }

  @Test("stop wakes a read that waits")
  func stopping() throws {
    let pipe = try Piped("lines", [Field("line", .utf8)])
    pipe.send("kept\npart")
    #expect(try pipe.read() == [["kept"]])
    // The source is handed to a thread that only calls `stop`, which any thread may.
    nonisolated(unsafe) let source = pipe.source
    var thread = pthread_t()
    let box = Unmanaged.passRetained(source)
    pthread_create(
      &thread, nil,
      { box in
        if let box { Unmanaged<TextSource>.fromOpaque(box).takeRetainedValue().stop() }
        return nil
      }, box.toOpaque())
    var outcome = try pipe.read(.seconds(60))
    while outcome == [] { outcome = try pipe.read(.seconds(60)) }
    pthread_join(thread, nil)
    #expect(outcome == nil)
  }

  @Test("a named pipe is read as its writer writes")
  func namedPipe() throws {
    let folder = TemporaryFolder()
    let path = folder.file("fifo")
    #expect(mkfifo(path, 0o600) == 0)
    let factory = try makeSource("lines", [.init("path", .string(path))], [Field("line", .utf8)])
    let source = try factory.make(alone)
    guard case .idle = try source.read(maxRows: 10, timeout: .zero) else {
      Issue.record("there is no writer yet")
      return
    }
    let writer = open(path, O_WRONLY)
    #expect(write(writer, "a\nb", 3) == 3)
    guard case .batch(let batch) = try source.read(maxRows: 10, timeout: .seconds(20)) else {
      Issue.record("no row")
      return
    }
    #expect(cells(batch) == [["a"]])
    close(writer)
    #expect(try rows(of: source) == [["b"]])
  }
}
