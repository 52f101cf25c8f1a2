import Arrow
import Base

/// An operator in a chain, and the collector that it emits to.
final class OperatorNode: ChainNode, Collector {
  let stage: Stage
  private let body: any Operator
  /// The same, when it has rows under way elsewhere.
  private let waiting: (any WaitingOperator)?
  /// The same, when it reads columns of rows one by one.
  private let deferring: (any DeferringOperator)?
  private let context: ChainContext
  /// By output.
  private let targets: [[ChainTarget]]
  /// The operators behind it, however far, that may be full.
  private let waitingBehind: [OperatorNode]
  /// What came while an operator behind it was full.
  private var inbox = Ring<(batch: RecordBatch, input: Int)>()
  private var isOpen = false
  let makesWatermarks: Bool
  let alignment: WatermarkAlignment?
  /// The chain's watermarks, and the operator's place among their origins, when it makes some.
  private var own: (watermarks: ChainWatermarks, origin: WatermarkZone.Origin)?
  /// The last word of an operator that makes watermarks was that it is idle.
  private var isIdle = false
  /// It has given no batch since it was idle: what is behind it has to hear that it is active before it gets one.
  private var wakesUp = false
  /// The last watermark that the operator gave.
  private var given = EventTime.earliest
  /// The last watermark that it was told of.
  private var told = EventTime.earliest
  /// It was told that all that feeds it is idle.
  private var isInputIdle = false
  /// Of one that goes on after a restart.
  private let epochs: OperatorEpochs?
  /// It had finished in the epoch that it goes on from, and has got no rows since.
  private var hasFinished = false

  init(
    stage: Stage, body: any Operator, context: ChainContext, targets: [[ChainTarget]], epochs: StageEpochs? = nil
  ) {
    self.stage = stage
    self.body = body
    waiting = body as? any WaitingOperator
    deferring = (body as? any DeferringOperator).flatMap { $0.defers ? $0 : nil }
    self.context = context
    self.targets = targets
    waitingBehind = Self.waiting(behind: targets)
    makesWatermarks = body.makesWatermarks
    alignment = body.alignment
    if let epochs, let body = body as? any StatefulOperator {
      self.epochs = OperatorEpochs(epochs, body)
    } else {
      self.epochs = nil
    }
  }

  /// What it adds to every epoch.
  var part: StagePart? {
    epochs.map { StagePart(place: $0.place, label: stage.label, kind: .state($0.tables)) }
  }

  private static func waiting(behind targets: [[ChainTarget]]) -> [OperatorNode] {
    var found: [OperatorNode] = []
    for case let node as OperatorNode in targets.joined().map(\.node) {
      for waiting in (node.waits ? [node] : []) + node.waitingBehind where !found.contains(where: { $0 === waiting }) {
        found.append(waiting)
      }
    }
    return found
  }

  /// Before the first call, for an operator that makes watermarks.
  func attach(_ watermarks: ChainWatermarks, as origin: WatermarkZone.Origin) {
    own = (watermarks, origin)
  }

  func open() throws(Failure) {
    do throws(Failure) { try stage.call { () throws(Failure) in try body.open() } } catch {
      throw error.within(stage.place)
    }
    isOpen = true
    guard let epochs else { return }
    do throws(Failure) {
      guard let progress = try stage.call({ () throws(Failure) in try epochs.restore() }) else { return }
      (told, given, hasFinished) = (progress.told, progress.given, progress.hasEnded)
    } catch { throw error.within(stage.place) }
  }

  /// Before the first batch: an operator that goes on from an epoch hears how far event time had come there, and what
  /// it gave last of its own goes on its way once more.
  func resume() throws(Failure) {
    guard epochs != nil else { return }
    if told > .earliest {
      stage.metrics.reached(told)
      try context.run(stage) { () throws(Failure) in try body.watermark(told, to: self) }
    }
    if let own, given > .earliest { own.watermarks.say(TimeSignal(watermark: given), from: own.origin) }
  }

  /// All rows in front of the epoch's barrier were processed, and nothing is pending.
  func barrier(_ epoch: Epoch) throws(Failure) {
    try context.run(stage) { () throws(Failure) in try body.barrier(epoch, to: self) }
  }

  /// And it has given what it had to give.
  func snapshot(_ epoch: Epoch) throws(Failure) {
    guard let epochs else { return }
    let start = MonotonicTime.now
    let progress = OperatorProgress(told: told, given: given)
    let bytes = try context.run(stage) { () throws(Failure) in try epochs.take(epoch, progress) }
    stage.metrics.addSnapshot(nanoseconds: Int(MonotonicTime.now - start), bytes: bytes)
  }

  func receive(_ batch: RecordBatch, size: BatchSize, input: Int) throws(Failure) {
    stage.metrics.received(rows: size.rows, bytes: size.bytes)
    // An operator in front of it gives several batches in one call: there is no coming back in between.
    while hasMore && !isHeldBack { try proceed() }
    if isHeldBack { return inbox.append((batch, input)) }
    try process(batch, input: input)
  }

  private func process(_ batch: RecordBatch, input: Int) throws(Failure) {
    hasFinished = false
    defer { notePending() }
    try context.run(stage) { () throws(Failure) in try body.process(batch, input: input, to: self) }
  }

  private func receive(_ rows: any DeferredRows, by body: any DeferringOperator, input: Int) throws(Failure) {
    while hasMore && !isHeldBack { try proceed() }
    if isHeldBack {
      // They are there for this call only.
      let batch = try rows.batch()
      return try receive(batch, size: BatchSize(batch), input: input)
    }
    hasFinished = false
    try context.run(stage) { () throws(Failure) in try body.process(rows, input: input, to: self) }
    stage.metrics.received(rows: rows.rowCount, bytes: rows.gatheredBytes)
  }

  func emit(_ rows: any DeferredRows, output: Int) throws(Failure) {
    guard try isReady(output, rows.rowCount) else { return }
    guard targets[output].count == 1, let next = targets[output][0].node as? OperatorNode,
      let reader = next.deferring
    else {
      try give(rows.batch(), output: output)
      return
    }
    try next.receive(rows, by: reader, input: targets[output][0].input)
    stage.metrics.emitted(rows: rows.rowCount, bytes: rows.gatheredBytes)
  }

  func emit(_ batch: RecordBatch, output: Int) throws(Failure) {
    if try isReady(output, batch.rowCount) { try give(batch, output: output) }
  }

  /// Whether there is anything to emit.
  private func isReady(_ output: Int, _ rowCount: Int) throws(Failure) -> Bool {
    // After a failure behind it, an operator that goes on is stopped here.
    if let failure = context.failure { throw failure }
    precondition(output >= 0 && output < targets.count, "an operator emits to an output that it has")
    if rowCount == 0 { return false }
    if wakesUp { try becomeActive() }
    return true
  }

  private func give(_ batch: RecordBatch, output: Int) throws(Failure) {
    let size = BatchSize(batch)
    stage.metrics.emitted(rows: size.rows, bytes: size.bytes)
    try targets[output].receive(batch, size: size)
  }

  func advance(to time: EventTime) {
    guard let own else { preconditionFailure("only an operator that makes watermarks gives them") }
    if time > given {
      given = time
      stage.metrics.reached(time)
    } else if !isIdle {
      return
    }
    isIdle = false
    own.watermarks.say(TimeSignal(watermark: time), from: own.origin)
  }

  func becomeIdle() {
    guard let own else { preconditionFailure("only an operator that makes watermarks becomes idle") }
    if isIdle { return }
    isIdle = true
    wakesUp = true
    own.watermarks.say(TimeSignal(idle: true), from: own.origin)
  }

  private func becomeActive() throws(Failure) {
    isIdle = false
    wakesUp = false
    if let own { try own.watermarks.activate(own.origin, now: context.now) }
  }

  /// All that feeds the operator has become idle, or is not any more. For those that make watermarks.
  func input(isIdle: Bool) throws(Failure) {
    guard makesWatermarks, isIdle != isInputIdle else { return }
    isInputIdle = isIdle
    try context.run(stage) { () throws(Failure) in try body.inputBecame(idle: isIdle, to: self) }
  }

  /// The watermark in front of the operator: told when it has moved on, not when it is only said again.
  func watermark(_ time: EventTime) throws(Failure) {
    try input(isIdle: false)
    if time <= told { return }
    told = time
    if !makesWatermarks { stage.metrics.reached(time) }
    try context.run(stage) { () throws(Failure) in try body.watermark(time, to: self) }
  }

  func splitsChanged() throws(Failure) {
    try context.run(stage) { () throws(Failure) in try body.splitsChanged(to: self) }
  }

  /// Whether an operator behind it is full: what it would give now would wait there, without end and in nobody's
  /// account.
  var isHeldBack: Bool { waitingBehind.contains(where: \.isFull) }

  private func notePending() {
    if let waiting { stage.calls.note(pendingRows: waiting.pendingRows) }
  }

  /// Whether it may be full or have something pending.
  var waits: Bool { waiting != nil }
  var isFull: Bool { waiting?.isFull ?? false }
  var isPending: Bool { waiting?.isPending ?? false }

  /// When the operator wants to be woken.
  var wakeTime: ProcessingTime? { body.wakeTime }

  func wake(at now: ProcessingTime) throws(Failure) {
    defer { notePending() }
    try context.run(stage) { () throws(Failure) in try body.wake(at: now, to: self) }
  }

  /// Whether its last call has left results that are still to be given, or it has been given what it did not take yet.
  var hasMore: Bool { body.hasMore || !inbox.isEmpty }

  func proceed() throws(Failure) {
    if !body.hasMore, let (batch, input) = inbox.popFirst() { return try process(batch, input: input) }
    try context.run(stage) { () throws(Failure) in try body.proceed(to: self) }
  }

  func finish() throws(Failure) {
    if !hasFinished { try context.run(stage) { () throws(Failure) in try body.finish(to: self) } }
  }

  /// All that was left at its end has been given.
  func end() { epochs?.end(OperatorProgress(told: told, given: given, hasEnded: true)) }

  /// Does nothing unless it is open.
  func close() throws(Failure) {
    guard isOpen else { return }
    isOpen = false
    inbox = Ring()
    if waits { stage.calls.note(pendingRows: 0) }
    do throws(Failure) { try stage.call { () throws(Failure) in try body.close() } } catch {
      throw error.within(stage.place)
    }
  }
}
