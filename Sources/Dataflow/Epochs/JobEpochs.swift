import Base
import Synchronization

/// What the parts of a job hear of its epochs: how far they have been begun, aborted and committed, which only ever
/// grows. One epoch is under way at a time. There is none in a job without checkpoints.
///
/// Changed by `Job`, which wakes every part then; looked at by each part between two of the things that it does.
final class JobEpochs: Sendable {
  let checkpoints: any JobCheckpoints
  /// As it was before this job: 0 for none.
  let before: Epoch
  /// The one that it goes on from; 0 for none.
  let restored: Epoch
  private let begunEpoch = Atomic<UInt64>(0)
  private let abortedEpoch = Atomic<UInt64>(0)
  private let committedEpoch = Atomic<UInt64>(0)
  private let stopEpoch = Atomic<UInt64>(0)
  /// Transactional sinks that have shown all their rows and are gone.
  private let settled = Monitor<[StagePlace]>([])
  /// The tasks of the subtasks that read an input to its end before others.
  private let awaiting = Monitor<[String]>([])

  init(_ checkpoints: any JobCheckpoints) {
    self.checkpoints = checkpoints
    before = checkpoints.lastEpoch
    restored = checkpoints.restoredEpoch
  }

  /// The last epoch whose barrier was let into the sources.
  var begun: Epoch { Epoch(begunEpoch.load(ordering: .acquiring)) }
  /// It, and all before it that were not complete, will not be.
  var aborted: Epoch { Epoch(abortedEpoch.load(ordering: .acquiring)) }
  /// The last that is complete.
  var committed: Epoch { Epoch(committedEpoch.load(ordering: .acquiring)) }

  /// The epoch that a source gives the barrier of now, when its last one was this.
  func due(after last: Epoch) -> Epoch? {
    let begun = begun
    return begun > last && begun > aborted ? begun : nil
  }

  /// Whether a source whose last barrier was that of `last` reads no more.
  func isLast(_ last: Epoch) -> Bool {
    let stop = stopEpoch.load(ordering: .acquiring)
    return stop > 0 && last.number >= stop
  }

  /// - Parameter isLast: no source reads on behind its barrier.
  func begin(_ epoch: Epoch, isLast: Bool) -> EpochStart {
    if let task = awaiting.withLock({ $0.first }) {
      return .declined("task '\(task)' still reads an input to its end, before its other inputs are read at all")
    }
    precondition(epoch > begun && epoch > before, "an epoch has a number of its own, above those before it")
    if isLast { stopEpoch.store(epoch.number, ordering: .sequentiallyConsistent) }
    begunEpoch.store(epoch.number, ordering: .sequentiallyConsistent)
    return .begun
  }

  func abort(_ epoch: Epoch) { raise(abortedEpoch, to: epoch) }

  /// Whether it was the last: nothing follows, and the job is to be torn down.
  func commit(_ epoch: Epoch) -> Bool {
    let gone = settled.withLock { settled in
      raise(committedEpoch, to: epoch)
      return settled
    }
    for place in gone { checkpoints.committed(epoch, of: place) }
    return isLast(epoch)
  }

  /// A sink has ended and committed that epoch, with its last rows. True when it may go: it has nothing to show in
  /// later epochs, and that is told for it. False when another epoch has become complete.
  func settle(_ place: StagePlace, _ committed: Epoch) -> Bool {
    settled.withLock { settled in
      guard committed == self.committed else { return false }
      settled.append(place)
      return true
    }
  }

  private func raise(_ number: borrowing Atomic<UInt64>, to epoch: Epoch) {
    _ = number.max(epoch.number, ordering: .sequentiallyConsistent)
  }

  /// A subtask of that task reads an input to its end, before its others. Before the job runs.
  func await(_ task: String) { awaiting.withLock { $0.append(task) } }

  /// One of them has come to that end.
  func awaited(_ task: String) {
    awaiting.withLock { tasks in if let index = tasks.firstIndex(of: task) { tasks.remove(at: index) } }
  }
}
