import Synchronization

/// What is to be reported of the instances of a job: the counters that their authors keep, and batches that they never
/// released.
public final class InstanceRegistry: Sendable {
  private let contexts = Mutex<[InstanceContext]>([])

  public init() {}

  func add(_ context: InstanceContext) { contexts.withLock { $0.append(context) } }

  /// Once, when the job has ended and its batches are gone: logs a warning for each instance that kept some.
  public func warnOfKeptBatches() {
    for context in contexts.withLock({ $0 }) { context.warnOfKeptArrays() }
  }

  /// Each instance that has something to say, in the order of their making.
  public func report() -> [InstanceReport] {
    contexts.withLock { $0 }.map { $0.report() }.filter { !$0.counters.isEmpty || $0.batchesHeld > 0 }
  }
}

/// What there is to say of one instance.
public struct InstanceReport: Sendable, Hashable {
  public var plugin: String
  public var function: String
  public var uid: String
  public var subtask: Int
  /// The author's counters, by name.
  public var counters: [String: UInt64]
  /// Batches that the instance took and has not released: after the job, leaks.
  public var batchesHeld: Int
}
