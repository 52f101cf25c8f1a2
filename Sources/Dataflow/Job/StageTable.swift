import Observability

/// Every stage of a job with its counters: made before the job starts, and kept when all else of it is gone.
struct StageTable: Sendable {
  struct Entry: Sendable {
    var label: String
    var uid: String?
    var task: Int
    var taskName: String
    /// By subtask.
    var metrics: [StageMetrics]
  }

  /// By task: its source, if it has one, then its steps.
  private(set) var entries: [Entry] = []
  /// By task: the index of its first entry.
  private(set) var firstEntry: [Int] = []

  init(_ graph: JobGraph) {
    for (index, task) in graph.tasks.enumerated() {
      firstEntry.append(entries.count)
      func add(_ label: String, _ uid: String?) {
        let metrics = (0..<task.parallelism).map { _ in StageMetrics() }
        entries.append(Entry(label: label, uid: uid, task: index, taskName: task.name, metrics: metrics))
      }
      if case .source(let label, let uid, _) = task.head { add(label, uid) }
      for step in task.steps { add(step.label, step.uid) }
    }
  }

  /// A subtask's stage.
  func stage(entry: Int, subtask: Int) -> Stage {
    Stage(label: entries[entry].label, uid: entries[entry].uid, metrics: entries[entry].metrics[subtask])
  }

  /// - Parameter queued: by entry, what waits in front of it.
  func reports(queued: [(elements: Int, bytes: Int)]) -> [StageReport] {
    entries.indices.map { index in
      let entry = entries[index]
      var counts = StageCounts()
      for metrics in entry.metrics { counts.add(metrics.counts) }
      return StageReport(
        label: entry.label, uid: entry.uid, task: entry.task, taskName: entry.taskName,
        parallelism: entry.metrics.count, counts: counts,
        queuedBatches: queued[index].elements, queuedBytes: queued[index].bytes)
    }
  }
}
