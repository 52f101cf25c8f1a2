import Base

extension Subtask {
  /// Puts on their channels what has waited. True when nothing waits.
  func retryOutputs() -> Bool {
    if context.account.stuckOutputs == 0 { return true }
    // Each is tried, so that each channel knows that it is waited for.
    for output in outputs where output.isStuck { _ = output.retry() }
    return context.account.stuckOutputs == 0
  }

  func flushDue() throws(Failure) {
    for output in outputs { try output.flushDue(now: context.now) }
  }

  /// The first operator that is to be woken now.
  func dueOperator() -> OperatorNode? {
    guard let time = earliestWake, time <= context.clock.reached else { return nil }
    return operators.first { $0.wakeTime == time }
  }

  /// The first time at which an operator wants to be woken.
  private var earliestWake: ProcessingTime? {
    var earliest: ProcessingTime?
    for node in operators {
      guard let time = node.wakeTime else { continue }
      earliest = min(earliest ?? time, time)
    }
    return earliest
  }

  /// The input pauses: sinks flush, and rows whose time has come leave. Nil when an operator is to be woken before.
  ///
  /// - Parameter kind: `idle` when there is no input, `backpressured` when it is not looked at.
  func waitForInput(_ kind: Pause, until time: MonotonicTime?) throws(Failure) -> RunOutcome? {
    if kind == .idle { context.input.foundNothing(at: context.clock.reached) }
    let wake = earliestWake
    if let wake, wake <= context.clock.reached { return nil }
    for case .sink(let node) in steps { try node.pause() }
    try flushDue()
    var earliest = time
    if let delay = wake.flatMap({ context.clock.wait(until: $0) }) {
      let time = context.now + delay
      earliest = min(earliest ?? time, time)
    }
    return wait(kind, until: earliest)
  }

  func wait(_ kind: Pause, until time: MonotonicTime?) -> RunOutcome {
    pause = (kind, context.now)
    var earliest = time
    for output in outputs {
      guard let deadline = output.deadline else { continue }
      earliest = min(earliest ?? deadline, deadline)
    }
    return .waiting(until: earliest)
  }

  /// The operator in front of which the end of the input waits, because it has not given all that it took.
  func pendingOperator(before sweep: Sweep) -> OperatorNode? {
    guard case .finish = sweep, !waitingOperators.isEmpty, sweepStep < steps.count,
      case .operator(let node) = steps[sweepStep], node.isPending
    else { return nil }
    return node
  }

  /// Wakes it when its time has come. An outcome when that has not: those before it have finished, those behind it have nothing to
  /// do until it gives something.
  func awaitAnswers(of node: OperatorNode) throws(Failure) -> RunOutcome? {
    let wake = node.wakeTime
    if let wake, wake <= context.clock.reached {
      context.since = context.now
      try node.wake(at: context.clock.reached)
      return nil
    }
    try flushDue()
    return wait(.idle, until: wake.flatMap { context.clock.wait(until: $0) }.map { context.now + $0 })
  }
}
