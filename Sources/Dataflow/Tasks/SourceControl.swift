import Base
import Synchronization

/// A source and its life: opened, stopped from any thread, closed.
final class SourceControl: @unchecked Sendable {
  // Reads, barriers and `close` by one thread; the rest is guarded by `state`.
  let stage: Stage
  let body: any Source
  private let isStopRequested = Atomic<Bool>(false)
  private let isRead = Atomic<Bool>(true)
  private let state = Monitor(State.made)
  private let epochs: StageEpochs?
  private let replayable: (any ReplayableSource)?
  /// The same, when it acknowledges what epochs have.
  private let acknowledging: (any AcknowledgingSource)?
  /// The last epoch whose barrier it gave.
  private var lastEpoch = Epoch(0)
  /// The last that it was told to be complete.
  private var toldEpoch = Epoch(0)
  /// Of one that runs a past epoch again, what is to come of it.
  private var bound = Bound.none

  private enum Bound {
    case none
    /// It is read up to there, and then has ended or gives the barrier.
    case ahead(hasEnded: Bool)
    /// It was read up to there, and gives the barrier.
    case reached
  }

  private enum State {
    case made, open, stopped, closed
  }

  init(stage: Stage, body: any Source, epochs: StageEpochs? = nil) {
    self.stage = stage
    self.body = body
    self.epochs = epochs
    replayable = epochs == nil ? nil : body as? any ReplayableSource
    acknowledging = epochs == nil ? nil : body as? any AcknowledgingSource
  }

  /// What it adds to every epoch.
  var part: StagePart? {
    epochs.map { StagePart(place: $0.place, label: stage.label, kind: .source(replays: replayable != nil)) }
  }

  /// Before it is opened: goes on from an epoch, if the job does.
  func resume() throws(Failure) {
    guard let epochs else { return }
    acknowledging?.useEpochs()
    toldEpoch = epochs.job.committed
    do throws(Failure) {
      if let replayable, let positions = try epochs.job.checkpoints.positions(of: epochs.place) {
        try stage.call { () throws(Failure) in try replayable.resume(at: positions) }
      }
      tellMissing(epochs)
      guard let bound = try epochs.job.checkpoints.bound(of: epochs.place) else { return }
      guard let bounded = replayable as? any BoundedSource else {
        let reason = replayable == nil ? "what it gave is not read again" : "it cannot be read up to a position alone"
        throw Failure(.usage, "cannot run a past epoch again: \(reason)")
      }
      try stage.call { () throws(Failure) in try bounded.end(at: bound.positions) }
      self.bound = .ahead(hasEnded: bound.hasEnded)
    } catch { throw error.within(stage.place) }
  }

  /// What was read in epochs that are passed over comes again, or what they have shown has to stay.
  private func tellMissing(_ epochs: StageEpochs) {
    guard let replayable, epochs.place.subtask == 0 else { return }
    let lost = epochs.job.checkpoints.lostPositions(of: epochs.place)
    if lost.isEmpty { return }
    let missing = replayable.missing(of: lost)
    if !missing.isEmpty { epochs.job.checkpoints.lacks(missing, of: epochs.place) }
  }

  /// Whether the barrier of an epoch goes behind what was read.
  var isBarrierDue: Bool { dueEpoch != nil }

  private var dueEpoch: Epoch? {
    if case .ahead = bound { return nil }
    return epochs?.job.due(after: lastEpoch)
  }

  /// A read was `.end`. Whether the source has ended, and is not just read no more.
  func hasEnded() -> Bool {
    guard case .ahead(hasEnded: false) = bound else { return true }
    bound = .reached
    return false
  }

  /// Between two reads, when all rows that were read are on their way: the epoch whose barrier goes behind them now.
  /// The source's part of it is given.
  func takeBarrier() throws(Failure) -> Epoch? {
    guard let epochs, let epoch = dueEpoch else { return nil }
    lastEpoch = epoch
    acknowledging?.reach(epoch)
    epochs.take(try snapshot(), epoch)
    return epoch
  }

  /// Tells the source what is complete, between two reads and before it is closed. By the thread that reads.
  func tellCommitted() {
    guard let epochs, let acknowledging else { return }
    let committed = epochs.job.committed
    guard committed > toldEpoch else { return }
    toldEpoch = committed
    acknowledging.committed(committed)
  }

  /// It is not read behind the barrier that it gave last: the job is to stop there. Or it gives that next.
  var isHalted: Bool {
    if case .reached = bound { return true }
    return epochs?.job.isLast(lastEpoch) ?? false
  }

  /// It is read no more, with its last positions as its part of every later epoch.
  func end() throws(Failure) {
    isRead.store(false, ordering: .relaxed)
    guard let epochs else { return }
    epochs.end(try snapshot())
  }

  /// It has given all its rows, or was stopped. From any thread.
  var isAtEnd: Bool { !isRead.load(ordering: .relaxed) }

  private func snapshot() throws(Failure) -> StageSnapshot {
    guard let replayable else { return .source([]) }
    return .source(try stage.call { () throws(Failure) in try replayable.positions() })
  }

  var shouldStop: Bool { isStopRequested.load(ordering: .relaxed) }

  func open() throws(Failure) {
    do throws(Failure) { try stage.call { () throws(Failure) in try body.open() } } catch {
      throw error.within(stage.place)
    }
    state.withLock { $0 = .open }
  }

  /// From any thread, any number of times. The source itself hears of it once, while it is open.
  func requestStop() {
    isStopRequested.store(true, ordering: .relaxed)
    state.withLock { state in
      // Under the lock, so that the source is not closed meanwhile.
      if state == .open {
        state = .stopped
        body.stop()
      }
    }
  }

  /// Does nothing unless it is open.
  func close() throws(Failure) {
    let wasOpen = state.withLock { state in
      defer { state = .closed }
      return state == .open || state == .stopped
    }
    guard wasOpen else { return }
    do throws(Failure) { try stage.call { () throws(Failure) in try body.close() } } catch {
      throw error.within(stage.place)
    }
  }
}
