import CVolley
import TestSupport
import Testing
import VolleyPlan

@testable import Host

/// Whatever is wrong, `volley-host` says it in one sentence with place and remedy, and ends with the right exit code.
@Suite struct BadInputTests {
  private let schema = [
    Field("a", .int64, nullable: false), Field("b", .float64, nullable: false), Field("s", .utf8, nullable: false),
  ]

  /// Runs a command and expects one sentence, which begins like this and says all of these.
  private func expect(
    _ command: [String], _ status: Int32, says sentence: String, and more: String...,
    at location: SourceLocation = #_sourceLocation
  ) {
    let outcome = TestProcess.run(command)
    #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: location)
    let lines = outcome.errors.split(separator: "\n").filter { !$0.hasPrefix("{") }
    #expect(lines.count == 1, "\(outcome.errors)", sourceLocation: location)
    let line = lines.first.map(String.init) ?? ""
    #expect(line.hasPrefix("volley-host: "), sourceLocation: location)
    for text in [sentence] + more { #expect(line.contains(text), "\(line)", sourceLocation: location) }
  }

  // MARK: Files

  @Test(
    "a damaged file stops the job with file, line and reason",
    arguments: [
      ("csv", "a,b,s\n1,2.5,\"abc", 2, "column 's': the quote that opens the field is never closed"),
      ("csv", "a,b,s\n1,2.5,x\n2,3", 3, "the row has 2 fields, expected 3"),
      ("csv", "a,b,s\n1,2.5,x,9\n", 2, "the row has more than the expected 3 fields"),
      ("csv", "a,b,s\n1,2.5,x\nx,2.5,x\n", 3, "column 'a': 'x' is not an int64"),
      ("csv", "a,b,s\n99999999999999999999,2,3\n", 2, "'99999999999999999999' is out of range for an int64"),
      ("csv", "a,b,s\n1,2.5,\u{1}FF\n", 2, "is not UTF-8"),
      (
        "csv", "a,b,s\n1,2.5,\u{1}HUGE\n", 2, "the record has more than the 16777216 bytes that 'maxRecordBytes' allows"
      ),
      (
        "jsonlines", "{\"a\":1,\"b\":2,\"s\":\"x\"}\n{\"a\":1,\"b\":", 2,
        "column 'b': found the end of the line, expected a value"
      ),
      ("jsonlines", "{\"a\":\"x\",\"b\":2,\"s\":\"x\"}\n", 1, "column 'a': '\"x\"' is not an int64"),
      (
        "jsonlines", "{\"a\":1,\"b\":2}\n", 1,
        "column 's': the record has no such member, but the column is not nullable"
      ),
      ("jsonlines", "{\"a\":1,\"b\":2,\"s\":\"\u{1}FF\"}\n", 1, "is not UTF-8"),
      ("jsonlines", "{\"a\":1,\"b\":2,\"s\":\"\u{1}HUGE\"}\n", 1, "the record has more than the 16777216 bytes"),
      ("jsonlines", "hello\n", 1, "found 'h' at byte 1 of the record, expected an object"),
      ("jsonlines", "\0\0\n", 1, "found '\\u{0}' at byte 1 of the record, expected an object"),
    ])
  func damagedFiles(format: String, text: String, line: Int, reason: String) {
    let folder = TemporaryFolder()
    var bytes = Array(text.utf8)
    if let mark = bytes.firstIndex(of: 1) {
      let isHuge = bytes[mark + 1] == UInt8(ascii: "H")
      bytes.replaceSubrange(
        mark..<mark + (isHuge ? 5 : 3), with: isHuge ? [UInt8](repeating: 120, count: 17 << 20) : [0xFF])
    }
    let path = folder.write("input", bytes)
    let output = folder.file("out.jsonl")
    let pipeline = PeerPipeline.straight(from: .file(format, path, schema), to: .file("jsonlines", output))
    expect(
      pipeline.command(), 65, says: "\(path):\(line): ", and: reason,
      "correct it, or give source 'in' (\(format)) a dead-letter file for such records")
    #expect(folder.read("out.jsonl") == nil, "nothing half-written may look whole")
  }

  @Test("an empty file is a file without rows", arguments: ["csv", "jsonlines"])
  func emptyFile(format: String) {
    let folder = TemporaryFolder()
    let path = folder.write("input", "")
    let pipeline = PeerPipeline.straight(
      from: .file(format, path, schema), to: .file("jsonlines", folder.file("out.jsonl")))
    #expect(TestProcess.run(pipeline.command()).status == 0)
    #expect(folder.read("out.jsonl") == [])
  }

  @Test("an input that is not there ends with 66")
  func missingInput() {
    for path in ["/nowhere/x.csv", "/tmp/volley-no-such-*.csv"] {
      let pipeline = PeerPipeline.straight(from: .file("csv", path, schema), to: .blackhole)
      expect(pipeline.command(), 66, says: path, and: "source 'in' (csv)", "correct the option 'path'")
    }
  }

  // MARK: Sinks

  @Test("a full disk ends with 74, and the half-written file does not look whole")
  func fullDisk() {
    let full = PeerPipeline.straight(from: .numbers(1000), to: .file("jsonlines", "/dev/full"))
    expect(full.command(), 74, says: "/dev/full: writing failed", and: "No space left on device; free space there")
    let folder = TemporaryFolder()
    let output = folder.file("out.jsonl")
    let pipeline = PeerPipeline.straight(from: .numbers(1_000_000), to: .file("jsonlines", output))
    expect(
      ["bash", "-c", "ulimit -f 16; exec \"$@\"", "bash"] + pipeline.command(), 74, says: output, and: "File too large")
    #expect(folder.read("out.jsonl") == nil)
  }

  @Test("a reader that goes away ends with 74")
  func closedPipe() {
    let pipeline = PeerPipeline.straight(from: .numbers(10_000_000), to: .stdout("csv"))
    expect(
      ["bash", "-c", "\"$@\" | head -n 1 >/dev/null; exit ${PIPESTATUS[0]}", "bash"] + pipeline.command(), 74,
      says: "stdout was closed by its reader after ")
  }

  @Test("a sink in a folder that is not there ends with 74")
  func missingFolder() {
    let pipeline = PeerPipeline.straight(from: .numbers(1), to: .file("jsonlines", "/nowhere/out.jsonl"))
    expect(pipeline.command(), 74, says: "/nowhere/out.jsonl: cannot be created", and: "create the folder '/nowhere'")
  }

  // MARK: Plans

  private func node(_ id: Int, _ inputs: [Int], _ operation: Plan.Operator, uid: String? = nil) -> Plan.Node {
    Plan.Node(id: id, uid: uid, inputs: inputs.map { Plan.Input(node: $0) }, operator: operation)
  }

  private func filtered(by condition: Expression) -> PeerPipeline {
    PeerPipeline(
      Plan(
        name: "any",
        nodes: [
          node(0, [], .source(.file("csv", "x.csv", schema)), uid: "in"),
          node(1, [0], .filter(.init(condition: condition))),
          node(2, [1], .sink(.init(implementation: .connector(.blackhole))), uid: "out"),
        ]))
  }

  @Test("a plan that makes no sense ends with 64 and names the operator")
  func wrongPlans() {
    let one = Expression.literal(.int64(1))
    expect(
      filtered(by: .call("greater_than", [.column("zz"), one])).command(), 64,
      says: "filter (node 1): there is no column 'zz'; the input has 'a', 'b', 's'")
    expect(
      filtered(by: .call("frobnicate", [.column("a")])).command(), 64,
      says: "filter (node 1): there is no function 'frobnicate'; there are ")
    expect(
      filtered(by: .call("add", [.column("a"), .column("s")])).command(), 64,
      says: "filter (node 1): add: int64 and utf8 cannot be added; ", and: "cast the other types first")
    expect(
      filtered(by: .column("a")).command(), 64,
      says: "filter (node 1): the condition is int64, and must be bool; compare it with something")
    let cycle = Plan(
      name: "any",
      nodes: [
        node(0, [], .source(.numbers(1)), uid: "in"), node(1, [0, 2], .union(.init())),
        node(2, [1], .filter(.init(condition: .literal(.bool(true))))),
        node(3, [2], .sink(.init(implementation: .connector(.blackhole))), uid: "out"),
      ])
    expect(PeerPipeline(cycle).command(), 64, says: "cycle")
    expect(PeerPipeline(Plan(name: "any", nodes: [])).command(), 64, says: "the pipeline 'any' is empty: ")
  }

  @Test("a plan that is none ends with 69 and names the plugin")
  func unreadablePlans() {
    let owner = "plugin 'peer': pipeline 'any' gave a plan that this host cannot read: "
    expect(PeerPipeline(json: "nonsense").command(), 69, says: owner, and: "line 1, column 1")
    expect(
      PeerPipeline(json: "{\"version\":{\"major\":9,\"minor\":1},\"name\":\"any\",\"nodes\":[]}").command(), 69,
      says: owner, and: "the plan has version 9.1 and this host reads ", "use a newer host")
    expect(
      PeerPipeline(json: "{\"version\":{\"major\":0,\"minor\":1},\"name\":\"any\",\"nodes\":[],\"colour\":1}")
        .command(), 69,
      says: owner, and: "unknown field 'colour'; known are version, name, nodes")
  }

  @Test("a connector, an option or a user function that is not there is named")
  func unknownCode() {
    let unknown = PeerPipeline.straight(from: .numbers(1), to: .init(name: "blackhol"))
    expect(unknown.command(), 64, says: "sink 'out': there is no connector 'blackhol'; did you mean 'blackhole'?")
    let option = PeerPipeline.straight(
      from: .numbers(1), to: .init(name: "blackhole", options: .object([.init("depth", .int(1))])))
    expect(option.command(), 64, says: "'depth'", and: "sink 'out'")
  }

  // MARK: Plugins

  @Test("a file that is no plugin for this host ends with 69 before any of its code runs")
  func wrongPlugins() throws {
    let folder = TemporaryFolder()
    let right = try #require(TestProcess.contents(of: PeerPipeline.plugin))
    func altered(_ name: String, at offset: Int, _ value: [UInt8]) -> String {
      var bytes = right
      bytes.replaceSubrange(offset..<offset + value.count, with: value)
      return folder.write(name, bytes)
    }
    // The descriptor of the note begins with its magic; the versions follow.
    let magic = try #require(right.indices.first { right[$0...].starts(with: Array("VLLY".utf8)) })
    let plugins: [(String, Int32, String)] = [
      (folder.write("text.so", "hello\n"), 69, "text.so' is not a plugin: it is a text file, not an ELF shared object"),
      (folder.write("empty.so", ""), 69, "empty.so' is not a plugin: it is an empty file, not an ELF shared object"),
      (folder.write("cut.so", Array(right.prefix(2000))), 69, "cut.so' is not a plugin: it is a damaged ELF file"),
      (folder.path, 69, "' is not a plugin: it is a folder; name the plugin's .so file"),
      (folder.file("gone.so"), 66, "there is no plugin '\(folder.file("gone.so"))'; check the path"),
      (altered("machine.so", at: 18, [0xF3, 0]), 69, "machine.so' is built for riscv"),
      (
        altered("minor.so", at: magic + 8, [99, 0]), 69,
        "minor.so' was built for plugin ABI \(ABI.version) (SDK 0.1.0, a C compiler) and needs a host of \(VOLLEY_ABI_MAJOR).99 or newer, this host runs \(ABI.version)"
      ),
      (
        altered("major.so", at: magic + 4, [7, 0]), 69,
        "major.so' was built for plugin ABI 7.\(VOLLEY_ABI_MINOR) (SDK 0.1.0, a C compiler), this host runs \(ABI.version)"
      ),
    ]
    for (path, status, sentence) in plugins {
      expect([HostProgram.path, "--plugin", path], status, says: sentence)
      expect([HostProgram.path, "inspect", "--plugin", path], status, says: sentence)
    }
    let pipeline = PeerPipeline.straight(from: .numbers(1), to: .blackhole)
    expect(pipeline.command(.none, "--connector", folder.file("text.so")), 69, says: "text.so' is not a plugin")
  }

  @Test("a wrong pipeline, parameter or uid ends with 64 and names the right ones")
  func wrongNames() {
    let pipeline = PeerPipeline.straight(from: .numbers(1), to: .blackhole)
    expect(
      pipeline.command(.none, "--pipeline", "anny"), 64, says: "plugin 'peer' offers no pipeline 'anny', but 'any'")
    expect(
      pipeline.command(.none, "--set", "limt=3"), 64,
      says: "pipeline 'any' has no parameter 'limt', its parameters are 'plan', 'deed', 'limit'; did you mean 'limit'?")
    expect(pipeline.command(.none, "--set", "limit=x"), 64, says: "parameter 'limit' is 'x', expected an integer")
    expect(
      pipeline.command(.none, "--test-source", "im=x.jsonl"), 64,
      says: "the pipeline 'any' has no source with the uid 'im'; it has 'in'")
    expect(
      pipeline.command(.none, "--test-sink", "in=x.jsonl"), 64,
      says: "the pipeline 'any' has no sink with the uid 'in'; it has 'out'")
  }
}
