import Base
import Glibc

/// How a worker came to its end, and what that means: a pure function of what was seen.
struct WorkerEnd: Sendable, Hashable {
  /// Who was running when the worker died.
  struct CallSite: Sendable, Hashable {
    var plugin: String
    /// Empty when the plugin was never loaded under that name.
    var path: String
    /// Empty when it was in no call of the host's, as is code on threads of the plugin's own.
    var function: String
    var call: String
  }

  /// Memory that could not be had.
  struct Shortage: Sendable, Hashable {
    struct Request: Sendable, Hashable {
      var byteCount: Int
      /// "a buffer".
      var purpose: String
    }

    /// Nil when who asked did not say: the Swift runtime, or a plugin.
    var asked: Request?
    /// Bytes that the worker held then.
    var residentBytes: Int
    /// Bytes of addresses that it had then.
    var mappedBytes: Int
  }

  /// Why the supervisor killed a worker.
  enum CutShort: Sendable, Hashable {
    /// A second signal asked for an immediate end.
    case asked(SignalName)
    /// It had not ended that long after a signal.
    case overdue(SignalName, after: Duration)
  }

  var status: WaitStatus
  /// The worker said that it ends by itself: its exit code is its own, and it has told why.
  var saidGoodbye: Bool
  /// The job had started: it may have read and written rows.
  var hadStarted = true
  /// The plugin call in which the worker died; nil when it was in none.
  var site: CallSite?
  /// Why it ended, when that was for want of memory.
  var shortage: Shortage?
  /// Resident memory at its largest, in bytes.
  var peakMemory: Int
  /// Nil: the supervisor did not kill it.
  var cutShort: CutShort?
  /// Another worker goes on from its last epoch.
  var keepsCheckpoints = false
  /// The newest epoch that it completed; nil when it completed none.
  var newestEpoch: Epoch?
  /// The failure that it ended by itself with, as it told it.
  var told: String?
  /// How long it lived.
  var duration = Duration.zero
  /// What it made of its order to look for records.
  var search = TrapSearchState.none

  /// What the supervisor has to say; nil when the worker has said everything.
  var failure: Failure? {
    switch cutShort {
    case .asked: return nil
    case .overdue(let signal, let limit):
      return Failure(
        .software,
        "the worker had not ended \(fixed(limit / .seconds(1), digits: 1)) s after \(signal) and was killed, so what it wrote "
          + "may not be whole: see whether its process was stopped or the machine is overloaded, or raise --stop-timeout"
      )
    case nil: break
    }
    if !saidGoodbye, let shortage { return failure(for: shortage) }
    switch status {
    case .exited(_) where saidGoodbye: return nil
    case .exited(let code):
      return Failure(
        .software,
        "\(place(did: "ended the worker by exit(\(code))")) before the job had ended; "
          + "\(noRestart)remove the call of exit and run again")
    case .killed(let signal) where signal.isKill:
      return Failure(
        .software, domain: .external,
        "the worker was killed by \(signal) when it held \(byteSizeText(peakMemory)) at its peak, most often the work of the "
          + "kernel's out-of-memory killer; \(noRestart)lower --memory-limit or give it more memory, and run again"
      )
    case .killed(let signal):
      if signal == SignalName(SIGBUS) {
        return Failure(
          .software, domain: .external,
          "\(place(did: "stopped", by: signal)), most often because a file that was mapped into memory, such as an Arrow file, was "
            + "shortened while it was read; \(noRestart)replace such files by renaming new ones, and run again")
      }
      let remedy =
        site == nil
        ? "this is a bug in Volley, or a plugin that wrote over memory: please report it with what stands above"
        : "mend the plugin and run again"
      let domain: Failure.Domain = site == nil ? .internal : .user
      return Failure(.software, domain: domain, "\(place(did: "trapped", by: signal)); \(noRestart)\(remedy)")
    }
  }

  /// The exit code of `volley-host`.
  var exitCode: Int32 {
    if case .asked(let signal) = cutShort { return 128 + signal.number }
    if case .exited(let code) = status, saidGoodbye { return code }
    return (failure?.kind ?? .software).exitCode
  }

  /// What matters of it to the decision whether there is another worker.
  func life(replacedPlugin: Bool) -> RestartPolicy.Life {
    RestartPolicy.Life(
      death: death, replacedPlugin: replacedPlugin, completedEpoch: newestEpoch != nil, duration: duration)
  }

  private var death: RestartPolicy.Death {
    if case .exited(let code) = status, saidGoodbye {
      let kinds: [Failure.Kind] = hadStarted ? [.usage, .plugin] : [.usage, .plugin, .noInput, .data]
      guard kinds.contains(where: { $0.exitCode == code }) else { return .ordinary }
      return hadStarted ? .certain : .refused
    }
    // In a plan or an initialiser, of which nothing is random.
    if !hadStarted, site != nil, shortage == nil, case .killed(let signal) = status, !signal.isKill { return .certain }
    return .ordinary
  }

  /// The function that trapped in a call that may have been one with records; nil when it died in any other way.
  var trappedFunction: String? {
    guard hadStarted, !saidGoodbye, cutShort == nil, shortage == nil, let site, !site.function.isEmpty,
      Self.recordCalls.contains(site.call)
    else { return nil }
    switch status {
    case .exited: return site.function
    case .killed(let signal): return Self.trapSignals.contains(signal.number) ? site.function : nil
    }
  }

  /// Of scalar functions, and of batch and keyed process functions.
  private static let recordCalls = ["call", "process"]
  /// Not SIGBUS: most often a file was shortened while it was read.
  private static let trapSignals = [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGFPE]

  /// Whether it did what it was to do, or was made to end.
  var isWanted: Bool {
    if cutShort != nil { return true }
    return saidGoodbye && status == .exited(0)
  }

  /// Nobody's fault but that of who set the limits; the plugin call, if there is one, is where it showed.
  private func failure(for shortage: Shortage) -> Failure {
    let asked = shortage.asked.map { "\(byteSizeText($0.byteCount)) for \($0.purpose)" } ?? "what was asked for"
    let place =
      switch site {
      case nil: ""
      case let site? where site.function.isEmpty: ", in code that plugin '\(site.plugin)' runs by itself"
      case let site?: ", in '\(site.call)' of function '\(site.function)' of plugin '\(site.plugin)'"
      }
    return Failure(
      .memory,
      "out of memory: \(asked) could not be had when the worker held \(byteSizeText(shortage.residentBytes)) and had "
        + "\(byteSizeText(shortage.mappedBytes)) of addresses\(place); \(noRestart)lower --memory-limit or --batch-rows, or "
        + "let it have more memory (of the machine, the cgroup, or ulimit -v), and run again")
  }

  private var noRestart: String {
    hadStarted && !keepsCheckpoints
      ? "the job is not restarted, because without a checkpoint its rows would be counted twice: " : ""
  }

  private func place(did what: String, by signal: SignalName? = nil) -> String {
    let reason = signal.map { ": \($0)" } ?? ""
    guard let site else {
      return signal.map { "the worker died of \($0) outside of any plugin call" } ?? "something \(what)"
    }
    let path = site.path.isEmpty ? "" : " (\(site.path))"
    if site.function.isEmpty {
      return
        "plugin '\(site.plugin)'\(path): code that it runs by itself, such as the body of an async function, \(what)\(reason)"
    }
    return "plugin '\(site.plugin)'\(path): function '\(site.function)' \(what) in '\(site.call)'\(reason)"
  }
}

extension SignalName {
  fileprivate var isKill: Bool { self == SignalName(9) }
}
