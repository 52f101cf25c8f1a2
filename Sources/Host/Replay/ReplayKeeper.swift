import Arrow
import Base
import Checkpointing
import Dataflow
import State

/// The epochs of a job that runs a past one again: what it goes on from comes from a checkpoint directory, how far each
/// source is read from a later epoch of it, and nothing is kept.
///
/// Asked by the thread that starts the job, then told by the job's threads, then asked by the one that waits for it.
final class ReplayKeeper: JobCheckpoints, Sendable {
  private let origin: EpochOrigin
  private let end: Manifest
  private let stateFolder: String
  private let memory: StateMemoryShares

  private struct State {
    /// Places that have not given their part.
    var missing: Set<StagePlace> = []
    /// Of operators that read theirs themselves.
    var databases: [StagePlace: StateDatabase] = [:]
    var failure: Failure?
  }
  private let state = Monitor(State())

  /// - Parameter stateFolder: is there, and empty.
  init(_ origin: EpochOrigin, to end: Manifest, stateFolder: String, memory: StateMemoryShares) {
    self.origin = origin
    self.end = end
    self.stateFolder = stateFolder
    self.memory = memory
  }

  var lastEpoch: Epoch { origin.epoch }
  var restoredEpoch: Epoch { origin.epoch }

  func begin(_ parts: [StagePart]) throws(Failure) { state.withLock { $0.missing = Set(parts.map(\.place)) } }

  func positions(of place: StagePlace) throws(Failure) -> [SplitPosition]? { origin.positions(of: place) }

  func bound(of place: StagePlace) throws(Failure) -> SourceBound? {
    guard let stage = end.stage(place.id), stage.role == .source else {
      throw Failure(.usage, "\(end.epoch.name) has no such source; run the plugin that took it")
    }
    let hasEnded = stage.subtasks.indices.contains(place.subtask) && stage.subtasks[place.subtask].hasEnded == true
    return SourceBound(positions: stage.splitPositions, hasEnded: hasEnded || end.kind == .final)
  }

  /// What sinks wrote for an epoch is theirs: here they write elsewhere.
  func transactions(of place: StagePlace) throws(Failure) -> (own: [SinkTransaction], all: [SinkTransaction]) {
    ([], [])
  }

  func restore(
    _ place: StagePlace, _ tables: [StateTable], _ give: (RecordBatch, Int) throws(Failure) -> Void
  ) throws(Failure) -> Bool {
    let (database, goesOn) = try open(place, tables)
    guard goesOn else { return false }
    for table in tables.indices {
      try database.scan(table: table) { batch throws(Failure) in try give(batch, table) }
    }
    return true
  }

  func database(of place: StagePlace, _ tables: [StateTable]) throws(Failure) -> StateDatabase? {
    let database = try open(place, tables).database
    state.withLock { $0.databases[place] = database }
    return database
  }

  private func open(
    _ place: StagePlace, _ tables: [StateTable]
  ) throws(Failure) -> (database: StateDatabase, goesOn: Bool) {
    let folder = "\(stateFolder)/\(EpochOrigin.folderName(place.id))/\(place.subtask)"
    return try origin.open(place, tables, at: folder, maxKeyGroups: end.maxKeyGroups, memory: memory)
  }

  func take(_ snapshot: StageSnapshot, of place: StagePlace, epoch: Epoch) { receive(snapshot, of: place) }
  func end(_ snapshot: StageSnapshot, of place: StagePlace) { receive(snapshot, of: place) }
  func committed(_ epoch: Epoch, of place: StagePlace) {}

  private func receive(_ snapshot: StageSnapshot, of place: StagePlace) {
    if case .state(_, let changes) = snapshot, let database = state.withLock({ $0.databases[place] }) {
      defer { database.changesAreKept() }
      do throws(Failure) { try database.apply(changes) } catch {
        state.withLock { $0.failure = $0.failure ?? error.within("state of '\(place.id)'") }
      }
    }
    state.withLock { _ = $0.missing.remove(place) }
    state.broadcast()
  }

  /// Takes a job that was started through its one epoch: returns when that is committed or the job has failed.
  func run(_ job: Job) {
    var hasBegun = false
    while job.failure == nil {
      // A job that reads an input to its end before others begins no epoch until then.
      if !hasBegun { hasBegun = job.stop(with: end.epoch) == .begun }
      let found: Result<Void, Failure>? = state.wait(until: MonotonicTime.now + Self.look) { state in
        if let failure = state.failure { return .failure(failure) }
        return state.missing.isEmpty ? .success(()) : nil
      }
      switch found {
      case nil: continue
      case .success: return job.commit(end.epoch)
      case .failure(let failure): return job.fail(failure)
      }
    }
  }

  /// Nanoseconds between two looks whether the job has failed or lets the epoch begin.
  private static let look: Int64 = 10_000_000

  /// The job has ended.
  func close() {
    let databases = state.withLock { state in
      defer { state.databases = [:] }
      return Array(state.databases.values)
    }
    for database in databases { database.abandon() }
  }
}
