import Base
import Synchronization

/// What one stage of one subtask counts: a source, an operator or a sink.
///
/// Written per batch, never per row, by the one thread that runs the stage at that moment (so that a plain load and
/// store do, where an atomic addition would cost five times as much); read by any thread at any time. User counters and
/// dead letters may be counted by several threads at once.
public final class StageMetrics: Sendable {
  private let rowsIn = Atomic<Int>(0)
  private let rowsOut = Atomic<Int>(0)
  private let bytesIn = Atomic<Int>(0)
  private let bytesOut = Atomic<Int>(0)
  private let batchesIn = Atomic<Int>(0)
  private let batchesOut = Atomic<Int>(0)
  private let busy = Atomic<Int>(0)
  private let idle = PauseTime()
  private let backpressured = PauseTime()
  private let watermarkMicroseconds = Atomic<Int64>(.min)
  private let deadLetterRows = Atomic<Int>(0)
  private let lateDropped = Atomic<Int>(0)
  private let lateRouted = Atomic<Int>(0)
  private let alignment = Atomic<Int>(0)
  private let lastAlignment = Atomic<Int>(0)
  private let snapshots = Atomic<Int>(0)
  private let snapshotTime = Atomic<Int>(0)
  private let snapshotBytes = Atomic<Int>(0)
  private let counters = Monitor([UserCounter]())

  /// Names that a stage may count under; beyond that `counter` gives nil.
  public static let counterLimit = 64

  public init() {}

  /// A batch came in.
  public func received(rows: Int, bytes: Int) {
    StageMetrics.add(rows, to: rowsIn)
    StageMetrics.add(bytes, to: bytesIn)
    StageMetrics.add(1, to: batchesIn)
  }

  /// A batch went out.
  public func emitted(rows: Int, bytes: Int) {
    StageMetrics.add(rows, to: rowsOut)
    StageMetrics.add(bytes, to: bytesOut)
    StageMetrics.add(1, to: batchesOut)
  }

  /// Time in the stage's own code.
  public func addBusy(nanoseconds: Int) { StageMetrics.add(nanoseconds, to: busy) }
  /// Time without input, while no other such time goes on.
  public func addIdle(nanoseconds: Int) { idle.add(nanoseconds: Int64(nanoseconds)) }

  /// There is no input from now on, until `endPause`: the time counts while it passes.
  public func beginIdle(at now: MonotonicTime) { idle.begin(at: now) }
  /// There is no room for results from now on, until `endPause`.
  public func beginBackpressured(at now: MonotonicTime) { backpressured.begin(at: now) }

  /// Does nothing when neither goes on.
  public func endPause(at now: MonotonicTime) {
    idle.end(at: now)
    backpressured.end(at: now)
  }

  /// How far event time has come here.
  public func reached(_ time: EventTime) { watermarkMicroseconds.store(time.microseconds, ordering: .relaxed) }

  /// Records that could not be decoded or processed and went to the dead-letter output.
  public func addDeadLetters(_ count: Int) { deadLetterRows.add(count, ordering: .relaxed) }

  /// Rows that came too late for what they belong to, and were dropped.
  public func addLateDropped(rows: Int) { StageMetrics.add(rows, to: lateDropped) }
  /// Rows that came too late for what they belong to, and went to the output for late rows.
  public func addLateRouted(rows: Int) { StageMetrics.add(rows, to: lateRouted) }

  /// Time in which channels that had delivered a barrier waited for the others.
  public func addAlignment(nanoseconds: Int) {
    StageMetrics.add(nanoseconds, to: alignment)
    lastAlignment.store(nanoseconds, ordering: .relaxed)
  }
  /// The stage stood still that long while what had changed of its state was taken.
  public func addSnapshot(nanoseconds: Int, bytes: Int) {
    StageMetrics.add(1, to: snapshots)
    StageMetrics.add(nanoseconds, to: snapshotTime)
    StageMetrics.add(bytes, to: snapshotBytes)
  }

  /// The counter of that name, made at its first use; nil when the stage has `counterLimit` others. Look it up once,
  /// not per batch.
  public func counter(_ name: String) -> UserCounter? {
    counters.withLock { counters in
      if let counter = counters.first(where: { $0.name == name }) { return counter }
      guard counters.count < StageMetrics.counterLimit else { return nil }
      let counter = UserCounter(name: name)
      counters.append(counter)
      return counter
    }
  }

  /// What has been counted so far. Each number is right by itself; two of them may be a batch apart.
  public var counts: StageCounts {
    let now = MonotonicTime.now
    var counts = StageCounts()
    counts.rowsIn = rowsIn.load(ordering: .relaxed)
    counts.rowsOut = rowsOut.load(ordering: .relaxed)
    counts.bytesIn = bytesIn.load(ordering: .relaxed)
    counts.bytesOut = bytesOut.load(ordering: .relaxed)
    counts.batchesIn = batchesIn.load(ordering: .relaxed)
    counts.batchesOut = batchesOut.load(ordering: .relaxed)
    counts.busyNanoseconds = busy.load(ordering: .relaxed)
    counts.idleNanoseconds = Int(idle.total(now: now))
    counts.backpressuredNanoseconds = Int(backpressured.total(now: now))
    counts.deadLetters = deadLetterRows.load(ordering: .relaxed)
    counts.lateRowsDropped = lateDropped.load(ordering: .relaxed)
    counts.lateRowsRouted = lateRouted.load(ordering: .relaxed)
    counts.alignmentNanoseconds = alignment.load(ordering: .relaxed)
    counts.lastAlignmentNanoseconds = lastAlignment.load(ordering: .relaxed)
    counts.snapshots = snapshots.load(ordering: .relaxed)
    counts.snapshotNanoseconds = snapshotTime.load(ordering: .relaxed)
    counts.snapshotBytes = snapshotBytes.load(ordering: .relaxed)
    let time = EventTime(microseconds: watermarkMicroseconds.load(ordering: .relaxed))
    counts.watermark = time == .earliest ? nil : time
    counts.userCounters = counters.withLock { counters in counters.map { (name: $0.name, value: $0.value) } }
    return counts
  }

  private static func add(_ amount: Int, to counter: borrowing Atomic<Int>) {
    counter.store(counter.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }
}

/// A number that a pipeline's author counts.
public final class UserCounter: Sendable {
  public let name: String
  private let total = Atomic<Int>(0)

  init(name: String) { self.name = name }

  public var value: Int { total.load(ordering: .relaxed) }

  public func add(_ amount: Int) { total.add(amount, ordering: .relaxed) }
}
