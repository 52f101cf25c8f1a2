import Base
import Observability

/// What runs: the subtasks, the threads beside them, and the scheduler. Made by `JobBuilder`.
final class JobRuntime: @unchecked Sendable {  // Built by one thread; not changed once threads run.
  let scheduler: Scheduler
  let control: JobControl
  /// Nil without checkpoints.
  let epochs: JobEpochs?
  var subtasks: [Subtask] = []
  var sources: [SourceControl] = []
  var sourceThreads: [SourceThread] = []
  var sinkThreads: [SinkThread] = []
  /// By entry of the stage table and subtask: the channels in front of it.
  var inputs: [[[any ChannelReader]]]
  let stateMemory: StateMemory
  /// Under which a clock that is moved by hand knows the job.
  private var clockListener: Int?

  init(
    scheduler: Scheduler, control: JobControl, epochs: JobEpochs?, stateMemory: StateMemory, stages: StageTable
  ) {
    self.scheduler = scheduler
    self.control = control
    self.epochs = epochs
    self.stateMemory = stateMemory
    inputs = stages.entries.map { [[any ChannelReader]](repeating: [], count: $0.metrics.count) }
  }

  var partCount: Int { subtasks.count + sourceThreads.count + sinkThreads.count }

  /// Sinks first, sources last. On failure what is open is closed again.
  func open() throws(Failure) {
    do throws(Failure) {
      try recover()
      for kind in OpenOrder.allCases {
        if kind == .sinks { for thread in sinkThreads { try thread.open() } }
        if kind == .sources { for thread in sourceThreads { try thread.source.open() } }
        for subtask in subtasks { try subtask.open(kind) }
      }
    } catch {
      closeAfterFailure()
      throw error
    }
  }

  /// Before anything is opened: sources hear where they go on, and sinks show what belongs to the epoch that the job
  /// goes on from.
  private func recover() throws(Failure) {
    guard let epochs else { return }
    let parts = self.parts
    precondition(Set(parts.map(\.place)).count == parts.count, "every stage has a uid of its own")
    try epochs.checkpoints.begin(parts)
    for source in sources { try source.resume() }
    for subtask in subtasks {
      for case .sink(let node) in subtask.steps { try node.recover() }
    }
    for thread in sinkThreads { try thread.recover() }
  }

  /// All that make up an epoch.
  private var parts: [StagePart] {
    var parts = sources.compactMap(\.part) + sinkThreads.compactMap(\.part)
    for subtask in subtasks {
      for step in subtask.steps {
        switch step {
        case .operator(let node): if let part = node.part { parts.append(part) }
        case .sink(let node): if let part = node.part { parts.append(part) }
        case .feed: break
        }
      }
    }
    return parts
  }

  private func closeAfterFailure() {
    for thread in sourceThreads { thread.closeAfterFailure() }
    for subtask in subtasks { subtask.closeAfterFailure() }
    for thread in sinkThreads { thread.closeAfterFailure() }
  }

  /// The sources stop, also one that waits in a `read`, and every part looks at once whether it has something to do, or
  /// the job has failed.
  func requestStop() {
    for source in sources { source.requestStop() }
    stopSinks()
    wakeAll()
  }

  /// Sinks that wait for peers which do not move give up soon.
  func stopSinks() { for thread in sinkThreads { thread.requestStop() } }

  /// Every part looks at once whether it has something to do.
  func wakeAll() {
    for subtask in subtasks { subtask.notify() }
    for thread in sourceThreads { thread.wake() }
    for thread in sinkThreads { thread.wake() }
  }

  /// Every subtask looks whether an operator is to be woken when somebody moves the clock; until `unfollow`.
  func follow(_ clock: ProcessingClock) {
    guard case .manual(let clock) = clock else { return }
    clockListener = clock.add { [subtasks] in for subtask in subtasks { subtask.notify() } }
  }

  func unfollow(_ clock: ProcessingClock) {
    if case .manual(let clock) = clock, let clockListener { clock.remove(clockListener) }
  }

  /// By entry of the stage table and subtask: what lies in front of it; nil where no channel is.
  var fills: [[ChannelFill?]] {
    inputs.map { subtasks in
      subtasks.map { channels in
        if channels.isEmpty { return nil }
        var sum = ChannelFill()
        for channel in channels { sum.add(channel.fill) }
        return sum
      }
    }
  }
}
