import Base
import Observability

/// What an instance is told about its place.
public struct SubtaskContext: Sendable {
  public var id: SubtaskID
  public var parallelism: Int
  /// The stage's counters in this subtask: for dead letters and user counters. The rest is counted for it.
  public var metrics: StageMetrics
  /// What keyed state shares with that of all other instances of the job.
  public var stateMemory: StateMemory

  /// Processing time in this subtask.
  public var clock: SubtaskClock
  /// What may be known of the subtask's input; in a source's context, of none.
  public var input: InputCursor
  /// The epoch that the subtask has reached; in a source's context, the one that the job goes on from.
  public var epoch: EpochCursor
  /// Tells the subtask that there may be something to do, for a `WaitingOperator`.
  public var notifier: SubtaskNotifier

  public init(
    id: SubtaskID, parallelism: Int, metrics: StageMetrics = StageMetrics(),
    stateMemory: StateMemory = StateMemory(limit: .max), clock: SubtaskClock = SubtaskClock(),
    input: InputCursor = InputCursor(), epoch: EpochCursor = EpochCursor(),
    notifier: SubtaskNotifier = SubtaskNotifier()
  ) {
    self.id = id
    self.parallelism = parallelism
    self.metrics = metrics
    self.stateMemory = stateMemory
    self.clock = clock
    self.input = input
    self.epoch = epoch
    self.notifier = notifier
  }
}
