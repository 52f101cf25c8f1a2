import Arrow
import Base
import Dataflow
import State

/// Keeps the epochs of jobs without keyed state in memory, of one run after the other: where sources stood, and what
/// sinks have to show.
final class EpochKeeper: JobCheckpoints {
  private enum Part {
    case positions([SplitPosition])
    case transactions([SinkTransaction])
  }

  private struct State {
    var last = Epoch(0)
    var places: [StagePlace] = []
    var given: [Epoch: [StagePlace: Part]] = [:]
    var ended: [StagePlace: Part] = [:]
    /// The last complete epoch.
    var whole: (epoch: Epoch, parts: [StagePlace: Part])?

    func parts(of epoch: Epoch) -> [StagePlace: Part]? {
      let parts = (given[epoch] ?? [:]).merging(ended) { part, _ in part }
      return places.isEmpty || parts.count < places.count ? nil : parts
    }
  }

  private let state = Monitor(State())

  /// Another process takes over.
  func restart() {
    state.withLock { state in
      var next = State()
      (next.last, next.whole) = (state.last, state.whole)
      state = next
    }
  }

  func nextEpoch() -> Epoch {
    state.withLock { state in
      state.last.number += 1
      return state.last
    }
  }

  var hasEnded: Bool { state.withLock { !$0.places.isEmpty && $0.ended.count == $0.places.count } }

  /// False when that takes a minute.
  func waitUntilWhole(_ epoch: Epoch) -> Bool {
    state.wait(until: MonotonicTime.now + 60_000_000_000) { $0.parts(of: epoch) == nil ? nil : true } ?? false
  }

  func complete(_ epoch: Epoch) {
    state.withLock { state in
      if let parts = state.parts(of: epoch) { state.whole = (epoch, parts) }
    }
  }

  // MARK: What a job asks and tells

  var lastEpoch: Epoch { state.withLock { $0.last } }
  var restoredEpoch: Epoch { state.withLock { $0.whole?.epoch ?? Epoch(0) } }
  func begin(_ parts: [StagePart]) throws(Failure) { state.withLock { $0.places = parts.map(\.place) } }

  func positions(of place: StagePlace) throws(Failure) -> [SplitPosition]? {
    state.withLock { state in
      state.whole?.parts.filter { $0.key.id == place.id }.values.flatMap { part -> [SplitPosition] in
        if case .positions(let positions) = part { positions } else { [] }
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
  ) throws(Failure) -> Bool { false }

  func take(_ snapshot: StageSnapshot, of place: StagePlace, epoch: Epoch) {
    state.withLock { $0.given[epoch, default: [:]][place] = Self.part(snapshot) }
    state.broadcast()
  }

  func end(_ snapshot: StageSnapshot, of place: StagePlace) {
    state.withLock { $0.ended[place] = Self.part(snapshot) }
    state.broadcast()
  }

  func committed(_ epoch: Epoch, of place: StagePlace) {}

  private static func part(_ snapshot: StageSnapshot) -> Part {
    switch snapshot {
    case .source(let positions): .positions(positions)
    case .sink(let transactions): .transactions(transactions)
    case .state: preconditionFailure("these jobs have no keyed state")
    }
  }
}
