import Base
import CPlatform
import Glibc
import Observability
import Synchronization

/// Looks for the records on which functions trap, after a worker has died of one.
///
/// Each call of such a function with records is made in a copy of the process first, which dies in the worker's place. So the
/// records that it dies of are found like those on which a function throws, by halving, and with the very state, timers and
/// memory of the function that the call would meet. It costs a copy and a second call each, and so ends when the records that
/// were found are in a complete epoch and nothing more came for a while.
///
/// May be used from every thread.
public final class TrapSearch: Sendable {
  /// How it ended.
  public enum End: Sendable, Hashable {
    /// Calls are made directly again.
    case over
    /// Calls cannot be tried.
    case vain
  }

  private struct State {
    var found = 0
    /// The first epoch that has all records that were found.
    var waitsFor = Epoch(0)
    /// Complete epochs since then; of all, while nothing was found.
    var quietEpochs = 0
  }

  private struct Body {
    let run: () -> Void
  }

  private let functions: [String]
  private let patience: Int
  private let timeLimit: Duration
  /// The same in milliseconds.
  private let limit: Int64
  /// Milliseconds for which the next copy may stand still.
  private let stillLimit: Atomic<Int64>
  private let log: EventLog?
  private let signalName: @Sendable (Int32) -> String
  private let whenEnded: @Sendable (End) -> Void
  private let isRunning = Atomic<Bool>(true)
  private let state = Monitor(State())

  /// Until a record is found: the records of the epoch that was under way when the worker died may take several to come again,
  /// as each call is made twice.
  private static let epochsUntilFound = 4
  /// Records that are told by name; the others are in the quarantine all the same.
  private static let toldRecords = 10
  /// Milliseconds. A copy comes upon a held lock seldom, and a call that waits is seldom too.
  private static let firstStillLimit: Int64 = 500
  /// Bytes of what a function said before it trapped.
  private static let toldBytes = 300

  /// - Parameters:
  ///   - functions: their names, or the first 127 bytes of them.
  ///   - patience: complete epochs without a find after which it ends.
  ///   - timeLimit: how long a call may take in a copy.
  ///   - signalName: what a sentence calls a signal.
  ///   - whenEnded: told once.
  public init(
    functions: [String], patience: Int, timeLimit: Duration = .seconds(60), log: EventLog?,
    signalName: @escaping @Sendable (Int32) -> String, whenEnded: @escaping @Sendable (End) -> Void
  ) {
    self.functions = functions
    self.patience = patience
    self.timeLimit = timeLimit
    limit = Int64(timeLimit / .milliseconds(1))
    stillLimit = Atomic(min(limit, Self.firstStillLimit))
    self.log = log
    self.signalName = signalName
    self.whenEnded = whenEnded
  }

  /// Whether one of these functions is looked at.
  public func suspects(_ names: [String]) -> Bool {
    names.contains { name in functions.contains { $0 == name || ($0.utf8.count == 127 && name.hasPrefix($0)) } }
  }

  /// Whether calls are still tried.
  public var isOn: Bool { isRunning.load(ordering: .relaxed) }

  /// Makes a call in a copy of the process.
  ///
  /// A copy that stands still has come upon a lock that another thread held when it was made, be it one of the Swift runtime's:
  /// another copy is made. A function may wait for something outside too: each time, the copy may stand still for longer, and
  /// as long from then on.
  ///
  /// - Returns: how it died; nil when it may be made here: it returned, or cannot be tried.
  func trial(_ call: () -> Void) -> Failure? {
    var still = stillLimit.load(ordering: .relaxed)
    var trial = attempt(call, still: still)
    while trial.outcome == PLATFORM_TRIAL_STILL && still < limit {
      still = min(limit, still * 4)
      stillLimit.max(still, ordering: .relaxed)
      trial = attempt(call, still: still)
    }
    switch trial.outcome {
    case PLATFORM_TRIAL_LIVED: return nil
    case PLATFORM_TRIAL_DIED: return failure(of: trial)
    case PLATFORM_TRIAL_LATE, PLATFORM_TRIAL_STILL:
      end(
        .vain, .warning,
        "a call that was tried in a copy of the worker had not returned after \(timeLimit), perhaps because the function waits for "
          + "threads of its own: records on which it traps cannot be found")
    default:
      let reason = trial.reason == 0 ? "it was killed" : String(cString: strerror(trial.reason))
      end(
        .vain, .warning,
        "a call cannot be tried in a copy of the worker (\(reason)): records on which a function traps cannot be found")
    }
    return nil
  }

  /// - Parameter still: milliseconds for which the copy may do nothing but wait.
  private func attempt(_ call: () -> Void, still: Int64) -> platform_trial {
    var trial = platform_trial()
    withoutActuallyEscaping(call) { call in
      var body = Body(run: call)
      withUnsafeMutablePointer(to: &body) { pointer in
        platform_try(
          { argument in
            guard let argument else { return }
            argument.assumingMemoryBound(to: Body.self).pointee.run()
          }, pointer, limit, still, &trial)
      }
    }
    return trial
  }

  private func failure(of trial: platform_trial) -> Failure {
    let (plugin, function, slot) = (Self.text(trial.plugin), Self.text(trial.function), Self.text(trial.call))
    let place = function.isEmpty ? "the call" : "plugin '\(plugin)': function '\(function)'"
    let deed = trial.signal == 0 ? "ended the worker by exit" : "trapped"
    let signal = trial.signal == 0 ? "" : ": \(signalName(trial.signal))"
    let told = Self.lastWords(Self.text(trial.told))
    var failure = Failure(
      .software, domain: .user,
      "\(place) \(deed)\(slot.isEmpty ? "" : " in '\(slot)'")\(signal)\(told.isEmpty ? "" : " (\(told))")")
    failure.refusesRecords = true
    return failure
  }

  /// What a program says at its end: the line that a runtime marks, else the last one.
  static func lastWords(_ text: String) -> String {
    let lines = text.split(whereSeparator: \.isNewline).map { line in line.drop(while: \.isWhitespace) }
    let marks = ["Fatal error", "Assertion failed", "Precondition failed"]
    guard let line = lines.last(where: { line in marks.contains { line.contains($0) } }) ?? lines.last else {
      return ""
    }
    return line.utf8.count <= toldBytes ? String(line) : String(decoding: line.utf8.prefix(toldBytes), as: UTF8.self)
  }

  /// A record was set aside because a function died of it.
  ///
  /// - Parameter barrier: the last one that passed; the record belongs to a later epoch.
  func found(_ failure: Failure, at place: QuarantinePlace, behind barrier: Epoch?) {
    let count = state.withLock { state in
      state.found += 1
      state.waitsFor = max(state.waitsFor, Epoch((barrier?.number ?? 0) + 1))
      state.quietEpochs = 0
      return state.found
    }
    guard count <= Self.toldRecords else { return }
    log?.warning(
      "quarantine.trapped", "a record of '\(place.uid)' is set aside: \(failure.message)",
      ["uid": .string(place.uid), "function": .string(place.function), "found": .int(count)])
  }

  /// An epoch is complete.
  public func complete(_ epoch: Epoch) {
    guard isOn else { return }
    let (found, isOver): (Int, Bool) = state.withLock { state in
      if epoch >= state.waitsFor { state.quietEpochs += 1 }
      let enough = state.found > 0 ? patience : patience + Self.epochsUntilFound
      return (state.found, state.quietEpochs >= enough)
    }
    guard isOver else { return }
    let what =
      found == 0
      ? "no call trapped again" : "\(found) \(found == 1 ? "record was" : "records were") set aside"
    end(.over, .info, "\(what) up to epoch \(epoch.number): calls are made directly again", found: found)
  }

  private func end(_ end: End, _ level: LogLevel, _ sentence: String, found: Int = 0) {
    guard isRunning.exchange(false, ordering: .relaxed) else { return }
    log?.log(level, "quarantine.search-ended", sentence, ["found": .int(found)])
    whenEnded(end)
  }

  /// A C text in a field of its own.
  private static func text<Bytes>(_ field: Bytes) -> String {
    withUnsafeBytes(of: field) { bytes in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
