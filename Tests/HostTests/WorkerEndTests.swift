import Base
import Testing

@testable import Dataflow
@testable import Host

@Suite struct WorkerEndTests {
  private let site = WorkerEnd.CallSite(plugin: "broken", path: "/p/libbroken.so", function: "tax", call: "call")
  private let noRestart = "the job is not restarted, because without a checkpoint its rows would be counted twice"

  @Test("a wait status is read as the kernel writes it")
  func waitStatus() {
    #expect(WaitStatus(0) == .exited(0))
    #expect(WaitStatus(65 << 8) == .exited(65))
    #expect(WaitStatus(255 << 8) == .exited(255))
    #expect(WaitStatus(9) == .killed(SignalName(9)))
    #expect(WaitStatus(11 | 0x80) == .killed(SignalName(11)), "with a core dump")
    #expect(WaitStatus(0x137f) == nil, "stopped")
  }

  @Test("a worker that ended by itself has told everything")
  func ordinary() {
    for code in [0, 64, 65, 66, 69, 70, 74] as [Int32] {
      let end = WorkerEnd(status: .exited(code), saidGoodbye: true, site: nil, peakMemory: 0)
      #expect(end.failure == nil)
      #expect(end.exitCode == code)
    }
  }

  @Test("a trap in a plugin names plugin, function, call and signal")
  func trap() {
    let end = WorkerEnd(status: .killed(SignalName(4)), saidGoodbye: false, site: site, peakMemory: 0)
    #expect(
      end.failure?.message == "plugin 'broken' (/p/libbroken.so): function 'tax' trapped in 'call': SIGILL "
        + "(illegal instruction); \(noRestart): mend the plugin and run again")
    #expect(end.failure?.domain == .user)
    #expect(end.exitCode == 70)
  }

  @Test("before the job has started nothing is said of a restart")
  func beforeStart() {
    let end = WorkerEnd(
      status: .killed(SignalName(4)), saidGoodbye: false, hadStarted: false, site: site, peakMemory: 0)
    #expect(
      end.failure?.message == "plugin 'broken' (/p/libbroken.so): function 'tax' trapped in 'call': SIGILL "
        + "(illegal instruction); mend the plugin and run again")
  }

  @Test("a plugin that died before it was named has no path")
  func early() {
    var early = site
    early.path = ""
    let end = WorkerEnd(status: .killed(SignalName(11)), saidGoodbye: false, site: early, peakMemory: 0)
    #expect(end.failure?.message.hasPrefix("plugin 'broken': function 'tax' trapped in 'call': SIGSEGV") == true)
  }

  @Test("a trap in code that a plugin runs on threads of its own is the plugin's")
  func ownThread() {
    let site = WorkerEnd.CallSite(plugin: "broken", path: "/p/libbroken.so", function: "", call: "")
    let end = WorkerEnd(status: .killed(SignalName(4)), saidGoodbye: false, site: site, peakMemory: 0)
    #expect(
      end.failure?.message
        == "plugin 'broken' (/p/libbroken.so): code that it runs by itself, such as the body of an async function, "
        + "trapped: SIGILL (illegal instruction); \(noRestart): mend the plugin and run again")
    #expect(end.failure?.domain == .user)
  }

  @Test("a job that did not stop in time names what it waits for: calls, else operators without answers")
  func overdue() {
    let call = RunningCall(label: "source in", uid: "in", subtask: 0, duration: .milliseconds(300))
    let rows = PendingRows(label: "customers", uid: nil, rows: 12)
    func message(_ calls: [RunningCall], _ pending: [PendingRows]) -> String {
      StopWatch.overdue("any", calls, pending, after: .milliseconds(200)).message
    }
    let start = "job 'any' did not stop within 0.2 s and was ended, so what it wrote may not be whole: "
    #expect(
      message([], [rows, PendingRows(label: "prices", uid: "p", rows: 1)]) == start
        + "'customers' waits for answers to 12 rows, 'prices' (uid p) waits for answers to 1 row; see to what answers, give it a "
        + "timeout, or raise --stop-timeout")
    #expect(
      message([call], [rows]).contains("'source in' (uid in) has not returned from a call for 0.3 s; make it return"))
    // Of a job that goes on, such calls come and go.
    let short = RunningCall(label: "join", uid: "j", subtask: 0, duration: .milliseconds(20))
    #expect(message([short, call], []).hasSuffix("0.3 s; make it return when the job stops, or raise --stop-timeout"))
    #expect(message([short], []) == message([], []))
    #expect(message([], []) == start + "its rows are still on their way; raise --stop-timeout")
  }

  @Test("a death outside of plugin calls is Volley's")
  func bug() {
    let end = WorkerEnd(status: .killed(SignalName(6)), saidGoodbye: false, site: nil, peakMemory: 0)
    #expect(
      end.failure?.message
        == "the worker died of SIGABRT (abort) outside of any plugin call; \(noRestart): this is a bug in "
        + "Volley, or a plugin that wrote over memory: please report it with what stands above")
    #expect(end.failure?.domain == .internal)
    #expect(end.exitCode == 70)
  }

  @Test("SIGBUS is told as what it mostly is: a mapped file that somebody shortened")
  func shortenedFile() {
    let end = WorkerEnd(status: .killed(SignalName(7)), saidGoodbye: false, site: nil, peakMemory: 0)
    #expect(
      end.failure?.message
        == "the worker died of SIGBUS (bus error) outside of any plugin call, most often because a file that was mapped into "
        + "memory, such as an Arrow file, was shortened while it was read; \(noRestart): replace such files by renaming new "
        + "ones, and run again")
    #expect(end.failure?.domain == .external)
    #expect(end.exitCode == 70)
  }

  @Test("SIGKILL is told as what it mostly is")
  func outOfMemory() {
    let end = WorkerEnd(status: .killed(SignalName(9)), saidGoodbye: false, site: nil, peakMemory: 3 << 30)
    #expect(
      end.failure?.message
        == "the worker was killed by SIGKILL (killed) when it held 3.0 GiB at its peak, most often the work "
        + "of the kernel's out-of-memory killer; \(noRestart): lower --memory-limit or give it more memory, and run again"
    )
    #expect(end.exitCode == 70)
  }

  @Test("memory that could not be had is a shortage, whoever asked and however the worker ended")
  func shortage() {
    var shortage = WorkerEnd.Shortage(
      asked: .init(byteCount: 5 << 28, purpose: "a buffer"), residentBytes: 3 << 30, mappedBytes: 4 << 30)
    var end = WorkerEnd(status: .exited(71), saidGoodbye: false, site: nil, shortage: shortage, peakMemory: 0)
    let remedy =
      "\(noRestart): lower --memory-limit or --batch-rows, or let it have more memory (of the machine, the cgroup, or ulimit -v), "
      + "and run again"
    #expect(
      end.failure?.message
        == "out of memory: 1.3 GiB for a buffer could not be had when the worker held 3.0 GiB and had 4.0 GiB of addresses; "
        + remedy)
    #expect(end.failure?.domain == .external)
    #expect(end.exitCode == 71)
    shortage.asked = nil
    end = WorkerEnd(
      status: .killed(SignalName(6)), saidGoodbye: false, hadStarted: false, site: site, shortage: shortage,
      peakMemory: 0)
    #expect(
      end.failure?.message
        == "out of memory: what was asked for could not be had when the worker held 3.0 GiB and had 4.0 GiB of addresses, in "
        + "'call' of function 'tax' of plugin 'broken'; lower --memory-limit or --batch-rows, or let it have more memory (of the "
        + "machine, the cgroup, or ulimit -v), and run again")
    #expect(end.exitCode == 71)
    end = WorkerEnd(status: .exited(65), saidGoodbye: true, site: nil, shortage: shortage, peakMemory: 0)
    #expect(end.failure == nil, "it has told why it ended")
    #expect(end.exitCode == 65)
  }

  @Test("an exit that the worker did not announce is no success")
  func foreignExit() {
    let end = WorkerEnd(status: .exited(0), saidGoodbye: false, site: site, peakMemory: 0)
    #expect(
      end.failure?.message
        == "plugin 'broken' (/p/libbroken.so): function 'tax' ended the worker by exit(0) in 'call' before "
        + "the job had ended; \(noRestart): remove the call of exit and run again")
    #expect(end.exitCode == 70)
  }

  @Test("an end that was asked for is no failure")
  func cutShort() {
    let end = WorkerEnd(
      status: .killed(SignalName(9)), saidGoodbye: false, site: nil, peakMemory: 0, cutShort: .asked(SignalName(2)))
    #expect(end.failure == nil)
    #expect(end.exitCode == 130)
  }

  @Test("the first signal drains, a later SIGINT ends, and an echo of the first is nothing")
  func shutdown() {
    let start = ContinuousClock.now
    for first in [15, 2, 1] as [Int32] {
      var shutdown = Shutdown()
      #expect(shutdown.receive(SignalName(first), at: start) == .drain)
      #expect(shutdown.receive(SignalName(2), at: start + .milliseconds(50)) == .nothing)
      #expect(shutdown.receive(SignalName(15), at: start + .milliseconds(99)) == .nothing)
      #expect(shutdown.receive(SignalName(1), at: start + .seconds(1)) == .nothing)
      #expect(shutdown.cutShort == nil)
      #expect(shutdown.due(after: .seconds(5)) == start + .seconds(5))
      for second: Int32 in [2, 15] {
        var shutdown = shutdown
        #expect(shutdown.receive(SignalName(second), at: start + .seconds(2)) == .end)
        #expect(shutdown.cutShort == .asked(SignalName(second)))
        #expect(shutdown.due(after: .seconds(5)) == nil)
        #expect(shutdown.receive(SignalName(2), at: start + .seconds(3)) == .nothing)
      }
      shutdown.isOverdue(after: .seconds(5))
      #expect(shutdown.cutShort == .overdue(SignalName(first), after: .seconds(5)))
    }
  }

  @Test("a worker's command line is split into identity and work")
  func identity() throws {
    for identity in [
      WorkerIdentity(supervisor: 12, report: 3), WorkerIdentity(supervisor: 12, report: 3, health: 0, restarts: 17),
    ] {
      let arguments = identity.arguments + ["run", "--plugin", "x"]
      let (found, rest) = try #require(WorkerIdentity.split(arguments[...]))
      #expect(found == identity)
      #expect(Array(rest) == ["run", "--plugin", "x"])
    }
    for other in [
      [], ["run"], ["worker-of"], ["worker-of", "1", "2", "x", "y"], ["worker-of", "x", "2", "3", "4"],
      ["worker-of", "1", "2", "3"],
    ] {
      #expect(WorkerIdentity.split(other[...]) == nil)
    }
  }
}
