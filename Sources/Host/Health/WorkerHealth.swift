import Arrow
import Base
import Dataflow
import Observability
import PluginLoading
import State

/// What a worker knows of its health, from its first moment on, for whoever asks. From any thread.
final class WorkerHealth: Sendable {
  private struct State {
    var phase = Readiness.Phase.preparing("the plugin is being loaded")
    var job: String?
    var plugins: [LoadedPlugin] = []
    var running: Running?
    /// What was told last of pauses that go on, by stage and subtask.
    var told: [[StageTimes]] = []
  }

  /// A job and what it was given.
  private struct Running {
    var job: Job
    var start: MonotonicTime
    var keeper: EpochKeeper?
    var memoryLimit: Int
  }

  private let restarts: Int
  private let state = Monitor(State())

  /// - Parameter restarts: workers before this one that died.
  init(restarts: Int) { self.restarts = restarts }

  /// Answers about it, at any time.
  var service: HealthService {
    HealthService(objection: { self.readiness().objection(now: .now) }, metrics: { self.metrics()?.text })
  }

  // MARK: Told by whoever runs the job

  /// The pipeline is known; its state comes next.
  func loaded(_ job: String, _ plugins: [Plugin]) {
    let loaded = plugins.map { LoadedPlugin($0) }
    state.withLock { state in
      state.job = job
      state.plugins = loaded
      state.phase = .preparing("the job is being prepared")
    }
  }

  /// The job is about to be started: its parts restore what they had.
  func starts(_ job: Job, keeper: EpochKeeper?, memoryLimit: Int) {
    let running = Running(job: job, start: .now, keeper: keeper, memoryLimit: memoryLimit)
    state.withLock { state in
      state.running = running
      guard case .preparing = state.phase else { return }
      let epoch = keeper?.restoredEpoch ?? Epoch(0)
      state.phase = .preparing(
        epoch > Epoch(0) ? "the job is being restored from epoch \(epoch.number)" : "the job is being started")
    }
  }

  /// The job runs, or has failed in its start.
  func runs() {
    state.withLock { state in if case .preparing = state.phase { state.phase = .running(since: .now) } }
  }

  /// Somebody asked the job to end.
  func stops() {
    state.withLock { state in if state.phase != .ended { state.phase = .stopping } }
  }

  func ended() { state.withLock { $0.phase = .ended } }

  // MARK: Asked

  func readiness() -> Readiness {
    let (phase, running) = state.withLock { ($0.phase, $0.running) }
    guard let running else { return Readiness(phase) }
    let epochs = running.keeper.map { keeper in
      let counts = keeper.counts
      return Readiness.Epochs(
        interval: keeper.rhythm.interval, completed: counts.newest?.completed, aborted: counts.lastAbort)
    }
    return Readiness(
      phase, failure: running.job.failure?.message, haveSourcesEnded: running.job.haveSourcesEnded, epochs: epochs)
  }

  /// Nil while the pipeline is not known.
  private func metrics() -> WorkerMetrics? {
    let (name, plugins, running) = state.withLock { ($0.job, $0.plugins, $0.running) }
    guard let name, let running else { return nil }
    let job = running.job
    var metrics = WorkerMetrics(
      job: name, plugins: plugins.map(\.description), isReady: readiness().objection(now: .now) == nil,
      restarts: restarts, elapsed: .nanoseconds(MonotonicTime.now - running.start), stages: neverFalling(job.report()),
      memoryLimit: running.memoryLimit, now: .wallClock)
    metrics.epochs = running.keeper.map { ($0.counts, $0.rhythm.interval) }
    metrics.stateMemory = job.stateMemory.map { .init(used: $0.usedBytes, limit: $0.limit) }
    metrics.cache = running.keeper.map(\.memory).map { memory in
      .init(share: .init(used: memory.usedBytes, limit: memory.byteCount), unwritten: memory.bufferedBytes)
    }
    metrics.buffers = (BufferPool.bytesInUse, BufferPool.idleBytes)
    return metrics
  }

  /// Pauses that go on are read beside a clock, and may seem a moment shorter the next time. To Prometheus a counter that falls
  /// has begun anew.
  private func neverFalling(_ stages: [StageReport]) -> [StageReport] {
    var stages = stages
    state.withLock { state in
      if state.told.isEmpty { state.told = stages.map { $0.subtasks.map { _ in StageTimes() } } }
      for stage in stages.indices {
        for subtask in stages[stage].subtasks.indices {
          state.told[stage][subtask].raise(&stages[stage].subtasks[subtask].counts)
        }
      }
    }
    return stages
  }
}

/// Times that were told of a stage's subtask.
private struct StageTimes {
  private var idle = 0
  private var backpressured = 0

  /// Raises times to what was told before, and keeps them.
  mutating func raise(_ counts: inout StageCounts) {
    idle = max(idle, counts.idleNanoseconds)
    backpressured = max(backpressured, counts.backpressuredNanoseconds)
    counts.idleNanoseconds = idle
    counts.backpressuredNanoseconds = backpressured
  }
}
