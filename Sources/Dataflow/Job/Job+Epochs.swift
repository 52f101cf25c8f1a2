import Base

/// A job with `JobOptions.checkpoints`: one caller begins an epoch, and aborts or commits it before it begins the next
/// one. From any thread.
extension Job {
  /// Lets the barrier of an epoch into every source; returns at once. Each place then gives its part to
  /// `JobCheckpoints`.
  ///
  /// - Parameter epoch: above every one before it, `JobCheckpoints.lastEpoch` included.
  public func begin(_ epoch: Epoch) -> EpochStart { begin(epoch, isLast: false) }

  /// The same, and no source is read behind the barrier: once the epoch is committed the job is torn down, and `wait`
  /// returns. Nothing is finished: windows that are open stay in the epoch's state.
  ///
  /// When the epoch is declined sources are read on. When it is aborted, those that had given its barrier stay where
  /// they are until this is called again with a later epoch.
  public func stop(with epoch: Epoch) -> EpochStart { begin(epoch, isLast: true) }

  /// The epoch, and all before it that were not complete, will not be: nothing waits for it any more. What sinks have
  /// prepared belongs to the next one.
  public func abort(_ epoch: Epoch) {
    guard let runtime = running, let epochs = runtime.epochs else { return }
    epochs.abort(epoch)
    runtime.wakeAll()
  }

  /// The epoch is complete and durable: transactional sinks show what belongs to it, in their own time, and tell
  /// `committed`.
  ///
  /// When all places have ended, the job ends with the first commit of an epoch that their ends belong to.
  public func commit(_ epoch: Epoch) {
    guard let runtime = running, let epochs = runtime.epochs else { return }
    let isLast = epochs.commit(epoch)
    if isLast { control.tearDown() }
    runtime.wakeAll()
  }

  /// Whoever keeps its epochs cannot go on: the job fails with that, as if a part of it had.
  public func fail(_ failure: Failure) { control.fail(failure) }

  private func begin(_ epoch: Epoch, isLast: Bool) -> EpochStart {
    guard let runtime = running else { return .declined("the job does not run") }
    guard let epochs = runtime.epochs else { return .declined("the job keeps no checkpoints") }
    if control.hasFailed { return .declined("the job has failed") }
    let start = epochs.begin(epoch, isLast: isLast)
    if start == .begun {
      if isLast { runtime.stopSinks() }
      runtime.wakeAll()
    }
    return start
  }
}
