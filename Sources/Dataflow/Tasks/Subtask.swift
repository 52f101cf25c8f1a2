import Arrow
import Base

/// One instance of a task: takes a batch, calls the chain, and puts what comes out on channels.
///
/// It takes the next batch only when all that the last one gave has found room. What it does for one batch, or in one call of
/// an operator's `watermark` or `finish`, it does in one go; the results that find no room wait here, bounded by
/// `JobOptions.waitingBytes`.
final class Subtask: Runnable, @unchecked Sendable {  // As `Runnable`: by the thread that runs it.
  /// Where its batches come from.
  enum Head {
    /// A source that the scheduler's threads read.
    case source(SourceControl, [ChainTarget])
    /// Channels; by input, who takes the rows.
    case channels(InputGate, [[ChainTarget]])
  }

  enum Step {
    case `operator`(OperatorNode)
    case sink(SinkNode)
    /// A sink with a thread of its own, which opens and closes it.
    case feed(SinkFeed)
  }

  /// What goes through the whole chain, step by step, with the outputs emptied in between.
  fileprivate enum Sweep {
    case watermark(EventTime)
    case barrier(Epoch)
    case finish
  }

  fileprivate enum Pause {
    case idle, backpressured
  }

  private let name: String
  private let head: Head
  private let steps: [Step]
  private let stages: [Stage]
  /// Every channel that it writes to.
  private let outputs: [ChannelOutput]
  private let context: ChainContext
  private let control: JobControl
  private let batchRows: Int

  private var sweeps = Ring<Sweep>()
  /// The step at which the first sweep has arrived.
  private var sweepStep = 0
  /// Nothing more is read or emitted; what waits goes on its way.
  private var isEnding = false
  private var pause: (kind: Pause, since: MonotonicTime)?
  private var idleReads = IdleBackoff()

  /// - Parameters:
  ///   - name: the task's.
  ///   - steps: in topological order.
  ///   - stages: those whose code this subtask runs, and which wait when it does.
  init(
    name: String, head: Head, steps: [Step], stages: [Stage], outputs: [ChannelOutput], context: ChainContext,
    control: JobControl, batchRows: Int
  ) {
    self.name = name
    self.head = head
    self.steps = steps
    self.stages = stages
    self.outputs = outputs
    self.context = context
    self.control = control
    self.batchRows = batchRows
  }

  override func run(_ budget: inout RunBudget) -> RunOutcome {
    context.tick()
    countPause()
    do throws(Failure) {
      return try advance(&budget)
    } catch {
      control.fail(context.failure ?? error.within("task '\(name)'"))
      return abandon()
    }
  }

  private func advance(_ budget: inout RunBudget) throws(Failure) -> RunOutcome {
    while true {
      if control.hasFailed { return abandon() }
      if !retryOutputs() {
        try flushDue()
        return wait(.backpressured, until: nil)
      }
      if let sweep = sweeps.peek {
        try advance(sweep)
      } else if isEnding {
        return end()
      } else if budget.isUsed(now: context.now) {
        try flushDue()
        return .yielded
      } else if let outcome = try readNext(&budget) {
        return outcome
      }
    }
  }

  private func countPause() {
    guard let pause else { return }
    self.pause = nil
    let nanoseconds = Int(context.now - pause.since)
    for stage in stages {
      switch pause.kind {
      case .idle: stage.metrics.addIdle(nanoseconds: nanoseconds)
      case .backpressured: stage.metrics.addBackpressured(nanoseconds: nanoseconds)
      }
    }
  }
}

// Reading.
extension Subtask {
  /// Reads a batch or a signal. An outcome when there was none.
  private func readNext(_ budget: inout RunBudget) throws(Failure) -> RunOutcome? {
    switch head {
    case .source(let source, let targets):
      return try read(source, to: targets, &budget)
    case .channels(let gate, let targets):
      guard let (channel, item) = gate.next() else { return try waitForInput(until: nil) }
      try take(item, from: channel, gate, targets, &budget)
      return nil
    }
  }

  private func read(
    _ source: SourceControl, to targets: [ChainTarget], _ budget: inout RunBudget
  ) throws(Failure) -> RunOutcome? {
    if source.shouldStop {
      sweeps.append(.finish)
      return nil
    }
    let outcome = try context.run(source.stage) { () throws(Failure) in
      try source.body.read(maxRows: batchRows, timeout: .zero)
    }
    switch outcome {
    case .batch(let batch):
      precondition(batch.rowCount > 0 && batch.selection == nil, "a source gives rows, without a selection")
      idleReads.reset()
      let size = BatchSize(batch)
      source.stage.metrics.emitted(rows: size.rows, bytes: size.bytes)
      context.since = context.now
      budget.use(bytes: size.bytes)
      try context.run(source.stage) { () throws(Failure) in try targets.receive(batch, size: size) }
      return nil
    case .idle:
      return try waitForInput(until: context.now + idleReads.delay())
    case .end:
      sweeps.append(.finish)
      return nil
    }
  }

  private func take(
    _ item: ChannelItem, from channel: Int, _ gate: InputGate, _ targets: [[ChainTarget]], _ budget: inout RunBudget
  ) throws(Failure) {
    context.since = item.since
    let advance: InputProgress.Advance
    switch item.element {
    case .batch(let batch):
      budget.use(bytes: item.byteCount)
      let size = BatchSize(rows: batch.length, bytes: item.byteCount)
      try targets[gate.ports[channel].input].receive(batch, size: size)
      return
    case .watermark(let time): advance = gate.progress.watermark(time, from: channel)
    case .barrier(let epoch): advance = try gate.progress.barrier(epoch, from: channel)
    case .end: advance = gate.progress.end(channel)
    }
    if let time = advance.watermark { sweeps.append(.watermark(time)) }
    if let epoch = advance.barrier { sweeps.append(.barrier(epoch)) }
    if advance.ended { sweeps.append(.finish) }
  }
}

// Signals, step by step.
extension Subtask {
  /// Brings the first sweep one step further, or to its end.
  private func advance(_ sweep: Sweep) throws(Failure) {
    context.since = context.now
    if sweepStep < steps.count {
      let step = steps[sweepStep]
      sweepStep += 1
      switch (sweep, step) {
      case (.watermark(let time), .operator(let node)): try node.watermark(time)
      case (.watermark(let time), .sink(let node)): node.watermark(time)
      case (.finish, .operator(let node)): try node.finish()
      case (.finish, .sink(let node)): try node.finish()
      case (.barrier, _), (_, .feed): break
      }
      return
    }
    sweepStep = 0
    _ = sweeps.popFirst()
    switch sweep {
    case .watermark(let time): try broadcast(.watermark(time))
    case .barrier(let epoch): try broadcast(.barrier(epoch))
    case .finish:
      try broadcast(.end)
      isEnding = true
    }
  }

  private func broadcast(_ signal: StreamElement) throws(Failure) {
    for output in outputs { try output.signal(signal, now: context.now) }
  }
}

// Waiting.
extension Subtask {
  /// Puts on their channels what has waited. True when nothing waits.
  private func retryOutputs() -> Bool {
    if context.account.stuckOutputs == 0 { return true }
    // Each is tried, so that each channel knows that it is waited for.
    for output in outputs where output.isStuck { _ = output.retry() }
    return context.account.stuckOutputs == 0
  }

  private func flushDue() throws(Failure) {
    for output in outputs { try output.flushDue(now: context.now) }
  }

  /// The input pauses: sinks flush, and rows whose time has come leave.
  private func waitForInput(until time: MonotonicTime?) throws(Failure) -> RunOutcome {
    for case .sink(let node) in steps { try node.pause() }
    try flushDue()
    return wait(.idle, until: time)
  }

  private func wait(_ kind: Pause, until time: MonotonicTime?) -> RunOutcome {
    pause = (kind, context.now)
    var earliest = time
    for output in outputs {
      guard let deadline = output.deadline else { continue }
      earliest = min(earliest ?? deadline, deadline)
    }
    return .waiting(until: earliest)
  }
}

// The end.
extension Subtask {
  /// Opens what the scheduler's threads will call: sinks, operators, or the source. Not on failure: `abandon` then closes.
  func open(_ kind: OpenOrder) throws(Failure) {
    for step in steps {
      switch (kind, step) {
      case (.sinks, .sink(let node)): try node.open()
      case (.operators, .operator(let node)): try node.open()
      default: break
      }
    }
    if kind == .sources, case .source(let source, _) = head { try source.open() }
  }

  /// All rows are on their way: closes everything in order.
  private func end() -> RunOutcome {
    var failure: Failure?
    close(complete: true, &failure)
    if let failure { control.fail(failure) }
    control.partIsDone()
    return .done
  }

  /// The job has failed: closes everything, with nothing complete.
  private func abandon() -> RunOutcome {
    closeAfterFailure()
    control.partIsDone()
    return .done
  }

  /// Closes what is open, with nothing complete. What fails on the way is not what went wrong first, so it is not told.
  func closeAfterFailure() {
    var failure: Failure?
    close(complete: false, &failure)
  }

  /// Closes each, also when one before it failed; then nothing behind it is complete.
  private func close(complete: Bool, _ failure: inout Failure?) {
    if case .source(let source, _) = head {
      do throws(Failure) { try source.close() } catch { failure = failure ?? error }
    }
    for step in steps {
      do throws(Failure) {
        switch step {
        case .operator(let node): try node.close()
        case .sink(let node): try node.close(complete: complete && failure == nil && !control.hasFailed)
        case .feed: break
        }
      } catch { failure = failure ?? error }
    }
  }
}
