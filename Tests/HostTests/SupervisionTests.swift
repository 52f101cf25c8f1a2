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

  @Test(
    "a second SIGINT or SIGTERM ends a job that cannot drain, at once", arguments: [("SIGINT", 130), ("SIGTERM", 143)])
  func secondSignal(name: String, status: Int64) throws {
    // CSV has a header: even without a row there is something to write.
    let pipeline = PeerPipeline.straight(from: .numbers(), to: .stdout("csv"))
    let result = try drive("cut_short", name, command: pipeline.command())
    #expect(result["status"] == .int(status), "\(result.text)")
    #expect(result["worker_alive"] == .bool(false))
    #expect(result["lines"] == .array([]), "\(result.text)")
  }

  /// The last line of standard error, with the seconds of a call left out.
  private func sentence(_ result: JSONValue) -> String {
    guard case .array(let lines) = result["lines"], case .string(let line) = lines.last else { return result.text }
    return line.replacing(#/for \d+\.\d s/#, with: "for … s")
  }

  @Test(
    "a call that does not return holds up no stop: it is named after --stop-timeout",
    arguments: [
      (PeerPipeline.Deed.hangInSourceOpen, "source in", "in"), (.hangInRead, "source in", "in"),
      (.hangInOpen, "act", ""),
      (.hangInProcess, "act", ""),
    ])
  func stopTimeout(deed: PeerPipeline.Deed, label: String, uid: String) throws {
    let isSource = deed == .hangInSourceOpen || deed == .hangInRead
    let pipeline =
      isSource
      ? PeerPipeline.straight(from: .own(), to: .blackhole) : .acting(from: .numbers(10), to: .blackhole)
    let command = pipeline.command(deed, "--stop-timeout", "200ms", "--parallelism", "1")
    let result = try drive("stuck", "SIGTERM", command: command)
    #expect(result["status"] == .int(70), "\(result.text)")
    #expect(result["worker_alive"] == .bool(false))
    let place = isSource ? "'\(label)' (uid \(uid))" : "'act'"
    #expect(
      sentence(result)
        == "volley-host: job 'any' did not stop within 0.2 s and was ended, so what it wrote may not be whole: \(place) has not "
        + "returned from a call for … s; make it return when the job stops, or raise --stop-timeout")
  }

  @Test("a sink that never returns is named after --stop-timeout")
  func stuckSink() throws {
    let pipeline = PeerPipeline.straight(from: .numbers(), to: .stdout("csv"))
    let result = try drive("full", "SIGTERM", command: pipeline.command(.none, "--stop-timeout", "200ms"))
    #expect(result["status"] == .int(70), "\(result.text)")
    #expect(sentence(result).contains("'sink out' (uid out) has not returned from a call for … s; "), "\(result.text)")
  }

  @Test("a source whose stop does not return is ended all the same")
  func stuckStop() throws {
    let pipeline = PeerPipeline.straight(from: .own("idle"), to: .blackhole)
    let command = pipeline.command(.hangInStop, "--stop-timeout", "200ms", "--parallelism", "1")
    let result = try drive("stuck", "idle,SIGTERM", command: command)
    #expect(result["status"] == .int(70), "\(result.text)")
  }

  @Test("a plan that is never made is stopped at once: there is nothing to drain")
  func stuckPlan() throws {
    let pipeline = PeerPipeline.straight(from: .numbers(), to: .blackhole)
    let result = try drive("stuck", "SIGTERM", command: pipeline.command(.hangInPlan))
    #expect(result["status"] == .int(0), "\(result.text)")
    #expect(result["lines"] == .array([.string("hanging")]), "\(result.text)")
  }

  @Test("a second SIGTERM ends a call that does not return, at once")
  func stuckTwice() throws {
    let pipeline = PeerPipeline.straight(from: .own(), to: .blackhole)
    let result = try drive("stuck", "SIGTERM,again", command: pipeline.command(.hangInRead))
    #expect(result["status"] == .int(143), "\(result.text)")
    #expect(result["lines"] == .array([.string("hanging")]), "\(result.text)")
  }

  @Test("a worker that cannot even end itself is killed by its supervisor")
  func stoppedWorker() throws {
    let pipeline = PeerPipeline.straight(from: .own(), to: .blackhole)
    let command = pipeline.command(.hangInRead, "--stop-timeout", "1ms", "--parallelism", "1")
    let result = try drive("stuck", "STOP-WORKER,SIGTERM", command: command)
    #expect(result["status"] == .int(70), "\(result.text)")
    #expect(result["worker_alive"] == .bool(false))
    #expect(
      sentence(result)
        == "volley-host: the worker had not ended 2.0 s after SIGTERM (terminated) and was killed, so what it wrote may not be "
        + "whole: see whether its process was stopped or the machine is overloaded, or raise --stop-timeout")
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
    #expect(result["reaped"] == .bool(true))
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
