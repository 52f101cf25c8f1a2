import Arrow
import Base
import Synchronization

@testable import Dataflow

/// What the parts of a job under test did, in order; and which of them are to fail.
final class Journal: Sendable {
  struct Entry: Sendable, Hashable {
    var part: String
    var call: String
  }

  private struct State {
    var entries: [Entry] = []
    var rows: [String: [Int64]] = [:]
    var batches: [String: [Int]] = [:]
    var failures: [Entry: Failure] = [:]
  }

  private let state = Monitor(State())

  /// That call of that part will throw.
  func plan(_ failure: Failure, in part: String, _ call: String) {
    state.withLock { $0.failures[Entry(part: part, call: call)] = failure }
  }

  /// Notes a call, or throws what was planned for it.
  func note(_ part: String, _ call: String) throws(Failure) {
    let entry = Entry(part: part, call: call)
    let failure = state.withLock { state in
      state.entries.append(entry)
      return state.failures[entry]
    }
    state.broadcast()
    if let failure { throw failure }
  }

  func add(_ ids: [Int64], to part: String) {
    state.withLock { state in
      state.rows[part, default: []] += ids
      state.batches[part, default: []].append(ids.count)
    }
    state.broadcast()
  }

  var entries: [Entry] { state.withLock { $0.entries } }
  func calls(of part: String) -> [String] { entries.filter { $0.part == part }.map(\.call) }
  func count(_ part: String, _ call: String) -> Int {
    entries.count { $0 == Entry(part: part, call: call) }
  }
  /// The rows that a sink has got, in order.
  func rows(_ part: String) -> [Int64] { state.withLock { $0.rows[part] ?? [] } }
  /// The sizes of the batches that it has got.
  func batches(_ part: String) -> [Int] { state.withLock { $0.batches[part] ?? [] } }
  /// All rows of all sinks whose names start so.
  func allRows(_ prefix: String) -> [Int64] {
    state.withLock { state in state.rows.filter { $0.key.hasPrefix(prefix) }.flatMap(\.value) }
  }

  /// Waits until something has been noted; false after ten seconds.
  func wait(for condition: (Journal.View) -> Bool) -> Bool {
    state.wait(until: MonotonicTime.now + 10_000_000_000) { state in
      condition(View(entries: state.entries, rows: state.rows)) ? true : nil
    } ?? false
  }

  struct View {
    var entries: [Entry]
    var rows: [String: [Int64]]
  }
}

/// Stops the test when the calls of a part come in an order that its contract does not allow.
struct Lifecycle {
  private enum State {
    case made, open, finished, failed, closed
  }
  private let part: String
  private var state = State.made

  init(_ part: String) { self.part = part }

  mutating func open() {
    precondition(state == .made, "\(part) is opened once, first")
    state = .open
  }
  func use() { precondition(state == .open, "\(part) is used while it is open: \(state)") }
  mutating func finish() {
    use()
    state = .finished
  }
  mutating func fail() { state = .failed }
  mutating func close() {
    precondition(state != .made && state != .closed, "\(part) is closed once, after it was opened: \(state)")
    state = .closed
  }
}
