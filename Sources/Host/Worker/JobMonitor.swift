import Base
import CPlatform
import Dataflow
import Observability

/// Runs a job to its end and keeps the terminal's status line.
struct JobMonitor {
  private let job: Job
  private let console: Console
  private let sources: Set<String>
  private let sinks: Set<String>
  private let drawsStatus: Bool

  /// How often the line is drawn, and over how many of those times a rate is taken.
  private static let interval = Duration.milliseconds(250)
  private static let window = 4

  /// - Parameter drawsStatus: whether a status line may stand on the terminal.
  init(_ job: Job, graph: JobGraph, console: Console, drawsStatus: Bool) {
    self.job = job
    self.console = console
    self.drawsStatus = drawsStatus && console.style == .terminal
    sources = Set(
      graph.tasks.compactMap { task in if case .source(_, let uid, _) = task.head { uid } else { nil } })
    sinks = Set(
      graph.tasks.flatMap(\.steps).compactMap { step in if case .sink = step.body { step.uid } else { nil } })
  }

  /// Starts the job and waits for its end.
  ///
  /// - Parameter whenStarted: called when it runs, or could not be started.
  func runToEnd(whenStarted: () -> Void = {}) throws(Failure) -> FinalReport {
    let start = ContinuousClock.now
    platform_note_start()
    job.start()
    whenStarted()
    if drawsStatus {
      defer { console.show("") }
      var recent = [snapshot(since: start)]
      while !(try job.wait(atMost: Self.interval)) {
        recent.append(snapshot(since: start))
        if recent.count > Self.window { recent.removeFirst() }
        console.show(
          StatusLine.text(
            name: job.name, before: recent[0], now: recent[recent.count - 1], width: Console.width))
      }
    }
    try job.wait()
    return FinalReport(name: job.name, snapshot: snapshot(since: start))
  }

  private func snapshot(since start: ContinuousClock.Instant) -> JobSnapshot {
    JobSnapshot(elapsed: ContinuousClock.now - start, stages: job.report(), sources: sources, sinks: sinks)
  }
}
