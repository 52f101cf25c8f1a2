import Base
import Observability

/// Every stage of a job with its counters: made before the job starts, and kept when all else of it is gone.
struct StageTable: Sendable {
  struct Entry: Sendable {
    var label: String
    var uid: String?
    /// Its name in epochs.
    var id: String
    var kind: StageKind
    var task: Int
    var taskName: String
    /// By subtask.
    var metrics: [StageMetrics]
    var calls: [CallClock]
  }

  /// By task: its source, if it has one, then its steps.
  private(set) var entries: [Entry] = []
  /// By task: the index of its first entry.
  private(set) var firstEntry: [Int] = []

  init(_ graph: JobGraph) {
    var nameless: [String: Int] = [:]
    for (index, task) in graph.tasks.enumerated() {
      firstEntry.append(entries.count)
      func add(_ label: String, _ uid: String?, _ kind: StageKind) {
        let metrics = (0..<task.parallelism).map { _ in StageMetrics() }
        let calls = (0..<task.parallelism).map { _ in CallClock() }
        entries.append(
          Entry(
            label: label, uid: uid, id: uid ?? StageTable.id(label, &nameless), kind: kind, task: index,
            taskName: task.name, metrics: metrics, calls: calls))
      }
      if case .source(let label, let uid, _) = task.head { add(label, uid, .source) }
      for step in task.steps { add(step.label, step.uid, step.body.kind) }
    }
  }

  /// The name of a stage that has no uid: the same as long as the stages of that label stand in the same order,
  /// whatever their parallelism is.
  ///
  /// - Parameter counts: by label, how many have got one.
  private static func id(_ label: String, _ counts: inout [String: Int]) -> String {
    counts[label, default: 0] += 1
    return "\(label) \(counts[label, default: 0])"
  }

  /// A subtask's stage in the epochs of the job.
  func epochs(_ job: JobEpochs?, entry: Int, subtask: Int) -> StageEpochs? {
    guard let job else { return nil }
    let place = StagePlace(id: entries[entry].id, subtask: subtask, parallelism: entries[entry].metrics.count)
    return StageEpochs(job: job, place: place)
  }

  /// A subtask's stage.
  func stage(entry: Int, subtask: Int) -> Stage {
    let entry = entries[entry]
    return Stage(label: entry.label, uid: entry.uid, metrics: entry.metrics[subtask], calls: entry.calls[subtask])
  }

  /// What runs now, the longest first.
  func runningCalls() -> [RunningCall] {
    let now = MonotonicTime.now
    var running: [RunningCall] = []
    for entry in entries {
      for (subtask, calls) in entry.calls.enumerated() {
        guard let since = calls.since else { continue }
        running.append(
          RunningCall(
            label: entry.label, uid: entry.uid, subtask: subtask, duration: .nanoseconds(max(0, now - since))))
      }
    }
    return running.sorted { $0.duration > $1.duration }
  }

  /// Operators that wait for answers, those with the most rows first.
  func pendingRows() -> [PendingRows] {
    entries.map { entry in
      PendingRows(label: entry.label, uid: entry.uid, rows: entry.calls.reduce(0) { $0 + ($1.pendingRows ?? 0) })
    }.filter { $0.rows > 0 }.sorted { $0.rows > $1.rows }
  }

  /// - Parameter fills: by entry and subtask, what lies in front of it; nil: the job does not run.
  func reports(fills: [[ChannelFill?]]?) -> [StageReport] {
    let now = MonotonicTime.now
    return entries.indices.map { index in
      let entry = entries[index]
      let subtasks = entry.metrics.indices.map { subtask in
        let calls = entry.calls[subtask]
        return SubtaskReport(
          counts: entry.metrics[subtask].counts, input: fills?[index][subtask],
          runningCall: calls.since.map { .nanoseconds(max(0, now - $0)) }, pendingRows: calls.pendingRows)
      }
      return StageReport(
        label: entry.label, uid: entry.uid, id: entry.id, kind: entry.kind, task: entry.task,
        taskName: entry.taskName, subtasks: subtasks)
    }
  }
}

extension JobGraph.Body {
  fileprivate var kind: StageKind {
    switch self {
    case .operator: .operator
    case .sink: .sink
    }
  }
}
