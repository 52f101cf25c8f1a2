import Base
import Observability

/// Runs a graph: from `start` until its sources have ended or `stop`, or until something fails.
///
/// The first failure of any part stops the job: every source, operator and sink that was opened is closed, and `wait`
/// throws the failure, led by the stage where it happened. Whoever starts a job waits for it.
public final class Job: Sendable {
  public let name: String
  private let options: JobOptions
  private let log: EventLog
  private let stages: StageTable
  let control: JobControl
  private let life: Monitor<Life>

  private enum Phase {
    case made, starting, running, joining, ended
  }

  private struct Life: @unchecked Sendable {  // Guarded by the monitor that it lives in.
    var phase = Phase.made
    /// Until the start.
    var graph: JobGraph?
    var isStopRequested = false
    /// From the start to the end.
    var runtime: JobRuntime?
    var threads: [OSThread] = []
    var started = MonotonicTime(nanoseconds: 0)
  }

  /// - Parameters:
  ///   - graph: has to make sense, as `Planning` sees to.
  ///   - whenFailed: called once, as soon as a part has failed, by the thread that it failed on; the others are told to
  ///     stop.
  public init(
    graph: JobGraph, options: JobOptions = JobOptions(), log: EventLog,
    whenFailed: @escaping @Sendable () -> Void = {}
  ) {
    graph.check()
    control = JobControl(whenFailed: whenFailed)
    name = graph.name
    stages = StageTable(graph)
    self.options = options
    self.log = log
    life = Monitor(Life(graph: graph))
  }

  /// Makes and opens every part, then lets them run; returns when they do. What fails here is thrown by `wait`, like
  /// everything that fails later. Once only.
  public func start() {
    let graph = life.withLock { life in
      precondition(life.phase == .made, "a job is started once")
      life.phase = .starting
      life.started = .now
      return life.graph.take()
    }
    guard let graph else { preconditionFailure("a job that was not started has its graph") }
    log.info(
      "job.starting", "job '\(name)' starts",
      ["job": .string(name), "tasks": .int(graph.tasks.count), "threads": .int(options.threads)])
    do throws(Failure) { try run(graph) } catch {
      control.fail(error)
      life.withLock { life in
        life.phase = .running
        life.runtime = nil
      }
    }
    life.broadcast()
  }

  /// The sources stop, what is in flight drains, the stages close in order, and `wait` returns. From any thread, at any
  /// time, any number of times.
  public func stop() {
    let (isFirst, runtime) = life.withLock { life in
      defer { life.isStopRequested = true }
      return (!life.isStopRequested, life.phase == .running ? life.runtime : nil)
    }
    if isFirst { log.info("job.stopping", "job '\(name)' stops", ["job": .string(name)]) }
    runtime?.requestStop()
  }

  /// Waits until every part has ended and nothing of the job is left but its counters. From any thread, also several.
  public func wait() throws(Failure) {
    _ = try wait(until: nil)
  }

  /// Waits that long at most. True when the job has ended, false when it still runs.
  public func wait(atMost time: Duration) throws(Failure) -> Bool {
    try wait(until: MonotonicTime.now + time.wholeNanoseconds)
  }

  /// What every stage has counted so far, task by task, the source first; also after the end.
  public func report() -> [StageReport] {
    let runtime = life.withLock { $0.runtime }
    return stages.reports(fills: runtime?.fills)
  }

  /// Whether no source is read any more, and what is in flight drains. From any thread.
  public var haveSourcesEnded: Bool { running?.sources.allSatisfy(\.isAtEnd) ?? false }

  /// What the keyed state takes of memory; nil when the job does not run. From any thread.
  public var stateMemory: StateMemory? { running?.stateMemory }

  /// The calls of sources, operators and sinks that have not returned, the longest first. From any thread, at any time:
  /// what holds up a job that does not start or does not stop is among them.
  public func runningCalls() -> [RunningCall] { stages.runningCalls() }

  /// The operators whose rows wait for answers from elsewhere, those with the most rows first. From any thread, at any
  /// time: a job that is to stop waits for all of them.
  public func pendingRows() -> [PendingRows] { stages.pendingRows() }

  /// What the job has failed with, also before its parts have ended.
  public var failure: Failure? { control.failure }

  /// What runs; nil before the start and after the end.
  var running: JobRuntime? { life.withLock { $0.phase == .running ? $0.runtime : nil } }

  private func run(_ graph: JobGraph) throws(Failure) {
    let scheduler = Scheduler(threads: options.threads)
    let runtime = try JobBuilder.build(graph, options: options, stages: stages, control: control, scheduler: scheduler)
    let gate = StartGate()
    var threads: [OSThread] = []
    do throws(Failure) {
      try startThreads(runtime, gate, &threads)
      try runtime.open()
    } catch {
      gate.decide(false)
      for thread in threads { thread.join() }
      throw error
    }
    control.begin(parts: runtime.partCount) { runtime.requestStop() }
    let isStopRequested = life.withLock { [threads] life in
      life.runtime = runtime
      life.threads = threads
      life.phase = .running
      return life.isStopRequested
    }
    if isStopRequested { runtime.requestStop() }
    runtime.follow(options.clock)
    gate.decide(true)
    for subtask in runtime.subtasks { subtask.notify() }
  }

  /// Starts every thread; none does anything before the gate opens.
  private func startThreads(_ runtime: JobRuntime, _ gate: StartGate, _ threads: inout [OSThread]) throws(Failure) {
    for index in 0..<options.threads {
      let scheduler = runtime.scheduler
      threads.append(
        try OSThread(name: "worker \(index)") { if gate.pass() { scheduler.work(index: index) } })
    }
    for source in runtime.sourceThreads {
      threads.append(try OSThread(name: source.source.stage.label) { if gate.pass() { source.run() } })
    }
    for sink in runtime.sinkThreads {
      threads.append(try OSThread(name: sink.stage.label) { if gate.pass() { sink.run() } })
    }
  }

  private func wait(until deadline: MonotonicTime?) throws(Failure) -> Bool {
    let hasStarted: Bool? = life.wait(until: deadline) { life in
      precondition(life.phase != .made, "a job is started before it is waited for")
      return life.phase == .starting ? nil : true
    }
    guard hasStarted == true, control.waitForParts(until: deadline) else { return false }
    join()
    // Another thread may be joining.
    let hasEnded: Bool? = life.wait(until: deadline) { $0.phase == .ended ? true : nil }
    guard hasEnded == true else { return false }
    if let failure = control.failure { throw failure }
    return true
  }

  /// Ends the threads and drops what ran. The first to come does it.
  private func join() {
    let isFirst = life.withLock { life in
      guard life.phase == .running else { return false }
      life.phase = .joining
      return true
    }
    guard isFirst else { return }
    let started = life.withLock { $0.started }
    endThreads()
    logEnd(nanoseconds: MonotonicTime.now - started)
    life.withLock { $0.phase = .ended }
    life.broadcast()
  }

  private func endThreads() {
    let (runtime, threads) = life.withLock { life in
      defer {
        life.runtime = nil
        life.threads = []
      }
      return (life.runtime, life.threads)
    }
    runtime?.scheduler.shutDown()
    for thread in threads { thread.join() }
    runtime?.unfollow(options.clock)
    control.end()
  }

  private func logEnd(nanoseconds: Int64) {
    let seconds = Double(nanoseconds) / 1e9
    if let failure = control.failure {
      log.error(
        "job.failed", failure.message,
        [
          "job": .string(name), "seconds": .double(seconds), "domain": .string(failure.domain.rawValue),
          "retryable": .bool(failure.retryable),
        ])
    } else {
      log.info("job.finished", "job '\(name)' has finished", ["job": .string(name), "seconds": .double(seconds)])
    }
  }
}
