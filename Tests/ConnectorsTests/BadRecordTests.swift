import Base
import Dataflow
import DurabilityTestSupport
import Glibc
import Observability
import Synchronization
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

@Suite("Bad records") struct BadRecordTests {
  @Test("a dead-letter file that is one of the inputs is refused, under whatever name")
  func deadLetterIsInput() throws {
    let folder = TemporaryFolder()
    let path = folder.write("in.csv", "a\nx\n")
    let link = folder.file("dead.jsonl")
    #expect(symlink(path, link) == 0)
    for dead in [path, link] {
      let policy = BadRecordPolicy(.deadLetter(path: dead), place: "source 'o' (csv)")
      let refusal = Failure(
        .usage, "source 'o' (csv): the dead-letter file \(dead) is one of the files to read; name another one")
      #expect(throws: refusal) { try policy.refuseInputs([folder.file("other.csv"), path]) }
      try policy.refuseInputs([folder.file("other.csv")])
    }
  }

  @Test("with a dead-letter file the other records survive, and each bad one is there with place and reason")
  func deadLetters() throws {
    let folder = TemporaryFolder()
    let path = folder.write(
      "in.csv", Array("a,b\n1,x\nnope,\"two\nlines\"\n3,z\n4\n5,".utf8) + [0xFF] + Array("\n6,\"open\n7,w\n".utf8))
    let dead = folder.file("dead.jsonl")
    for chunk in [1, 5, 1 << 20] {
      _ = TestProcess.run(["rm", "-f", dead])
      var policy: BadRecordPolicy?
      let metrics = StageMetrics()
      let source = try textSource(
        "csv", path, [Field("a", .int64), Field("b", .utf8)], chunkBytes: chunk, badRecords: .deadLetter(path: dead),
        metrics: metrics
      ) { policy = $0 }
      #expect(try rows(of: source) == [["1", "x"], ["3", "z"], ["7", "w"]])
      #expect(policy?.counter.value == 4)
      #expect(metrics.counts.deadLetters == 4)
      let lines = String(decoding: folder.read("dead.jsonl") ?? [], as: UTF8.self).split(separator: "\n")
      #expect(
        lines.map(String.init) == [
          #"{"file":"\#(path)","line":3,"offset":8,"reason":"column 'a': 'nope' is not an int64","record":"nope,\"two\nlines\""}"#,
          #"{"file":"\#(path)","line":6,"offset":29,"reason":"the row has 1 field, expected 2","record":"4"}"#,
          #"{"file":"\#(path)","line":7,"offset":31,"reason":"column 'b': '\#u{FFFD}' is not UTF-8","recordBase64":"NSz/"}"#,
          #"{"file":"\#(path)","line":8,"offset":35,"reason":"column 'b': the quote that opens the field is never closed","record":"6,\"open"}"#,
        ], "chunks of \(chunk) bytes")
    }
  }

  @Test(
    "what was set aside is on the disk when an epoch counts it, and when the source has ended",
    arguments: [true, false])
  func powerFails(byEpoch: Bool) throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    mkdir(folder.file("dead"), 0o777)
    let power = PowerLoss(folder.file("dead"))
    defer { power.end() }
    let path = folder.write("in.csv", "a\n1\nx\n2\ny\n")
    let factory = try makeSource(
      "csv", [.init("path", .string(path))], [Field("a", .int64)], .deadLetter(path: folder.file("dead/letters")))
    let source = try #require(try factory.make(alone) as? any ReplayableSource)
    try source.open()
    while case .batch = try source.read(maxRows: 10, timeout: .zero) {}
    if byEpoch { _ = try source.positions() } else { try source.close() }
    power.fail(.everything, &generator)
    let text = String(decoding: folder.read("dead/letters") ?? [], as: UTF8.self)
    #expect(text.split(separator: "\n").map { $0.suffix(13) } == [#""record":"x"}"#, #""record":"y"}"#])
  }

  @Test("a batch of JSON lines keeps its good rows around the bad ones")
  func goodRowsSurvive() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    var good: [[String?]] = []
    var bad = 0
    var document = ""
    for row in 0..<2000 {
      switch Int.random(in: 0..<4, using: &generator) {
      case 0:
        // A value that fits, one that is null, text: all must be taken back.
        document += #"{"s":"some text \#(row)","b":true,"a":null,"a":"#
        document += ["\"x\"}", "1.5}", "[}", "", "1} x"].randomElement(using: &generator)! + "\n"
        bad += 1
      case 1:
        document += #"{"a":\#(row),"s":"text \#(row)"}"# + "\n"
        good.append(["\(row)", "text \(row)", nil])
      case 2:
        document += "{\"b\":false}\n"
        good.append([nil, nil, "false"])
      default:
        document += #"{"b":true,"s":"","a":\#(row)}"# + "\n"
        good.append(["\(row)", "", "true"])
      }
    }
    let path = folder.write("in.jsonl", document)
    let fields = [Field("a", .int64), Field("s", .utf8), Field("b", .bool)]
    var policy: BadRecordPolicy?
    let source = try textSource("jsonlines", path, fields, badRecords: .deadLetter(path: folder.file("dead"))) {
      policy = $0
    }
    #expect(try rows(of: source) == good, "\(generator)")
    #expect(policy?.counter.value == bad, "\(generator)")
  }

  @Test("an overlong record is kept in part, with its length, and the next one is read")
  func overlong() throws {
    let folder = TemporaryFolder()
    let long = String(repeating: "x", count: 3000)
    for (format, document, expected) in [
      ("csv", "a,s\n1,x\n2,\(long)\n3,y\n", [["1", "x"], ["3", "y"]]),
      ("csv", "a,s\n1,x\n2,\"\(long)\n3,y\n", [["1", "x"], ["3", "y"]]),
      ("jsonlines", "{\"a\":1}\n{\"s\":\"\(long)\"}\n{\"a\":3}", [["1", nil], ["3", nil]]),
    ] as [(String, String, [[String?]])] {
      let path = folder.write("in", document)
      for chunk in [1, 10, 64, 1 << 20] {
        _ = TestProcess.run(["rm", "-f", folder.file("dead")])
        let source = try textSource(
          format, path, [Field("a", .int64), Field("s", .utf8)], chunkBytes: chunk, maxRecordBytes: 64,
          badRecords: .deadLetter(path: folder.file("dead")))
        #expect(try rows(of: source) == expected, "\(format), chunks of \(chunk) bytes")
        let lines = String(decoding: folder.read("dead") ?? [], as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 1, "\(format), chunks of \(chunk) bytes: \(lines)")
      }
    }
  }

  @Test("memory stays bounded while an overlong record is passed")
  func boundedMemory() throws {
    let folder = TemporaryFolder()
    let path = folder.write(
      "in.jsonl", "{\"a\":1}\n{\"s\":\"" + String(repeating: "x", count: 8 << 20) + "\"}\n{\"a\":2}\n")
    let dead = folder.file("dead")
    let source = try textSource(
      "jsonlines", path, [Field("a", .int64)], chunkBytes: 4096, maxRecordBytes: 1 << 20,
      badRecords: .deadLetter(path: dead))
    #expect(try rows(of: source) == [["1"], ["2"]])
    let record = try JSONValue.parse(folder.read("dead") ?? [])
    #expect(record["length"] == .int(8 << 20 + 8))
    guard case .string(let kept)? = record["record"] else {
      Issue.record("no record is kept")
      return
    }
    #expect(kept.utf8.count <= BadRecord.kept)
  }

  @Test("a dead-letter file that cannot be written is named")
  func unwritable() throws {
    let folder = TemporaryFolder()
    let path = folder.write("in.csv", "a\nx\n")
    for (dead, reason) in [
      ("/dev/full", "No space left on device"), (folder.file("none/dead"), "No such file or directory"),
    ] {
      let source = try textSource("csv", path, [Field("a", .int64)], badRecords: .deadLetter(path: dead))
      let result = failure { _ = try rows(of: source) }
      #expect(result?.kind == .io)
      #expect(
        result?.message
          == "source 'orders' (csv): the dead-letter file \(dead) cannot be written: \(reason); free space or name another"
      )
    }
  }

  @Test("the log is told how many there were, and which columns are skipped")
  func logging() throws {
    let folder = TemporaryFolder()
    let path = folder.write("in.csv", "a,extra,more\nx,,\n1,,\ny,,\n")
    let events = Mutex<[LogEvent]>([])
    let log = EventLog { event in events.withLock { $0.append(event) } }
    let factory = try makeSource(
      "csv", [.init("path", .string(path))], [Field("a", .int64)], .deadLetter(path: folder.file("dead")), log: log)
    #expect(try rows(of: try factory.make(alone)) == [["1"]])
    #expect(factory.badRecordCount == 2)
    #expect(
      events.withLock { $0.map(\.message) } == [
        "source 'orders' skips 'extra', 'more' of \(path), which its schema does not have",
        "2 records of source 'orders' could not be decoded and are in \(folder.file("dead"))",
      ])
  }
}
