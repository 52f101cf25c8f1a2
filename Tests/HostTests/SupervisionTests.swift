import TestSupport
import Testing
import VolleyPlan

@testable import Host

/// What a terminal, a shell and a kernel do to a running host; `Peers/driver.py` does it.
@Suite struct SupervisionTests {
  private func drive(_ words: String..., command: [String]) throws -> JSONValue {
    let driver =
      #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
      + "/Peers/driver.py"
    let outcome = TestProcess.run(["python3", driver] + words + ["--"] + command)
    try #require(outcome.status == 0, "\(words): \(outcome.errors)")
    return try JSONValue.parse(outcome.output)
  }

  @Test("SIGTERM and SIGINT drain the job and end it with 0", arguments: ["SIGTERM", "SIGINT"])
  func drains(signal: String) throws {
    let folder = TemporaryFolder()
    let output = folder.file("out.jsonl")
    let pipeline = PeerPipeline.straight(from: .numbers(rate: 20_000), to: .file("jsonlines", output))
    let command = pipeline.command(.none, "--report", "json", "--parallelism", "1")
    let result = try drive("stop", signal, output, command: command)
    #expect(result["status"] == .int(0), "\(result.text)")
    guard case .array(let events) = result["events"] else { return }
    #expect(events.filter { $0 == .string("job.stopping") }.count == 1)
    #expect(events.last == .string("report"))
    // Everything that the source gave is there, in order, and whole.
    let lines = String(decoding: try #require(folder.read("out.jsonl")), as: UTF8.self).split(separator: "\n")
    #expect(!lines.isEmpty)
    #expect(lines == lines.indices.map { "{\"n\":\($0)}" })
  }

  @Test("a second SIGINT ends a job that cannot drain, at once")
  func secondInterrupt() throws {
    let pipeline = PeerPipeline.straight(from: .numbers(), to: .stdout("jsonlines"))
    let result = try drive("cut_short", "0.15", command: pipeline.command())
    #expect(result["status"] == .int(130), "\(result.text)")
    #expect(result["worker_alive"] == .bool(false))
    #expect(result["lines"] == .array([]), "\(result.text)")
  }

  @Test("the worker dies with its supervisor")
  func supervisorDies() throws {
    let pipeline = PeerPipeline.straight(from: .numbers(rate: 100), to: .blackhole)
    #expect(try drive("kill_supervisor", command: pipeline.command())["worker_alive"] == .bool(false))
  }

  @Test("a worker killed from outside is told as what it mostly is")
  func workerKilled() throws {
    let pipeline = PeerPipeline.straight(from: .numbers(rate: 100), to: .blackhole)
    let result = try drive("kill_worker", command: pipeline.command())
    #expect(result["status"] == .int(70))
    guard case .array(let lines) = result["lines"], case .string(let line) = lines.last else {
      Issue.record("\(result.text)")
      return
    }
    #expect(line.hasPrefix("volley-host: the worker was killed by SIGKILL (killed) when it held "))
    #expect(line.contains("most often the work of the kernel's out-of-memory killer; the job is not restarted"))
    #expect(lines.count == 1)
  }

  @Test("as the first process of a container it reaps orphans and obeys SIGTERM")
  func firstProcess() throws {
    let pipeline = PeerPipeline.straight(from: .numbers(rate: 100), to: .blackhole)
    let result = try drive("first_process", command: pipeline.command(.none, "--report", "none"))
    #expect(result["status"] == .int(0), "\(result.text)")
    #expect(result["nsenter"] == .int(0))
  }

  @Test("Ctrl-C on a terminal stops the job once, after a live status line, and leaves the report behind")
  func terminal() throws {
    let pipeline = PeerPipeline.straight(from: .numbers(rate: 1000), to: .blackhole)
    let result = try drive("terminal", "type", command: pipeline.command())
    #expect(result["status"] == .int(0), "\(result.text)")
    #expect(result["typed"] == .bool(true))
    guard case .string(let text) = result["text"] else { return }
    #expect(text.contains("\r\u{1B}[Kany 00:0"))
    #expect(text.contains(" rows/s | out "))
    #expect(text.components("job 'any' stops") == 2, "\(text)")
    #expect(!text.contains("{\"time\""))
    let lastStatus = try #require(text.lastRange(of: "\r\u{1B}[K"))
    let end = text[lastStatus...]
    #expect(!end.contains("| in"), "the status line is gone at the end")
    #expect(end.contains("any: ") && end.contains("backpressured"))
  }

  @Test("a worker that dies takes its status line along")
  func terminalAfterDeath() throws {
    let pipeline = PeerPipeline.straight(from: .numbers(rate: 1000), to: .blackhole)
    let result = try drive("terminal", "kill", command: pipeline.command())
    #expect(result["status"] == .int(70), "\(result.text)")
    guard case .string(let text) = result["text"] else { return }
    #expect(text.contains("\r\u{1B}[Kvolley-host: the worker was killed by SIGKILL (killed) when it held "), "\(text)")
  }

  @Test("SIGHUP drains like SIGTERM, unless nohup had it ignored", arguments: ["default", "ignored"])
  func hangUp(disposition: String) throws {
    let pipeline = PeerPipeline.straight(from: .numbers(rate: 100), to: .blackhole)
    let result = try drive("hang_up", disposition, command: pipeline.command(.none, "--report", "none"))
    #expect(result["status"] == .int(0), "\(result.text)")
    #expect(result["stops"] == .int(1))
  }

  @Test("a line typed on stdin shows on the console at once")
  func latency() throws {
    let pipeline = PeerPipeline.straight(from: .lines, to: .console)
    let result = try drive("latency", "40", command: pipeline.command(.none, "--report", "none"))
    #expect(result["status"] == .int(0), "\(result.text)")
    guard case .array(let times) = result["milliseconds"] else { return }
    let milliseconds = times.compactMap { if case .double(let time) = $0 { time } else { nil } }.sorted()
    #expect(milliseconds.count == 40)
    let (median, worst) = (milliseconds[milliseconds.count / 2], milliseconds[milliseconds.count - 1])
    print("stdin to console: \(fixed(median, digits: 1)) ms, at worst \(fixed(worst, digits: 1)) ms")
    // 50 ms is what an idle machine has to reach; a busy one, such as this when all tests run, gets ten times that.
    #expect(worst < 500)
  }
}

extension String {
  /// How many pieces the text falls into between occurrences of another.
  fileprivate func components(_ separator: String) -> Int {
    var count = 1
    var rest = self[...]
    while let range = rest.firstRange(of: separator) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }

  /// Where the last occurrence of a text ends.
  fileprivate func lastRange(of text: String) -> String.Index? {
    var end: String.Index?
    var rest = self[...]
    while let range = rest.firstRange(of: text) {
      end = range.upperBound
      rest = rest[range.upperBound...]
    }
    return end
  }
}
