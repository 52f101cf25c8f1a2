import Base

@testable import Dataflow

/// How far the sources of a test may read, and which of them may end.
final class ReadBudget: Sendable {
  private struct State {
    var reads = 0
    var mayEnd: Set<String> = []
    var mayAllEnd = false
    var taken = 0
  }

  private let state = Monitor(State())

  func add(_ reads: Int) { state.withLock { $0.reads += reads } }
  func letEnd(_ source: String) { state.withLock { _ = $0.mayEnd.insert(source) } }
  func letAllEnd() {
    state.withLock { state in
      state.reads = 1 << 40
      state.mayAllEnd = true
    }
  }

  func take() -> Bool {
    state.withLock { state in
      guard state.reads > 0 else { return false }
      state.reads -= 1
      state.taken += 1
      return true
    }
  }

  func mayEnd(_ source: String) -> Bool { state.withLock { $0.mayAllEnd || $0.mayEnd.contains(source) } }
}

/// Gives batches by split, each subtask those whose number falls to it, as far as a budget allows.
final class ReplaySource: BoundedSource, @unchecked Sendable {
  let blocks: Bool
  private let name: String
  private let place: SubtaskContext
  private let splits: [[ReadOutcome]]
  private let budget: ReadBudget
  /// The own splits, and how much of each was read.
  private var read: [(split: Int, count: Int)]
  private var turn = 0
  private var isOpen = false
  /// By split, how much of it is read; nil: all.
  private var bounds: [String: Int]?

  init(_ name: String, _ place: SubtaskContext, splits: [[ReadOutcome]], budget: ReadBudget, blocks: Bool = false) {
    self.name = name
    self.place = place
    self.splits = splits
    self.budget = budget
    self.blocks = blocks
    read = splits.indices.filter { $0 % place.parallelism == place.id.index }.map { ($0, 0) }
  }

  func resume(at positions: [SplitPosition]) throws(Failure) {
    precondition(!isOpen, "\(name) hears where it goes on before it is opened")
    for index in read.indices {
      let position = positions.filter { $0.split == "\(read[index].split)" }
      precondition(position.count <= 1, "\(name) has one position of a split")
      read[index].count = position.first.flatMap { Int($0.position) } ?? 0
    }
  }

  func end(at positions: [SplitPosition]) throws(Failure) {
    precondition(!isOpen, "\(name) hears where it ends before it is opened")
    bounds = Dictionary(uniqueKeysWithValues: positions.map { ($0.split, Int($0.position) ?? 0) })
  }

  private func limit(_ split: Int) -> Int { bounds.map { $0["\(split)"] ?? 0 } ?? splits[split].count }

  func positions() throws(Failure) -> [SplitPosition] {
    read.filter { $0.count > 0 }.map { SplitPosition(split: "\($0.split)", position: "\($0.count)") }
  }

  func open() throws(Failure) { isOpen = true }

  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
    let open = read.indices.filter { read[$0].count < limit(read[$0].split) }
    if open.isEmpty { return bounds != nil || budget.mayEnd(name) ? .end : .idle }
    guard budget.take() else { return .idle }
    turn += 1
    let index = open[turn % open.count]
    defer { read[index].count += 1 }
    return splits[read[index].split][read[index].count]
  }
}
