/// What a stage of a job does.
public enum StageKind: String, Sendable, Hashable {
  case source, `operator`, sink
}

/// One stage of a running or finished job: a source, an operator or a sink, over all its subtasks.
public struct StageReport: Sendable {
  /// What the stage is called: "orders", "filter", "sink out".
  public var label: String
  public var uid: String?
  /// Its name in the job: the uid, or the label with a number.
  public var id: String
  public var kind: StageKind
  /// The task that it is part of: its index in the execution graph, and its name.
  public var task: Int
  public var taskName: String
  public var parallelism: Int
  /// The sum over the subtasks.
  public var counts: StageCounts
  /// What waits in the channels in front of the stage's task; 0 for a stage in the middle of a chain.
  public var queuedBatches: Int
  public var queuedBytes: Int
  /// What the sum is made of, by subtask.
  public var subtasks: [SubtaskReport]

  public init(
    label: String, uid: String?, id: String? = nil, kind: StageKind = .operator, task: Int, taskName: String,
    parallelism: Int, counts: StageCounts, queuedBatches: Int = 0, queuedBytes: Int = 0, subtasks: [SubtaskReport] = []
  ) {
    self.label = label
    self.uid = uid
    self.id = id ?? uid ?? label
    self.kind = kind
    self.task = task
    self.taskName = taskName
    self.parallelism = parallelism
    self.counts = counts
    self.queuedBatches = queuedBatches
    self.queuedBytes = queuedBytes
    self.subtasks = subtasks
  }

  /// A stage of these subtasks.
  public init(
    label: String, uid: String?, id: String, kind: StageKind, task: Int, taskName: String, subtasks: [SubtaskReport]
  ) {
    var counts = StageCounts()
    for subtask in subtasks { counts.add(subtask.counts) }
    self.init(
      label: label, uid: uid, id: id, kind: kind, task: task, taskName: taskName, parallelism: subtasks.count,
      counts: counts, queuedBatches: subtasks.reduce(0) { $0 + ($1.input?.batches ?? 0) },
      queuedBytes: subtasks.reduce(0) { $0 + ($1.input?.bytes ?? 0) }, subtasks: subtasks)
  }
}

/// One subtask's part of a stage.
public struct SubtaskReport: Sendable {
  public var counts: StageCounts
  /// The channels in front of it; nil in the middle of a chain.
  public var input: ChannelFill?
  /// How long the call of the stage's code has lasted that has not returned; nil: there is none.
  public var runningCall: Duration?
  /// Rows that wait for answers from elsewhere; nil of a stage whose rows do not.
  public var pendingRows: Int?

  public init(
    counts: StageCounts, input: ChannelFill? = nil, runningCall: Duration? = nil, pendingRows: Int? = nil
  ) {
    self.counts = counts
    self.input = input
    self.runningCall = runningCall
    self.pendingRows = pendingRows
  }
}

/// What lies on channels, and what may.
public struct ChannelFill: Sendable, Hashable {
  /// Batches and signals.
  public var batches: Int
  public var bytes: Int
  public var batchLimit: Int
  public var byteLimit: Int

  public init(batches: Int = 0, bytes: Int = 0, batchLimit: Int = 0, byteLimit: Int = 0) {
    self.batches = batches
    self.bytes = bytes
    self.batchLimit = batchLimit
    self.byteLimit = byteLimit
  }

  /// Adds those of another channel.
  public mutating func add(_ other: ChannelFill) {
    batches += other.batches
    bytes += other.bytes
    batchLimit += other.batchLimit
    byteLimit += other.byteLimit
  }
}
