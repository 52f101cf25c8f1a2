import Base

/// What a stage, or all subtasks of it together, has counted.
public struct StageCounts: Sendable {
  public var rowsIn = 0
  public var rowsOut = 0
  public var bytesIn = 0
  public var bytesOut = 0
  public var batchesIn = 0
  public var batchesOut = 0
  /// In the stage's own code, without that of the stages behind it.
  public var busyNanoseconds = 0
  /// Its task had no input.
  public var idleNanoseconds = 0
  /// Its task had results for which there was no room.
  public var backpressuredNanoseconds = 0
  /// Records that went to the dead-letter output.
  public var deadLetters = 0
  /// Rows that came too late and were dropped.
  public var lateRowsDropped = 0
  /// Rows that came too late and went to the output for late rows.
  public var lateRowsRouted = 0
  /// Time in which channels that had delivered an epoch's barrier waited for the others.
  public var alignmentNanoseconds = 0
  /// The same for the last epoch alone: the longest of the subtasks.
  public var lastAlignmentNanoseconds = 0
  /// Snapshots of its state, how long it stood still for them, and bytes of what had changed.
  public var snapshots = 0
  public var snapshotNanoseconds = 0
  public var snapshotBytes = 0
  /// The lowest watermark of the subtasks that have one.
  public var watermark: EventTime?
  /// In the order of their first use.
  public var userCounters: [(name: String, value: Int)] = []

  public init() {}

  /// Adds what another subtask of the stage has counted.
  public mutating func add(_ other: StageCounts) {
    rowsIn += other.rowsIn
    rowsOut += other.rowsOut
    bytesIn += other.bytesIn
    bytesOut += other.bytesOut
    batchesIn += other.batchesIn
    batchesOut += other.batchesOut
    busyNanoseconds += other.busyNanoseconds
    idleNanoseconds += other.idleNanoseconds
    backpressuredNanoseconds += other.backpressuredNanoseconds
    deadLetters += other.deadLetters
    lateRowsDropped += other.lateRowsDropped
    lateRowsRouted += other.lateRowsRouted
    alignmentNanoseconds += other.alignmentNanoseconds
    lastAlignmentNanoseconds = max(lastAlignmentNanoseconds, other.lastAlignmentNanoseconds)
    snapshots += other.snapshots
    snapshotNanoseconds += other.snapshotNanoseconds
    snapshotBytes += other.snapshotBytes
    if let time = other.watermark { watermark = min(watermark ?? time, time) }
    for counter in other.userCounters {
      if let index = userCounters.firstIndex(where: { $0.name == counter.name }) {
        userCounters[index].value += counter.value
      } else {
        userCounters.append(counter)
      }
    }
  }
}
