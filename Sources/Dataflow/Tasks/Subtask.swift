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

  /// What goes through the chain, step by step, with the outputs emptied in between.
  fileprivate enum Sweep {
    /// Through the zones that the origin of watermarks reaches.
    case time(TimeSignal, from: WatermarkZone.Origin)
    /// Through the whole chain.
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
  private let watermarks: ChainWatermarks
  private let control: JobControl
  private let batchRows: Int

  private var sweeps = Ring<Sweep>()
  /// The step at which the first sweep has arrived: of the chain, or of the zone.
  private var sweepStep = 0
  /// The zone at which the first sweep has arrived, and what it says there, once that is known.
  private var sweepZone = 0
  private var zoneSweep: ChainWatermarks.ZoneSignal?
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
    watermarks: ChainWatermarks, control: JobControl, batchRows: Int
  ) {
    self.name = name
    self.head = head
    self.steps = steps
    self.stages = stages
    self.outputs = outputs
    self.context = context
    self.watermarks = watermarks
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
      } else if let (origin, signal) = watermarks.takePending() {
        sweeps.append(.time(signal, from: origin))
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
    case .idle: advance = gate.progress.idle(channel)
    case .barrier(let epoch): advance = try gate.progress.barrier(epoch, from: channel)
    case .end: advance = gate.progress.end(channel)
    }
    if advance.time != .nothing { sweeps.append(.time(advance.time, from: .head)) }
    if let epoch = advance.barrier { sweeps.append(.barrier(epoch)) }
    if advance.ended { sweeps.append(.finish) }
  }
}

// Signals, step by step.
extension Subtask {
  /// Brings the first sweep one step further, or to its end.
  private func advance(_ sweep: Sweep) throws(Failure) {
    context.since = context.now
    switch sweep {
    case .time(let signal, let origin):
      if try advance(signal, from: origin) { return }
    case .barrier(let epoch):
      try broadcast(.barrier(epoch))
    case .finish:
      watermarks.close()
      if sweepStep < steps.count {
        let step = steps[sweepStep]
        sweepStep += 1
        return try finish(step)
      }
      try broadcast(.end)
      isEnding = true
    }
    sweepStep = 0
    sweepZone = 0
    _ = sweeps.popFirst()
  }

  private func finish(_ step: Step) throws(Failure) {
    switch step {
    case .operator(let node): try node.finish()
    case .sink(let node): try node.finish()
    case .feed: break
    }
  }

  /// Brings what an origin says one step further. False when it has gone through all zones that the origin reaches.
  private func advance(_ signal: TimeSignal, from origin: WatermarkZone.Origin) throws(Failure) -> Bool {
    guard sweepZone < watermarks.zoneCount(of: origin) else { return false }
    // What it means for a zone is asked when it comes there: until then, operators may give rows and become active by that.
    let zone = zoneSweep ?? watermarks.apply(signal, of: origin, toZone: sweepZone)
    zoneSweep = zone
    if let time = zone.signal.watermark {
      if sweepStep < zone.steps.count {
        let step = steps[zone.steps[sweepStep]]
        sweepStep += 1
        try watermark(time, to: step)
        return true
      }
      for channel in zone.channels { try channel.signal(.watermark(time), now: context.now) }
    }
    if zone.signal.idle {
      for channel in zone.channels { try channel.signal(.idle, now: context.now) }
    }
    zoneSweep = nil
    sweepStep = 0
    sweepZone += 1
    return true
  }

  private func watermark(_ time: EventTime, to step: Step) throws(Failure) {
    switch step {
    case .operator(let node): try node.watermark(time)
    case .sink(let node): node.watermark(time)
    case .feed(let node): try node.watermark(time)
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
