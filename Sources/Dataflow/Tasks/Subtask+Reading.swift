import Arrow
import Base

extension Subtask {
  /// The scheduler's threads read the source, and it has been stopped: nothing holds it back any more.
  private var isStopping: Bool {
    if case .source(let source, _) = head { return source.shouldStop }
    return false
  }

  /// Reads a batch or a signal. An outcome when there was none, or the source is ahead of those that it keeps in step
  /// with.
  func readNext(_ budget: inout RunBudget) throws(Failure) -> RunOutcome? {
    hasLooked = true
    if epochs != nil, readBatch == nil, case .source(let source, _) = head, source.isBarrierDue {
      let epoch = try context.run(source.stage) { () throws(Failure) in try source.takeBarrier() }
      if let epoch { begin(epoch) }
      return nil
    }
    if !watermarks.mayRead && !isStopping && !awaitsBarrier {
      context.input.heldBack(at: context.clock.reached)
      return try waitForInput(.backpressured, until: nil)
    }
    if waitingOperators.contains(where: \.isFull) {
      context.input.heldBack(at: context.clock.reached)
      return try waitForInput(.backpressured, until: nil)
    }
    switch head {
    case .source(let source, let targets):
      return try read(source, to: targets, &budget)
    case .channels(let gate, let targets):
      guard let (channel, item) = gate.next() else { return try waitForInput(.idle, until: nil) }
      context.input.foundInput(read: item.timeRead)
      try take(item, from: channel, gate, targets, &budget)
      return nil
    }
  }

  private func read(
    _ source: SourceControl, to targets: [ChainTarget], _ budget: inout RunBudget
  ) throws(Failure) -> RunOutcome? {
    if let batch = readBatch.take() {
      try give(batch, of: source, to: targets, &budget)
      return nil
    }
    if source.shouldStop {
      try context.run(source.stage) { () throws(Failure) in try source.end() }
      sweeps.append(.finish)
      return nil
    }
    if source.isHalted { return try waitForInput(.idle, until: nil) }
    try takeSplits(source)
    let outcome = try context.run(source.stage) { () throws(Failure) in
      try source.body.read(maxRows: batchRows, timeout: .zero)
    }
    try takeSplits(source)
    switch outcome {
    case .batch(let batch):
      precondition(batch.rowCount > 0 && batch.selection == nil, "a source gives rows, without a selection")
      idleReads.reset()
      context.input.foundRows(at: context.clock.reached, isTicking: context.clock.isTicking)
      if watermarks.hasPending {
        // What a split's end lets go goes before the batch.
        readBatch = batch
      } else {
        try give(batch, of: source, to: targets, &budget)
      }
      return nil
    case .idle:
      return try waitForInput(.idle, until: context.now + idleReads.delay())
    case .end:
      if !source.hasEnded() { return nil }
      try context.run(source.stage) { () throws(Failure) in try source.end() }
      sweeps.append(.finish)
      return nil
    }
  }

  private func give(
    _ batch: RecordBatch, of source: SourceControl, to targets: [ChainTarget], _ budget: inout RunBudget
  ) throws(Failure) {
    let size = BatchSize(batch)
    source.stage.metrics.emitted(rows: size.rows, bytes: size.bytes)
    context.since = context.now
    budget.use(bytes: size.bytes)
    try context.run(source.stage) { () throws(Failure) in try targets.receive(batch, size: size) }
    if context.clock.isTicking { try reach(context.clock.tick()) }
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
      if context.clock.isTicking { context.clock.enter(gate.ticks[channel]) }
      try targets[gate.ports[channel].input].receive(batch, size: size)
      context.clock.enter(nil)
      return
    case .split(let change): return try apply(change)
    case .tick(let time):
      if let time = gate.ticks.advance(channel, to: time) { try reach(time) }
      return
    case .watermark(let time): advance = gate.progress.watermark(time, from: channel)
    case .idle: advance = gate.progress.idle(channel)
    case .barrier(let epoch): advance = gate.progress.barrier(epoch, from: channel)
    case .end:
      let awaited = gate.progress.awaitedChannels
      advance = gate.progress.end(channel)
      if gate.progress.awaitedChannels == 0 && awaited > 0 { epochs?.awaited(name) }
      if let time = gate.ticks.end(channel), context.clock.isTicking { try reach(time) }
    }
    if advance.time != .nothing { sweeps.append(.time(advance.time, from: .head)) }
    note(advance.epochs)
    if advance.ended { sweeps.append(.finish) }
  }

  private func takeSplits(_ source: SourceControl) throws(Failure) {
    guard source.body.tellsSplits else { return }
    for change in source.body.takeSplitChanges() { try apply(change) }
  }

  /// Operators that make watermarks hear of it when other splits are being read than before.
  private func apply(_ change: SplitChange) throws(Failure) {
    guard context.input.apply(change) else { return }
    for node in operators where node.makesWatermarks { try node.splitsChanged() }
  }

  /// Data has moved the clock: what is behind hears of it at once, operators that wait for that time before the next
  /// batch.
  private func reach(_ time: ProcessingTime) throws(Failure) {
    context.clock.reach(time)
    try broadcast(.tick(time))
  }
}
