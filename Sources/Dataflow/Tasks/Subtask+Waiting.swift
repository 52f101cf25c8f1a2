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
    return operators.first { $0.wakeTime == time && !$0.isHeldBack }
  }

  /// The first time at which an operator wants to be woken that has the way free.
  private var earliestWake: ProcessingTime? {
    // What comes behind the last epoch is done by whoever goes on from it.
    if let epochs, epochs.isLast(lastEpoch) { return nil }
    var earliest: ProcessingTime?
    for node in operators where !node.isHeldBack {
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
    isPausing = true
    for stage in stages {
      switch kind {
      case .idle: stage.metrics.beginIdle(at: context.now)
      case .backpressured: stage.metrics.beginBackpressured(at: context.now)
      }
    }
    var earliest = time
    for output in outputs {
      guard let deadline = output.deadline else { continue }
      earliest = min(earliest ?? deadline, deadline)
    }
    return .waiting(until: earliest)
  }

  /// The end of the input, or a barrier, waits in front of an operator, because it has not given all that it took.
  func isPending(before sweep: Sweep) -> Bool {
    switch sweep {
    case .finish, .barrier: break
    case .time, .resume: return false
    }
    guard !waitingOperators.isEmpty, sweepStep < steps.count, case .operator(let node) = steps[sweepStep] else {
      return false
    }
    return node.isPending
  }

  /// Nothing goes on before rows come back that are under way elsewhere: wakes an operator that has some, once its time
  /// has come. An outcome when none's has.
  func awaitAnswers(_ kind: Pause) throws(Failure) -> RunOutcome? {
    var first: (node: OperatorNode, time: ProcessingTime)?
    for node in waitingOperators where !node.isHeldBack {
      guard let time = node.wakeTime, time < first?.time ?? ProcessingTime(microseconds: .max) else { continue }
      first = (node, time)
    }
    if let first, first.time <= context.clock.reached {
      context.since = context.now
      try first.node.wake(at: context.clock.reached)
      return nil
    }
    for case .sink(let node) in steps { try node.pause() }
    try flushDue()
    return wait(kind, until: first.flatMap { context.clock.wait(until: $0.time) }.map { context.now + $0 })
  }
}
