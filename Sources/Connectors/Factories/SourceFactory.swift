import Base
import Dataflow
import Synchronization

/// Makes the instances of one source of a plan, one a subtask. What they share (the files found, the dead-letter file, the
/// count of bad records) lives with it.
public struct SourceFactory: Sendable {
  /// What reports call it: "csv orders".
  public let label: String
  /// More subtasks than this would have nothing to read, or would read the same; nil: any number.
  public let maximumParallelism: Int?
  /// What it reads, and where its bad records go.
  public let files: FileUse
  /// What its rows get in a job with checkpoints.
  public let guarantee: DeliveryGuarantee
  private let counter: BadRecordCounter
  private let makeInstance: @Sendable (SubtaskContext) throws(Failure) -> any Source

  init(
    label: String, maximumParallelism: Int?, files: FileUse = FileUse(), counter: BadRecordCounter = BadRecordCounter(),
    guarantee: DeliveryGuarantee = .exactlyOnce,
    make: @escaping @Sendable (SubtaskContext) throws(Failure) -> any Source
  ) {
    self.label = label
    self.maximumParallelism = maximumParallelism
    self.files = files
    self.counter = counter
    self.guarantee = guarantee
    makeInstance = make
  }

  /// Records that could not be decoded, over all instances, so far.
  public var badRecordCount: Int { counter.value }

  /// - Throws: `noInput` when a file is missing or cannot be read, `usage` when the subtask cannot be.
  public func make(_ context: SubtaskContext) throws(Failure) -> any Source {
    if let maximumParallelism {
      precondition(context.parallelism <= maximumParallelism, "\(label) has too many subtasks")
    }
    return try makeInstance(context)
  }
}

/// Records that could not be decoded, counted from any thread.
final class BadRecordCounter: Sendable {
  private let count = Atomic<Int>(0)

  var value: Int { count.load(ordering: .relaxed) }

  func increment() { count.wrappingAdd(1, ordering: .relaxed) }
}
