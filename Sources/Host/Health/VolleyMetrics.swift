import Observability

/// The families of metrics that a worker gives, in the order in which they stand in its answer. README.md lists them too.
///
/// Every sample has the labels `job_name` and `worker_id`. Those of a source, operator or sink have `uid`, which is its
/// label and a number where its author gave it no uid, and most have `subtask`.
enum VolleyMetrics {
  // MARK: The worker

  static let info = MetricFamily("volley_info", .gauge, "Always 1; the label `version` is that of volley-host")
  static let pluginInfo = MetricFamily(
    "volley_plugin_info", .gauge,
    "Always 1; a plugin that is loaded: `plugin`, `version`, `sha256` of its file, `sdk` that it was built with")
  static let ready = MetricFamily("volley_ready", .gauge, "1 when /readyz answers 200, else 0")
  static let restarts = MetricFamily(
    "volley_restarts_total", .counter, "Workers that this volley-host has started in the place of one that died")
  static let runSeconds = MetricFamily("volley_run_seconds", .gauge, "Since this worker started the job")

  // MARK: Stages

  static let stageInfo = MetricFamily(
    "volley_stage_info", .gauge,
    "Always 1; a source, operator or sink: its `kind`, `stage` name, `task` and `parallelism`")
  static let recordsIn = MetricFamily("volley_records_in_total", .counter, "Rows that came in")
  static let recordsOut = MetricFamily("volley_records_out_total", .counter, "Rows that went out")
  static let bytesIn = MetricFamily("volley_bytes_in_total", .counter, "Bytes of the columns that came in")
  static let bytesOut = MetricFamily("volley_bytes_out_total", .counter, "Bytes of the columns that went out")
  static let batchesIn = MetricFamily("volley_batches_in_total", .counter, "Batches that came in")
  static let batchesOut = MetricFamily("volley_batches_out_total", .counter, "Batches that went out")
  static let busy = MetricFamily("volley_busy_seconds_total", .counter, "Time in the stage's own code")
  static let idle = MetricFamily("volley_idle_seconds_total", .counter, "Time in which its task had no input")
  static let backpressured = MetricFamily(
    "volley_backpressured_seconds_total", .counter, "Time in which its task had results for which there was no room")
  static let callSeconds = MetricFamily(
    "volley_call_seconds", .gauge,
    "How long the call of the stage's code has lasted that has not returned; 0: there is none")
  static let pendingRecords = MetricFamily(
    "volley_pending_records", .gauge, "Rows that wait for answers from elsewhere; absent of operators that ask for none"
  )
  static let watermark = MetricFamily(
    "volley_watermark_timestamp_seconds", .gauge,
    "How far event time has come, in seconds since 1970; absent without one")
  static let watermarkLag = MetricFamily(
    "volley_watermark_lag_seconds", .gauge, "How far the watermark is behind the machine's clock; absent without one")
  static let lateRecords = MetricFamily(
    "volley_late_records_total", .counter,
    "Rows that came too late: `outcome` is dropped, or routed to an output of their own")
  static let deadLetters = MetricFamily(
    "volley_dead_letters_total", .counter, "Records that could not be read or processed and were set aside")
  static let channelBatches = MetricFamily(
    "volley_channel_batches", .gauge, "Batches and signals in the channels in front of the subtask")
  static let channelBatchLimit = MetricFamily(
    "volley_channel_batch_limit", .gauge, "The most batches and signals that these channels hold")
  static let channelBytes = MetricFamily(
    "volley_channel_bytes", .gauge, "Bytes of the batches in the channels in front of the subtask")
  static let channelByteLimit = MetricFamily(
    "volley_channel_byte_limit", .gauge,
    "The most bytes that these channels hold, but for one batch that is larger than its channel")
  static let userCounter = MetricFamily(
    "volley_user_counts_total", .counter, "What functions of a plugin count themselves, by the name in `counter`")

  // MARK: Epochs

  static let alignment = MetricFamily(
    "volley_barrier_alignment_seconds_total", .counter,
    "Time in which inputs with an epoch's barrier waited for the others")
  static let lastAlignment = MetricFamily(
    "volley_barrier_alignment_wait_ms", .gauge, "The same of the last epoch, in milliseconds")
  static let snapshots = MetricFamily("volley_snapshots_total", .counter, "Snapshots of a subtask's state")
  static let snapshotSeconds = MetricFamily(
    "volley_snapshot_seconds_total", .counter, "Time in which a subtask stood still for them")
  static let snapshotBytes = MetricFamily(
    "volley_snapshot_bytes_total", .counter, "Bytes of changes of state that they gave")
  static let checkpoints = MetricFamily("volley_checkpoints_total", .counter, "Epochs that this worker completed")
  static let checkpointFailures = MetricFamily(
    "volley_checkpoint_failures_total", .counter, "Epochs that this worker gave up")
  static let checkpointSeconds = MetricFamily(
    "volley_checkpoint_duration_seconds", .histogram, "From the start of an epoch to its publication")
  static let checkpointBytes = MetricFamily(
    "volley_checkpoint_bytes_total", .counter, "Bytes that epochs brought into the checkpoint folder")
  static let lastCheckpointBytes = MetricFamily(
    "volley_checkpoint_last_bytes", .gauge, "Bytes that the newest complete epoch brought there")
  static let checkpointEpoch = MetricFamily(
    "volley_checkpoint_epoch", .gauge, "Number of the newest complete epoch; 0: there is none")
  static let checkpointAge = MetricFamily(
    "volley_checkpoint_age_seconds", .gauge,
    "Since the newest complete epoch was completed, by this worker or one before it; absent when there is none")
  static let checkpointInterval = MetricFamily(
    "volley_checkpoint_interval_seconds", .gauge,
    "--checkpoint-interval: from the start of an epoch to that of the next")

  // MARK: Memory and state

  static let stateBytes = MetricFamily(
    "volley_state_bytes", .gauge, "Bytes of the files that hold a stage's state in the newest complete epoch")
  static let stateMemory = MetricFamily(
    "volley_state_memory_bytes", .gauge, "Bytes of memory that all keyed state takes, caches of databases left out")
  static let stateMemoryLimit = MetricFamily("volley_state_memory_limit_bytes", .gauge, "The most that it may take")
  static let cacheBytes = MetricFamily(
    "volley_cache_bytes", .gauge, "Bytes in the caches of the databases of state, with what is not written yet")
  static let cacheLimit = MetricFamily("volley_cache_limit_bytes", .gauge, "The share of memory that these caches have")
  static let unwrittenBytes = MetricFamily(
    "volley_cache_unwritten_bytes", .gauge, "The part of them that is not written to a file yet")
  static let bufferBytes = MetricFamily("volley_buffer_bytes", .gauge, "Bytes of the batches that are alive")
  static let idleBufferBytes = MetricFamily(
    "volley_buffer_idle_bytes", .gauge, "Bytes of free blocks that are kept for the next batches")
  static let memoryLimit = MetricFamily("volley_memory_limit_bytes", .gauge, "--memory-limit, in bytes")

  /// In order.
  static let all = [
    info, pluginInfo, ready, restarts, runSeconds, stageInfo, recordsIn, recordsOut, bytesIn, bytesOut, batchesIn,
    batchesOut, busy, idle, backpressured, callSeconds, pendingRecords, watermark, watermarkLag, lateRecords,
    deadLetters, channelBatches, channelBatchLimit, channelBytes, channelByteLimit, userCounter, alignment,
    lastAlignment, snapshots, snapshotSeconds, snapshotBytes, checkpoints, checkpointFailures, checkpointSeconds,
    checkpointBytes, lastCheckpointBytes, checkpointEpoch, checkpointAge, checkpointInterval, stateBytes, stateMemory,
    stateMemoryLimit, cacheBytes, cacheLimit, unwrittenBytes, bufferBytes, idleBufferBytes, memoryLimit,
  ]

  /// Upper bounds of `checkpointSeconds`: from what an epoch of little state takes to minutes.
  static let checkpointBounds = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500,
  ]
}
