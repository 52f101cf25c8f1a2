import Arrow
import Base
import Dataflow
import Glibc
import Synchronization
import VolleyPlan

/// How long after the watermark has passed a window's end its last result is read, while events come at a steady rate.
///
/// A batch of events is due when its last one is, whether or not the job takes it then, so that a job that falls behind
/// is not flattered. The watermark has passed an end when the batch is due, of the source's last subtask, that moves it
/// there.
final class NexmarkLatency: Sendable {
  private struct Notes {
    var start: ContinuousClock.Instant?
    /// By subtask: of each batch the latest event time, and when it was due.
    var told: [[(latest: Int64, due: ContinuousClock.Instant)]]
    /// By the end of a window: when the last batch of its results was read.
    var read: [Int64: ContinuousClock.Instant] = [:]
    var hasEnds = true
  }

  private let notes: Mutex<Notes>
  private let subtasks: Int
  /// From one batch of events to the next one, over all subtasks.
  private let interval: Duration

  init(subtasks: Int, eventsPerSecond: Double) {
    self.subtasks = subtasks
    interval = .seconds(Double(NexmarkEvents.batchRows) / eventsPerSecond)
    notes = Mutex(Notes(told: [[(latest: Int64, due: ContinuousClock.Instant)]](repeating: [], count: subtasks)))
  }

  /// The delays of all windows whose ends the watermark has passed, in milliseconds, ascending.
  ///
  /// - Parameter outOfOrderness: microseconds by which the watermark is behind the latest event.
  func milliseconds(outOfOrderness: Int64) -> [Double] {
    notes.withLock { notes in
      notes.read.compactMap { end, read -> Double? in
        let passed = notes.told.compactMap { told in told.first { $0.latest - outOfOrderness >= end }?.due }
        guard passed.count == subtasks, let last = passed.max() else { return nil }
        return last.duration(to: read) / .milliseconds(1)
      }.sorted()
    }
  }

  /// Whether the results tell the end of their window.
  var hasEnds: Bool { notes.withLock { $0.hasEnds } }

  func source(_ batches: [RecordBatch], subtask: Int) -> any Source { PacedSource(self, batches, subtask) }
  func sink(_ schema: Schema) -> any Sink {
    let column = schema.index(of: "window_end")
    notes.withLock { $0.hasEnds = column != nil }
    return EndSink(self, column)
  }

  /// When a batch of a subtask is due.
  fileprivate func due(_ number: Int, of subtask: Int) -> ContinuousClock.Instant {
    let start = notes.withLock { notes in
      let start = notes.start ?? .now
      notes.start = start
      return start
    }
    return start.advanced(by: interval * (number * subtasks + subtask + 1))
  }

  fileprivate func note(_ latest: Int64, due: ContinuousClock.Instant, of subtask: Int) {
    notes.withLock { $0.told[subtask].append((latest, due)) }
  }

  fileprivate func noteRead(_ end: Int64) {
    let now = ContinuousClock.now
    notes.withLock { $0.read[end] = max(now, $0.read[end] ?? now) }
  }
}

/// Gives each batch of events when it is due, on a thread of its own.
private final class PacedSource: Source {
  private let latency: NexmarkLatency
  private let batches: [RecordBatch]
  private let subtask: Int
  private var next = 0

  init(_ latency: NexmarkLatency, _ batches: [RecordBatch], _ subtask: Int) {
    self.latency = latency
    self.batches = batches
    self.subtask = subtask
  }

  var blocks: Bool { true }

  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
    guard next < batches.count else { return .end }
    let due = latency.due(next, of: subtask)
    let wait = ContinuousClock.now.duration(to: due)
    if wait > .zero { usleep(UInt32(min(wait, .milliseconds(100)) / .microseconds(1))) }
    if ContinuousClock.now < due { return .idle }
    let batch = batches[next]
    next += 1
    // The last column is when an event happened; the batch's events are in order.
    let times = batch.columns[batch.columns.count - 1]
    latency.note(times.values(Int64.self)[batch.length - 1], due: due, of: subtask)
    return .batch(batch)
  }
}

/// Notes which windows' results come.
private final class EndSink: Sink {
  private let latency: NexmarkLatency
  private let column: Int?

  init(_ latency: NexmarkLatency, _ column: Int?) {
    self.latency = latency
    self.column = column
  }

  var blocks: Bool { false }

  func write(_ batch: RecordBatch) throws(Failure) {
    guard let column else { return }
    let ends = batch.columns[column].values(Int64.self)
    for row in 0..<batch.length where row == 0 || ends[row] != ends[row - 1] { latency.noteRead(ends[row]) }
  }
}
