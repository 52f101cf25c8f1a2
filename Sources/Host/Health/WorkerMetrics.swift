import Base
import Observability

/// All that a worker's metrics are made of, at one moment: numbers that others count, put together.
struct WorkerMetrics: Sendable {
  /// A plugin that is loaded.
  struct Plugin: Sendable, Hashable {
    var name: String
    var version: String
    /// Of its file, hexadecimal; empty when it cannot be read.
    var sha256: String
    /// The SDK that it was built with.
    var sdk: String
  }

  /// Bytes that are taken, and how many may be.
  struct Share: Sendable, Hashable {
    var used: Int
    var limit: Int
  }

  /// The caches of the databases of state.
  struct Cache: Sendable, Hashable {
    var share: Share
    /// The part of it that is not written to a file yet.
    var unwritten: Int
  }

  /// The only worker of a job on one machine.
  static let onlyWorker = 0

  var job: String
  var worker = WorkerMetrics.onlyWorker
  var plugins: [Plugin] = []
  var isReady: Bool
  var restarts: Int
  /// Nil: the job has not been started.
  var elapsed: Duration?
  var stages: [StageReport] = []
  /// Nil without checkpoints.
  var epochs: (counts: EpochCounts, interval: Duration)?
  /// Nil when the job does not run.
  var stateMemory: Share?
  /// Nil without databases.
  var cache: Cache?
  var buffers: (inUse: Int, idle: Int) = (0, 0)
  var memoryLimit: Int
  /// The machine's clock.
  var now: ProcessingTime

  /// The same in the form that Prometheus reads.
  var text: String {
    var text = MetricsText(common: [MetricLabel("job_name", job), MetricLabel("worker_id", "\(worker)")])
    addWorker(to: &text)
    for stage in stages { addStage(stage, to: &text) }
    for stage in stages {
      for (number, subtask) in stage.subtasks.enumerated() {
        let labels = [MetricLabel("uid", stage.id), MetricLabel("subtask", "\(number)")]
        addSubtask(subtask, of: stage.kind, labels, to: &text)
      }
    }
    if let epochs { add(epochs.counts, epochs.interval, to: &text) }
    addMemory(to: &text)
    return text.text(in: VolleyMetrics.all)
  }

  private func addWorker(to text: inout MetricsText) {
    text.add(VolleyMetrics.info, 1, [MetricLabel("version", VersionCommand.host)])
    for plugin in plugins {
      text.add(
        VolleyMetrics.pluginInfo, 1,
        [
          MetricLabel("plugin", plugin.name), MetricLabel("version", plugin.version),
          MetricLabel("sha256", plugin.sha256), MetricLabel("sdk", plugin.sdk),
        ])
    }
    text.add(VolleyMetrics.ready, isReady ? 1 : 0)
    text.add(VolleyMetrics.restarts, restarts)
    if let elapsed { text.add(VolleyMetrics.runSeconds, elapsed.seconds) }
  }

  private func addStage(_ stage: StageReport, to text: inout MetricsText) {
    let uid = MetricLabel("uid", stage.id)
    text.add(
      VolleyMetrics.stageInfo, 1,
      [
        uid, MetricLabel("kind", stage.kind.rawValue), MetricLabel("stage", stage.label),
        MetricLabel("task", stage.taskName), MetricLabel("parallelism", "\(stage.parallelism)"),
      ])
    for counter in stage.counts.userCounters {
      text.add(VolleyMetrics.userCounter, counter.value, [uid, MetricLabel("counter", counter.name)])
    }
  }

  private func addSubtask(
    _ subtask: SubtaskReport, of kind: StageKind, _ labels: [MetricLabel], to text: inout MetricsText
  ) {
    let counts = subtask.counts
    if kind != .source {
      text.add(VolleyMetrics.recordsIn, counts.rowsIn, labels)
      text.add(VolleyMetrics.bytesIn, counts.bytesIn, labels)
      text.add(VolleyMetrics.batchesIn, counts.batchesIn, labels)
    }
    if kind != .sink {
      text.add(VolleyMetrics.recordsOut, counts.rowsOut, labels)
      text.add(VolleyMetrics.bytesOut, counts.bytesOut, labels)
      text.add(VolleyMetrics.batchesOut, counts.batchesOut, labels)
    }
    text.add(VolleyMetrics.busy, seconds(counts.busyNanoseconds), labels)
    text.add(VolleyMetrics.idle, seconds(counts.idleNanoseconds), labels)
    text.add(VolleyMetrics.backpressured, seconds(counts.backpressuredNanoseconds), labels)
    text.add(VolleyMetrics.callSeconds, subtask.runningCall?.seconds ?? 0, labels)
    text.add(VolleyMetrics.deadLetters, counts.deadLetters, labels)
    if let rows = subtask.pendingRows { text.add(VolleyMetrics.pendingRecords, rows, labels) }
    // Without event time nothing is late.
    if kind == .operator, counts.watermark != nil {
      text.add(VolleyMetrics.lateRecords, counts.lateRowsDropped, labels + [MetricLabel("outcome", "dropped")])
      text.add(VolleyMetrics.lateRecords, counts.lateRowsRouted, labels + [MetricLabel("outcome", "routed")])
    }
    // Behind the end of its input a stage has no time that means anything.
    if let time = counts.watermark, time != .latest {
      text.add(VolleyMetrics.watermark, Double(time.microseconds) * 1e-6, labels)
      let lag = now - ProcessingTime(microseconds: time.microseconds)
      text.add(VolleyMetrics.watermarkLag, Double(lag) * 1e-6, labels)
    }
    if let input = subtask.input {
      text.add(VolleyMetrics.channelBatches, input.batches, labels)
      text.add(VolleyMetrics.channelBatchLimit, input.batchLimit, labels)
      text.add(VolleyMetrics.channelBytes, input.bytes, labels)
      text.add(VolleyMetrics.channelByteLimit, input.byteLimit, labels)
    }
    if epochs != nil {
      if subtask.input != nil {
        text.add(VolleyMetrics.alignment, seconds(counts.alignmentNanoseconds), labels)
        text.add(VolleyMetrics.lastAlignment, Double(counts.lastAlignmentNanoseconds) * 1e-6, labels)
      }
      if counts.snapshots > 0 {
        text.add(VolleyMetrics.snapshots, counts.snapshots, labels)
        text.add(VolleyMetrics.snapshotSeconds, seconds(counts.snapshotNanoseconds), labels)
        text.add(VolleyMetrics.snapshotBytes, counts.snapshotBytes, labels)
      }
    }
  }

  private func add(_ counts: EpochCounts, _ interval: Duration, to text: inout MetricsText) {
    text.add(VolleyMetrics.checkpoints, counts.completed)
    text.add(VolleyMetrics.checkpointFailures, counts.aborted)
    text.add(VolleyMetrics.checkpointSeconds, counts.durations)
    text.add(VolleyMetrics.checkpointBytes, Int(counts.newBytes))
    text.add(VolleyMetrics.checkpointEpoch, Double(counts.newest?.epoch.number ?? 0))
    text.add(VolleyMetrics.checkpointInterval, interval.seconds)
    guard let newest = counts.newest else { return }
    text.add(VolleyMetrics.lastCheckpointBytes, Int(newest.newBytes))
    // Wall clocks are set: an epoch is not from the future.
    text.add(VolleyMetrics.checkpointAge, max(0, Double(now - newest.time) * 1e-6))
    for (stage, bytes) in newest.stateBytes.sorted(by: { $0.key < $1.key }) {
      text.add(VolleyMetrics.stateBytes, Int(bytes), [MetricLabel("uid", stage)])
    }
  }

  private func addMemory(to text: inout MetricsText) {
    if let stateMemory {
      text.add(VolleyMetrics.stateMemory, stateMemory.used)
      text.add(VolleyMetrics.stateMemoryLimit, stateMemory.limit)
    }
    if let cache {
      text.add(VolleyMetrics.cacheBytes, cache.share.used)
      text.add(VolleyMetrics.cacheLimit, cache.share.limit)
      text.add(VolleyMetrics.unwrittenBytes, cache.unwritten)
    }
    text.add(VolleyMetrics.bufferBytes, buffers.inUse)
    text.add(VolleyMetrics.idleBufferBytes, buffers.idle)
    text.add(VolleyMetrics.memoryLimit, memoryLimit)
  }

  private func seconds(_ nanoseconds: Int) -> Double { Double(nanoseconds) * 1e-9 }
}
