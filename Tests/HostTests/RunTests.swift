import TestSupport
import Testing
import VolleyPlan

@testable import Host

/// `run` and `inspect` with a real plugin.
@Suite struct RunTests {
  @Test("rows go from a file through user code into a file")
  func throughUserCode() {
    let folder = TemporaryFolder()
    let input = folder.write("in.csv", "n\n3\n1\n2\n")
    let pipeline = PeerPipeline.acting(
      from: .file("csv", input, [Field("n", .int64)]), to: .file("jsonlines", folder.file("out.jsonl")))
    let outcome = TestProcess.run(pipeline.command())
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(folder.read("out.jsonl").map { String(decoding: $0, as: UTF8.self) } == "{\"n\":3}\n{\"n\":1}\n{\"n\":2}\n")
  }

  @Test("standard input and output are the pipeline's, and all else goes to standard error")
  func standardStreams() throws {
    let pipeline = PeerPipeline.straight(from: .lines, to: .stdout("jsonlines"))
    let outcome = TestProcess.run(pipeline.command(), input: "one\ntwo\n\nfour")
    #expect(outcome.status == 0)
    #expect(outcome.output == "{\"line\":\"one\"}\n{\"line\":\"two\"}\n{\"line\":\"\"}\n{\"line\":\"four\"}\n")
    let lines = outcome.errors.split(separator: "\n")
    let events = try lines.filter { $0.hasPrefix("{") }.map { try JSONValue.parse(String($0))["event"] }
    #expect(
      events
        == ["checkpoints.none", "worker.resources", "plugin.loaded", "job.starting", "job.finished"].map {
          JSONValue.string($0)
        })
    #expect(lines.contains { $0.hasPrefix("any: 4 rows in, 4 rows out, ") })
  }

  @Test("what a plugin prints, or a program that it starts, does not come between a sink's rows")
  func prints() {
    let pipeline = PeerPipeline.acting(from: .numbers(2), to: .stdout("jsonlines"))
    let outcome = TestProcess.run(pipeline.command(.print, "--parallelism", "1"))
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output == "{\"n\":0}\n{\"n\":1}\n")
    for line in ["printed by the plugin", "printed by a program"] { #expect(outcome.errors.contains("\(line)\n")) }
  }

  @Test("a sink that would replace what the job reads is refused before anything is read")
  func sinkIsInput() {
    let folder = TemporaryFolder()
    let text = "line\none\n"
    let path = folder.write("in.csv", text)
    let files = PeerPipeline.straight(from: .file("csv", path, [Field("line", .utf8)]), to: .file("csv", path))
    let input = PeerPipeline.straight(from: .lines, to: .file("csv", path))
    let output = PeerPipeline.straight(from: .file("csv", path, [Field("line", .utf8)]), to: .stdout("csv"))
    for (pipeline, redirection, sentence) in [
      (files, "", "sink 'out' (csv) writes '\(path)', which source 'in' (csv) reads; give one of them another path"),
      (
        input, "<\(path)",
        "sink 'out' (csv) writes '\(path)', which source 'in' (stdin) reads; give one of them another path"
      ),
      (
        output, ">>\(path)",
        "sink 'out' (stdout) writes to standard output, which source 'in' (csv) reads as '\(path)'; give one of them another path"
      ),
    ] {
      let outcome = TestProcess.run(
        ["timeout", "60", "sh", "-c", "exec \"$0\" \"$@\" \(redirection)"] + pipeline.command())
      #expect(outcome.status == 64)
      #expect(outcome.errors.contains(sentence), "\(outcome.errors)")
      #expect(folder.read("in.csv") == Array(text.utf8))
    }
  }

  @Test("what a killed worker left of its file goes with the next run, which says so")
  func leftovers() {
    let folder = TemporaryFolder()
    let path = folder.file("out.csv")
    let pipeline = PeerPipeline.acting(from: .numbers(5), to: .file("csv", path))
    #expect(TestProcess.run(pipeline.command(.kill)).status == 70)
    #expect(folder.read(".out.csv.volley-tmp") != nil && folder.read("out.csv") == nil)
    let outcome = TestProcess.run(pipeline.command(.none, "--parallelism", "1"))
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("that a job which was killed had written for '\(path)'"))
    #expect(folder.read(".out.csv.volley-tmp") == nil)
    #expect(folder.read("out.csv") == Array("n\n0\n1\n2\n3\n4\n".utf8))
    #expect(!TestProcess.run(pipeline.command()).errors.contains("killed"))
  }

  @Test("a file sink may be standard output")
  func standardOutputByPath() {
    let pipeline = PeerPipeline.straight(from: .numbers(2), to: .file("csv", "/dev/stdout"))
    let outcome = TestProcess.run(["sh", "-c", "\"$0\" \"$@\" | cat"] + pipeline.command(.none, "--parallelism", "1"))
    #expect(outcome.output == "n\n0\n1\n", "\(outcome.errors)")
  }

  @Test("with --log-format json all of standard error is JSON, the report and a failure too")
  func jsonLog() throws {
    let pipeline = PeerPipeline.straight(from: .numbers(7), to: .blackhole)
    let good = TestProcess.run(pipeline.command(.none, "--log-format", "json"))
    let events = try good.errors.split(separator: "\n").map { try JSONValue.parse(String($0)) }
    #expect(events.last?["event"] == .string("report"))
    #expect(events.last?["rows_in"] == .int(7))
    #expect(events.last?["rows_out"] == .int(7))
    let bad = PeerPipeline.straight(from: .file("csv", "/nowhere.csv", [Field("n", .int64)]), to: .blackhole)
    let outcome = TestProcess.run(bad.command(.none, "--log-format", "json"))
    #expect(outcome.status == 66)
    let failures = try outcome.errors.split(separator: "\n").map { try JSONValue.parse(String($0)) }
      .filter { $0["level"] == .string("error") }
    #expect(failures.count == 1)
    #expect(failures.first?["event"] == .string("failed"))
    #expect(failures.first?["exit_code"] == .int(66))
    #expect(failures.first?["kind"] == .string("no-input"))
  }

  @Test("start-up says which cores and how much memory it takes, and why")
  func resources() throws {
    let pipeline = PeerPipeline.straight(from: .numbers(1), to: .blackhole)
    let outcome = TestProcess.run(
      ["taskset", "-c", "0"] + pipeline.command(.none, "--memory-limit", "512MiB", "--report", "none"))
    let first = try #require(outcome.errors.split(separator: "\n").dropFirst().first)
    let event = try JSONValue.parse(String(first))
    #expect(event["event"] == .string("worker.resources"))
    #expect(event["message"] == .string("1 threads (affinity mask) and at most 512.0 MiB of memory (--memory-limit)"))
    #expect(event["cores"] == .int(1))
    #expect(event["memory_bytes"] == .int(512 << 20))
  }

  @Test("a test's files stand in for a source and a sink")
  func testEnds() {
    let folder = TemporaryFolder()
    let input = folder.write("in.jsonl", "{\"n\":5}\n{\"n\":null}\n")
    let pipeline = PeerPipeline.acting(from: .numbers(), to: .blackhole)
    let outcome = TestProcess.run(
      pipeline.command(.none, "--test-source", "in=\(input)", "--test-sink", "out=\(folder.file("out.jsonl"))"))
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(folder.read("out.jsonl").map { String(decoding: $0, as: UTF8.self) } == "{\"n\":5}\n{\"n\":null}\n")
  }

  @Test("memory stays within the limit when a slow sink holds everything up")
  func memory() {
    let pipeline = PeerPipeline.straight(from: .numbers(), to: .stdout("jsonlines"))
    // The reader takes one line and no more; what is resident when all is full is the worker's peak.
    let script = """
      import json, os, subprocess, sys
      host = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
      worker = next(event["pid"] for event in map(json.loads, host.stderr) if "pid" in event)
      host.stdout.readline()
      def threads():  # By thread: whether it waits, and how often it has begun to.
          for task in os.listdir(f"/proc/{worker}/task"):
              lines = dict(line.split(":\t", 1) for line in open(f"/proc/{worker}/task/{task}/status"))
              yield task, lines["State"][0], lines["voluntary_ctxt_switches"]
      before = None
      while True:  # Until every thread waits, and has waited since the last look: all is full.
          now = sorted(threads())
          if now == before and all(state == "S" for _, state, _ in now): break
          before = now
      peak = [line for line in open(f"/proc/{worker}/status") if line.startswith("VmHWM")][0].split()[1]
      host.kill(); host.wait()
      print(int(peak) // 1024)
      """
    let outcome = TestProcess.python(script, arguments: pipeline.command(.none, "--memory-limit", "256MiB"))
    let peak = Int(outcome.output.filter(\.isNumber)) ?? .max
    #expect(peak < 256, "\(peak) MiB resident; \(outcome.errors)")
  }

  @Test(
    "state that outgrows its share of the memory stops the job with a sentence, within the limit",
    arguments: [["n"], ["n", "m"]])
  func stateMemory(keys: [String]) {
    let rows = JSONValue.object([.init("rows", .int(60_000_000))])
    let counted = [
      Plan.AggregateCall(function: "count", argument: nil, name: "count"),
      Plan.AggregateCall(function: "sum", argument: .column("n"), name: "sum"),
    ]
    let pipeline = PeerPipeline(
      Plan(
        name: "any",
        nodes: [
          .init(
            id: 0, uid: "in", inputs: [],
            operator: .source(
              .init(
                implementation: .connector(.init(name: "generator", options: rows)),
                schema: [Field("n", .int64), Field("m", .int64)]))),
          .init(
            id: 1, uid: nil, inputs: [.init(node: 0)],
            operator: .keyBy(.init(keys: keys.map { NamedExpression($0, .column($0)) }))),
          .init(
            id: 2, uid: "totals", inputs: [.init(node: 1)],
            operator: .aggregate(.init(aggregates: counted, emission: .perBatch))),
          .init(
            id: 3, uid: "out", inputs: [.init(node: 2)], operator: .sink(.init(implementation: .connector(.blackhole)))),
        ]))
    // The largest that any process of the host's was resident, as the kernel counts it.
    let script = """
      import resource, subprocess, sys
      host = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
      print(host.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
      sys.stderr.buffer.write(host.stderr)
      """
    let outcome = TestProcess.python(
      script, arguments: pipeline.command(.none, "--memory-limit", "256MiB", "--parallelism", "2", "--report", "none"))
    let numbers = outcome.output.split { !$0.isNumber }.compactMap { Int($0) }
    #expect(numbers.first == 65, "\(outcome.output) \(outcome.errors)")
    #expect((numbers.last ?? .max) < 256, "\(outcome.output) MiB resident")
    let line = outcome.errors.split(separator: "\n").last ?? ""
    #expect(
      line.hasPrefix("volley-host: stage 'aggregate totals' (uid totals): the state of ")
        && line.hasSuffix(" of --memory-limit are there for both: raise --memory-limit or group by fewer keys"),
      "\(line)")
  }

  @Test("inspect shows metadata, parameters and the plan as a tree")
  func inspectTree() {
    let pipeline = PeerPipeline.acting(from: .numbers(3), to: .console)
    let outcome = TestProcess.run(inspect(pipeline, "--parallelism", "2"))
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors == "")
    #expect(
      outcome.output == """
        plugin    peer 0.9.0
                  for tests of the host
        path      \(PeerPipeline.plugin)
        ABI       \(ABI.version), runs in hosts from \(ABI.version)
        SDK       0.1.0
        compiler  a C compiler

        pipeline any 1.2.3
          whatever the file says
          parameters
            plan   string  required        the file that holds the plan
            deed   string  default "none"  what the batch function does
            limit  int     default 5

        plan of any
        sink out [console out]  · task 1 ×1
        └─ act act  · task 0 ×2
           └─ source in [generator in] schema (n: int64)  · task 0 ×2

        delivery of a job with checkpoints: at-least-once, end to end
          source 'in' [generator in]: exactly-once
          sink 'out' [console out]: at-least-once, for rows on standard output are seen at once; write a file or a folder

        replay of an epoch: gives the same rows

        """)
  }

  @Test("inspect gives JSON that holds the plan as it was given, and the graph that it becomes")
  func inspectJSON() throws {
    let pipeline = PeerPipeline.acting(from: .numbers(3), to: .console)
    let outcome = TestProcess.run(inspect(pipeline, "--format", "json"))
    let value = try JSONValue.parse(outcome.output)
    #expect(value["name"] == .string("peer"))
    #expect(value["abi"] == .string(ABI.version))
    guard case .array(let pipelines) = value["pipelines"], case .array(let parameters) = pipelines.first?["parameters"]
    else {
      Issue.record("no parameters in \(outcome.output)")
      return
    }
    #expect(parameters.map { $0["name"] } == [.string("plan"), .string("deed"), .string("limit")])
    #expect(parameters.map { $0["required"] } == [.bool(true), .bool(false), .bool(false)])
    #expect(parameters.map { $0["default"] } == [.null, .string("none"), .int(5)])
    #expect(value["plan"]?["name"] == .string("any"))
    #expect(value["graph"]?["tasks"] != nil)
    #expect(value["delivery"]?["guarantee"] == "at-least-once")
    #expect(value["replay_objections"] == .array([]))
  }

  @Test("inspect asks a plugin's own source what it can do, and a replay refuses it when that is too little")
  func ownSource() {
    let pipeline = PeerPipeline.straight(from: .own(), to: .blackhole)
    let outcome = TestProcess.run(inspect(pipeline))
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      outcome.output.contains(
        """
        delivery of a job with checkpoints: at-most-once, end to end
          source 'in' [source]: at-most-once, for it has no positions, and what it gave is not read again; give its reader positions \
        (ReplayableSourceReader)
          sink 'out' [blackhole out]: exactly-once (at-most-once with its sources)

        """), "\(outcome.output)")
    let folder = TemporaryFolder()
    let checkpoints = ["--checkpoint-dir", folder.file("checkpoints")]
    let run = TestProcess.run(pipeline.command() + checkpoints)
    #expect(run.status == 0, "\(run.errors)")
    let replay = TestProcess.run(
      [HostProgram.path, "replay", "--epoch", "none", "--output", folder.file("rows")] + checkpoints)
    #expect(replay.status == 64)
    #expect(
      replay.errors.hasSuffix(
        "stage 'source in' (uid in): cannot run a past epoch again: what it gave is not read again\n"),
      "\(replay.errors)")
  }

  @Test("inspect gives a graph that Graphviz draws")
  func inspectDot() throws {
    let pipeline = PeerPipeline.acting(from: .numbers(3), to: .console)
    let outcome = TestProcess.run(inspect(pipeline, "--format", "dot"))
    #expect(outcome.status == 0)
    let drawn = TestProcess.run(["dot", "-Tplain"], input: outcome.output)
    try #require(drawn.status == 0, "install graphviz (apt-get install graphviz): \(drawn.errors)")
    let kinds = drawn.output.split(separator: "\n").map { $0.split(separator: " ").first ?? "" }
    #expect(kinds.filter { $0 == "node" }.count == 3)
    #expect(kinds.filter { $0 == "edge" }.count == 2)
  }

  @Test("inspect without a required parameter shows which ones there are, then says which is missing")
  func inspectWithoutParameter() {
    let outcome = HostProgram.run("inspect", "--plugin", PeerPipeline.plugin)
    #expect(outcome.status == 64)
    #expect(outcome.output.contains("    plan   string  required        the file that holds the plan\n"))
    #expect(
      outcome.errors
        == "volley-host: parameter 'plan' of pipeline 'any' has no default and no value; give it with --set plan=…\n")
  }

  private func inspect(_ pipeline: PeerPipeline, _ flags: String...) -> [String] {
    var command = pipeline.command()
    command[1] = "inspect"
    return command + flags
  }
}
