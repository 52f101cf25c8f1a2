import TestSupport
import Testing
import VolleyPlan

/// A shell or a service manager may start a program without some of its standard descriptors.
@Suite("Closed standard descriptors") struct ClosedDescriptorTests {
  @Test(
    "are taken by no file or pipe of the host's own",
    arguments: ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- 2>&-", "<&- >&-", "<&- >&- 2>&-"])
  func closed(redirection: String) {
    let folder = TemporaryFolder()
    let pipeline = PeerPipeline.straight(from: .lines, to: .file("jsonlines", folder.file("out.jsonl")))
    let outcome = TestProcess.run(
      ["timeout", "60", "sh", "-c", "exec \"$0\" \"$@\" \(redirection)"] + pipeline.command(), input: "one\n")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output == "")
    // A standard input that is closed has ended.
    let expected = redirection.contains("<&-") ? "" : "{\"line\":\"one\"}\n"
    #expect(folder.read("out.jsonl").map { String(decoding: $0, as: UTF8.self) } == expected)
  }

  @Test("standard output that is closed is told when rows or text go there", arguments: [">&-", "<&- >&-"])
  func closedOutput(redirection: String) {
    for sink in [Plan.Connector.console, .stdout("csv")] {
      let pipeline = PeerPipeline.straight(from: .numbers(3), to: sink)
      let outcome = TestProcess.run(
        ["timeout", "60", "sh", "-c", "exec \"$0\" \"$@\" \(redirection)"] + pipeline.command())
      #expect(outcome.status == 74, "\(outcome.errors)")
      #expect(
        outcome.errors.contains("stdout is closed, and the rows have no place to go; open it, if only on /dev/null"))
    }
    let version = TestProcess.run(["sh", "-c", "exec \"$0\" version \(redirection)", HostProgram.path])
    #expect(version.status == 74)
    #expect(version.errors.contains("standard output cannot be written: Bad file descriptor"))
  }

  @Test("cost a crash its words, not its exit code", arguments: ["2>&-", "<&- >&- 2>&-"])
  func crash(redirection: String) {
    let pipeline = PeerPipeline.acting(from: .numbers(10), to: .blackhole)
    let outcome = TestProcess.run(
      ["timeout", "60", "sh", "-c", "exec \"$0\" \"$@\" \(redirection)"] + pipeline.command(.trap))
    #expect(outcome.status == 70)
  }
}
