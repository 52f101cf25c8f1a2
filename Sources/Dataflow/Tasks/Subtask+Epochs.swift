import Base

extension Subtask {
  /// Looks what has become of epochs, at the beginning of a run. True when nothing is to follow the last one, and the
  /// subtask closes without giving what it holds.
  func follow(_ epochs: JobEpochs) throws(Failure) -> Bool {
    if control.hasFailed { return false }
    let isTornDown = control.isTornDown
    if case .source(let source, _) = head { source.tellCommitted() }
    for case .sink(let node) in steps { try node.commit() }
    let aborted = epochs.aborted
    if aborted > lastAborted, case .channels(let gate, _) = head { note(gate.progress.abort(aborted).epochs) }
    lastAborted = aborted
    return isTornDown
  }

  /// After the end: what sinks of the chain wrote last waits for an epoch to be complete.
  func awaitsCommit() -> Bool {
    var awaits = false
    for case .sink(let node) in steps where node.awaitsCommit() { awaits = true }
    return awaits
  }

  /// A barrier is on its way to the subtask: it is not held back because its source is ahead of others, which might
  /// wait for the barrier themselves.
  var awaitsBarrier: Bool { epochs?.due(after: lastEpoch) != nil }

  /// What the alignment of the input's channels has decided.
  func note(_ actions: [EpochAlignment.Action]) {
    for action in actions {
      switch action {
      case .begin: alignmentStart = .now
      case .complete(let epoch):
        stages.last?.metrics.addAlignment(nanoseconds: Int(MonotonicTime.now - alignmentStart))
        begin(epoch)
      case .giveUp: break
      }
    }
  }

  /// The subtask is at the epoch's barrier: it goes through the chain.
  func begin(_ epoch: Epoch) {
    lastEpoch = epoch
    sweeps.append(.barrier(epoch))
  }

  /// Brings a barrier to a step and, when that has given what it had to give, behind it.
  ///
  /// The rows in front of the barrier that the steps before it gave have all come, for outputs and `hasMore` go first.
  func barrier(_ epoch: Epoch, at step: Step) throws(Failure) {
    switch step {
    case .operator(let node):
      if !hasToldStep {
        hasToldStep = true
        return try node.barrier(epoch)
      }
      hasToldStep = false
      try node.snapshot(epoch)
    case .sink(let node): try node.barrier(epoch)
    // Its channel is one of the outputs.
    case .feed: break
    }
    sweepStep += 1
  }
}
