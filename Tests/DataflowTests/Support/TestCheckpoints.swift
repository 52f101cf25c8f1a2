import Arrow
import Base
import State

@testable import Dataflow

/// Keeps the epochs of a job in memory, of one run after the other: what a restarted job goes on from is what the last
/// complete epoch held. In place of a coordinator a test asks whether an epoch is whole, and completes it.
final class TestCheckpoints: JobCheckpoints {
  /// By table: an entry, as a batch of one row, by the text of its address.
  typealias Entries = [[String: RecordBatch]]

  enum Part {
    case positions([SplitPosition])
    case state([StateTable], Entries)
    case transactions([SinkTransaction])
  }

  private struct State: @unchecked Sendable {  // Guarded by the monitor.
    var lastEpoch = Epoch(0)
    var places: [StagePart] = []
    /// What the state of a place is made of now.
    var live: [StagePlace: Entries] = [:]
    var given: [Epoch: [StagePlace: Part]] = [:]
    var ended: [StagePlace: Part] = [:]
    var committed: [Epoch: Set<StagePlace>] = [:]
    /// The last complete epoch.
    var whole: (epoch: Epoch, parts: [StagePlace: Part])?
    var hasRestored = false
    /// How far every source is read.
    var bound: SourceBound?
  }

  private let state = Monitor(State())

  /// Another process takes over: what was not complete is gone.
  func restart() {
    state.withLock { state in
      var next = State()
      (next.lastEpoch, next.whole) = (state.lastEpoch, state.whole)
      state = next
    }
  }

  /// A number for an epoch that no other has had.
  func nextEpoch() -> Epoch {
    state.withLock { state in
      state.lastEpoch.number += 1
      return state.lastEpoch
    }
  }

  var lastEpoch: Epoch { state.withLock { $0.lastEpoch } }
  var places: [StagePart] { state.withLock { $0.places } }
  /// The last complete epoch.
  var completed: Epoch? { state.withLock { $0.whole?.epoch } }
  /// Every place has ended.
  var hasEnded: Bool { state.withLock { !$0.places.isEmpty && $0.ended.count == $0.places.count } }
  func committed(_ epoch: Epoch) -> Set<StagePlace> { state.withLock { $0.committed[epoch] ?? [] } }
  /// A place's part of the last complete epoch.
  func part(_ id: String, subtask: Int = 0) -> Part? {
    state.withLock { state in state.whole?.parts.first { $0.key.id == id && $0.key.subtask == subtask }?.value }
  }
  /// Whether a place has given its part of an epoch, or has ended.
  func hasGiven(_ epoch: Epoch, _ id: String, subtask: Int = 0) -> Bool {
    state.withLock { state in
      (state.given[epoch] ?? [:]).merging(state.ended) { part, _ in part }.contains {
        $0.key.id == id && $0.key.subtask == subtask
      }
    }
  }

  /// Waits until something has been given; false after a minute.
  func wait(for condition: @escaping (TestCheckpoints.View) -> Bool) -> Bool {
    state.wait(until: MonotonicTime.now + 60_000_000_000) { state in
      condition(View(given: state.given, ended: state.ended, places: state.places, committed: state.committed))
        ? true : nil
    } ?? false
  }

  struct View {
    var given: [Epoch: [StagePlace: Part]]
    var ended: [StagePlace: Part]
    var places: [StagePart]
    var committed: [Epoch: Set<StagePlace>]

    func isWhole(_ epoch: Epoch) -> Bool {
      places.allSatisfy { given[epoch]?[$0.place] != nil || ended[$0.place] != nil }
    }
    var hasEnded: Bool { !places.isEmpty && ended.count == places.count }
  }

  /// Something else has changed that a waiting test looks at.
  func wake() { state.broadcast() }

  /// The epoch is the one to go on from.
  func complete(_ epoch: Epoch) {
    state.withLock { state in
      let parts = (state.given[epoch] ?? [:]).merging(state.ended) { part, _ in part }
      precondition(parts.count == state.places.count, "an epoch is whole before it is complete")
      state.whole = (epoch, parts)
    }
  }

  func begin(_ parts: [StagePart]) throws(Failure) { state.withLock { $0.places = parts } }

  /// Every source of the next run is read up to there.
  func bind(_ bound: SourceBound?) { state.withLock { $0.bound = bound } }

  func bound(of place: StagePlace) throws(Failure) -> SourceBound? { state.withLock { $0.bound } }

  func positions(of place: StagePlace) throws(Failure) -> [SplitPosition]? {
    state.withLock { state in
      guard let whole = state.whole else { return nil }
      return whole.parts.filter { $0.key.id == place.id }.flatMap { part -> [SplitPosition] in
        if case .positions(let positions) = part.value { positions } else { [] }
      }
    }
  }

  func transactions(of place: StagePlace) throws(Failure) -> (own: [SinkTransaction], all: [SinkTransaction]) {
    state.withLock { state in
      var (own, all): ([SinkTransaction], [SinkTransaction]) = ([], [])
      for (former, part) in state.whole?.parts ?? [:] where former.id == place.id {
        guard case .transactions(let transactions) = part else { continue }
        all += transactions
        if former.subtask % place.parallelism == place.subtask { own += transactions }
      }
      return (own, all)
    }
  }

  func restore(
    _ place: StagePlace, _ tables: [StateTable], _ give: (RecordBatch, Int) throws(Failure) -> Void
  ) throws(Failure) -> Bool {
    let entries: Entries? = state.withLock { state in
      var entries = Entries(repeating: [:], count: tables.count)
      var isFound = false
      for (former, part) in state.whole?.parts ?? [:] where former.id == place.id {
        guard case .state(let formerTables, let formerEntries) = part else { continue }
        isFound = true
        for (table, rows) in zip(formerTables, formerEntries) {
          guard let index = tables.firstIndex(of: table) else { preconditionFailure("a test keeps its tables") }
          for (address, row) in rows where TestCheckpoints.isOwn(row, table, place) {
            precondition(
              table.scope == .subtask || entries[index][address] == nil, "a key is in one subtask")
            entries[index][address] = row
          }
        }
      }
      guard isFound else { return nil }
      state.live[place] = entries
      return entries
    }
    guard let entries else { return false }
    for (table, rows) in entries.enumerated() {
      let sorted = rows.sorted { $0.key < $1.key }.map(\.value)
      for first in stride(from: 0, to: sorted.count, by: 3) {
        try give(RecordBatch.concatenate(Array(sorted[first..<min(first + 3, sorted.count)])), table)
      }
    }
    return true
  }

  /// Whether an entry belongs to the subtask now: by its first key column, an Int64.
  private static func isOwn(_ row: RecordBatch, _ table: StateTable, _ place: StagePlace) -> Bool {
    guard table.scope == .key else { return true }
    return ModuloPartitioner.target(of: row.columns[0].values(Int64.self)[0], place.parallelism) == place.subtask
  }

  func take(_ snapshot: StageSnapshot, of place: StagePlace, epoch: Epoch) {
    state.withLock { state in
      precondition(state.ended[place] == nil, "\(place) has ended")
      precondition(state.given[epoch]?[place] == nil, "\(place) gives its part of an epoch once")
      state.given[epoch, default: [:]][place] = TestCheckpoints.part(snapshot, place, &state)
    }
    state.broadcast()
  }

  func end(_ snapshot: StageSnapshot, of place: StagePlace) {
    state.withLock { state in
      precondition(state.ended[place] == nil, "\(place) ends once")
      state.ended[place] = TestCheckpoints.part(snapshot, place, &state)
    }
    state.broadcast()
  }

  func committed(_ epoch: Epoch, of place: StagePlace) {
    state.withLock { _ = $0.committed[epoch, default: []].insert(place) }
    state.broadcast()
  }

  private static func part(_ snapshot: StageSnapshot, _ place: StagePlace, _ state: inout State) -> Part {
    precondition(state.places.contains { $0.place == place }, "\(place) was told before")
    switch snapshot {
    case .source(let positions): return .positions(positions)
    case .sink(let transactions): return .transactions(transactions)
    case .state(let tables, let changes):
      var entries = state.live[place] ?? Entries(repeating: [:], count: tables.count)
      for change in changes.parts {
        switch change {
        case .put(let rows, let table):
          for row in 0..<rows.length {
            let entry = rows.slice(row..<row + 1)
            entries[table][address(entry, tables[table])] = entry
          }
        case .remove(let rows, let table):
          for row in 0..<rows.length {
            entries[table][address(rows.slice(row..<row + 1), tables[table])] = nil
          }
        case .removeAll(let table): entries[table] = [:]
        }
      }
      state.live[place] = entries
      return .state(tables, entries)
    }
  }

  private static func address(_ row: RecordBatch, _ table: StateTable) -> String {
    (0..<table.key.count + table.namespace.count).map { "\(row.columns[$0].literal(at: 0))" }.joined(separator: " ")
  }
}
