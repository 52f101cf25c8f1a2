import TestSupport
import Testing
import VolleyPlan

@testable import Host

/// A plugin that dies takes its worker along, and the supervisor tells who it was.
@Suite struct CrashTests {
  private let noRestart = "the job is not restarted, because without a checkpoint its rows would be counted twice"

  /// The sentence on stderr's last line.
  private func sentence(_ deed: PeerPipeline.Deed) -> (status: Int32, text: String, errors: String) {
    let pipeline = PeerPipeline.acting(from: .numbers(10), to: .blackhole)
    let outcome = TestProcess.run(pipeline.command(deed))
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.filter { $0.hasPrefix("volley-host: ") }.count == 1, "\(outcome.errors)")
    return (outcome.status, lines.last.map(String.init) ?? "", outcome.errors)
  }

  private var trap: String {
    #if arch(x86_64)
      "SIGILL (illegal instruction)"
    #else
      "SIGTRAP (trap)"
    #endif
  }

  @Test(
    "a plugin that dies of a signal is named with function, call and signal",
    arguments: [PeerPipeline.Deed.trap, .abort, .segv, .overflow])
  func signals(deed: PeerPipeline.Deed) {
    let signal =
      switch deed {
      case .trap: trap
      case .abort: "SIGABRT (abort)"
      default: "SIGSEGV (invalid memory access)"
      }
    let (status, text, _) = sentence(deed)
    #expect(status == 70)
    #expect(
      text
        == "volley-host: plugin 'peer' (\(PeerPipeline.plugin)): function 'act' trapped in 'process': \(signal); \(noRestart): "
        + "mend the plugin and run again")
  }

  #if arch(x86_64)
    @Test("an integer division by zero is named")
    func division() {
      let (status, text, _) = sentence(.divide)
      #expect(status == 70)
      #expect(text.contains("function 'act' trapped in 'process': SIGFPE (arithmetic error); "))
    }
  #endif

  @Test("a plugin's words keep to their line, and reach no terminal as commands")
  func controlCharacters() {
    let (status, text, errors) = sentence(.ugly)
    #expect(status == 65)
    #expect(text.hasSuffix(#"the price\nis \u{1B}[31mnegative\t"#), "\(errors)")
    #expect(errors.utf8.allSatisfy { $0 >= 0x20 || $0 == 0x0A })
  }

  @Test("a trap while the plan is made is named")
  func plan() {
    let (status, text, _) = sentence(.trapInPlan)
    #expect(status == 70)
    #expect(
      text == "volley-host: plugin 'peer' (\(PeerPipeline.plugin)): function 'any' trapped in 'plan': \(trap); "
        + "mend the plugin and run again")
    let pipeline = PeerPipeline.straight(from: .numbers(1), to: .blackhole)
    var command = pipeline.command(.trapInPlan)
    command[1] = "inspect"
    let inspected = TestProcess.run(command)
    #expect(inspected.status == 70)
    #expect(inspected.errors.contains("function 'any' trapped in 'plan': \(trap); "))
  }

  @Test("a plugin that calls exit does not make the job look done")
  func exits() {
    let (status, text, _) = sentence(.exit)
    #expect(status == 70)
    #expect(
      text
        == "volley-host: plugin 'peer' (\(PeerPipeline.plugin)): function 'act' ended the worker by exit(0) in 'process' before the "
        + "job had ended; \(noRestart): "
        + "remove the call of exit and run again")
  }

  @Test("a worker that is killed is told as what it mostly is")
  func killed() {
    let (status, text, _) = sentence(.kill)
    #expect(status == 70)
    #expect(text.hasPrefix("volley-host: the worker was killed by SIGKILL (killed) when it held "))
  }

  @Test("in a log of JSON lines the sentence is an event, and nothing else is said")
  func json() throws {
    let pipeline = PeerPipeline.acting(from: .numbers(10), to: .blackhole)
    let outcome = TestProcess.run(pipeline.command(.trap, "--log-format", "json"))
    #expect(outcome.status == 70)
    let events = try outcome.errors.split(separator: "\n").map { try JSONValue.parse(String($0)) }
    let last = try #require(events.last)
    #expect(last["event"] == .string("failed"))
    #expect(last["exit_code"] == .int(70))
    #expect(last["kind"] == .string("software"))
    #expect(last["domain"] == .string("user"))
    guard case .string(let message) = last["message"] else { return }
    #expect(message.hasPrefix("plugin 'peer' ("))
  }
}
