import Base
import Dataflow

/// Makes the instances of one sink of a plan, one a subtask.
public struct SinkFactory: Sendable {
  /// What reports call it: "csv revenue".
  public let label: String
  /// How many subtasks can write there; nil: any number.
  public let maximumParallelism: Int?
  /// What a blackhole's instances have read so far; nil for other sinks.
  public let blackhole: BlackholeTotals?
  /// What it writes.
  public let files: FileUse
  private let findGuarantee: @Sendable () -> DeliveryGuarantee
  private let makeInstance: @Sendable (SubtaskContext) throws(Failure) -> any Sink

  init(
    label: String, maximumParallelism: Int?, blackhole: BlackholeTotals? = nil, files: WrittenFiles? = nil,
    guarantee: @escaping @Sendable () -> DeliveryGuarantee = { .exactlyOnce },
    make: @escaping @Sendable (SubtaskContext) throws(Failure) -> any Sink
  ) {
    self.label = label
    self.maximumParallelism = maximumParallelism
    self.blackhole = blackhole
    self.files = FileUse(writes: files)
    findGuarantee = guarantee
    makeInstance = make
  }

  /// What its rows get in a job with checkpoints; it may depend on what is at its path.
  public var guarantee: DeliveryGuarantee { findGuarantee() }

  public func make(_ context: SubtaskContext) throws(Failure) -> any Sink {
    if let maximumParallelism {
      precondition(context.parallelism <= maximumParallelism, "\(label) has too many subtasks")
    }
    return try makeInstance(context)
  }
}
