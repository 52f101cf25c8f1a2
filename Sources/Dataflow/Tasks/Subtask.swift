import Arrow
import Base

/// One instance of a task: takes a batch, calls the chain, and puts what comes out on channels.
///
/// It takes the next batch only when all that the last one gave has found room. What it does for one batch, or in one
/// call of an operator's `watermark` or `finish`, it does in one go; the results that find no room wait here, bounded
/// by `JobOptions.waitingBytes`.
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
  enum Sweep {
    /// Through the zones that the origin of watermarks reaches.
    case time(TimeSignal, from: WatermarkZone.Origin)
    /// Through the whole chain.
    case barrier(Epoch)
    case finish
    /// Through the whole chain, before anything else: it goes on from an epoch.
    case resume
  }

  enum Pause {
    case idle, backpressured
  }

  let name: String
  let head: Head
  let steps: [Step]
  let stages: [Stage]
  /// The operators among the steps.
  let operators: [OperatorNode]
  /// Those of them that have rows under way elsewhere.
  let waitingOperators: [OperatorNode]
  /// Every channel that it writes to.
  let outputs: [ChannelOutput]
  let context: ChainContext
  let watermarks: ChainWatermarks
  let control: JobControl
  let batchRows: Int
  /// Nil without checkpoints.
  let epochs: JobEpochs?

  var sweeps = Ring<Sweep>()
  /// The step at which the first sweep has arrived: of the chain, or of the zone.
  var sweepStep = 0
  /// The zone at which the first sweep has arrived, and what it says there, once that is known.
  var sweepZone = 0
  var zoneSweep: ChainWatermarks.ZoneSignal?
  /// The operator at which a barrier has arrived was called, and gives what it has to give.
  var hasToldStep = false
  /// The last epoch whose barrier went through the chain.
  var lastEpoch = Epoch(0)
  /// The last one of whose abort it knows.
  var lastAborted = Epoch(0)
  /// When the first barrier of the epoch that is being aligned came.
  var alignmentStart = MonotonicTime(nanoseconds: 0)
  /// Nothing more is read or emitted; what waits goes on its way.
  var isEnding = false
  /// What the source gave last, while what it told of its splits has not gone on its way.
  var readBatch: RecordBatch?
  /// The input was looked at since the run began: what comes there goes before operators that wait for rows to come.
  var hasLooked = false
  /// It waits, and its stages count that.
  var isPausing = false
  var idleReads = IdleBackoff()

  /// - Parameters:
  ///   - name: the task's.
  ///   - steps: in topological order.
  ///   - stages: those whose code this subtask runs, and which wait when it does.
  init(
    name: String, head: Head, steps: [Step], stages: [Stage], outputs: [ChannelOutput], context: ChainContext,
    watermarks: ChainWatermarks, control: JobControl, batchRows: Int, epochs: JobEpochs? = nil
  ) {
    self.name = name
    self.head = head
    self.steps = steps
    self.stages = stages
    operators = steps.compactMap { if case .operator(let node) = $0 { node } else { nil } }
    waitingOperators = operators.filter(\.waits)
    self.outputs = outputs
    self.context = context
    self.watermarks = watermarks
    self.control = control
    self.batchRows = batchRows
    self.epochs = epochs
  }

  override func run(_ budget: inout RunBudget) -> RunOutcome {
    context.tick()
    countPause()
    hasLooked = false
    do throws(Failure) {
      if let epochs, try follow(epochs) { return end() }
      return try advance(&budget)
    } catch {
      control.fail(context.failure ?? error.within("task '\(name)'"))
      return abandon()
    }
  }

  func advance(_ budget: inout RunBudget) throws(Failure) -> RunOutcome {
    while true {
      if control.hasFailed { return abandon() }
      if !retryOutputs() {
        context.input.heldBack(at: context.clock.reached)
        try flushDue()
        return wait(.backpressured, until: nil)
      }
      if let node = operators.last(where: { $0.hasMore }) {
        // The last one, so that what it gives finds the way free.
        if budget.isUsed(now: context.now) {
          try flushDue()
          return .yielded
        }
        if node.isHeldBack {
          if let outcome = try awaitAnswers(.backpressured) { return outcome }
        } else {
          context.since = context.now
          try node.proceed()
        }
      } else if let sweep = sweeps.peek {
        if isPending(before: sweep) {
          if let outcome = try awaitAnswers(.idle) { return outcome }
        } else if waitingOperators.contains(where: \.isFull) {
          if let outcome = try awaitAnswers(.backpressured) { return outcome }
        } else {
          try advance(sweep)
        }
      } else if let (origin, signal) = watermarks.takePending() {
        sweeps.append(.time(signal, from: origin))
      } else if isEnding {
        // What sinks wrote last is shown by an epoch.
        if epochs != nil && awaitsCommit() { return wait(.idle, until: nil) }
        return end()
      } else if budget.isUsed(now: context.now) {
        try flushDue()
        return .yielded
      } else if hasLooked, let node = dueOperator() {
        context.since = context.now
        try node.wake(at: context.clock.reached)
      } else if let outcome = try readNext(&budget) {
        return outcome
      }
    }
  }

  /// Its stages count no longer what they wait.
  func countPause() {
    guard isPausing else { return }
    isPausing = false
    for stage in stages { stage.metrics.endPause(at: context.now) }
  }
}
