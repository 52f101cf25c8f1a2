import Base
import Observability

/// What the parts of one subtask's chain share. Used by the thread that runs the subtask.
final class ChainContext {
  /// What waits for room at the outputs.
  let account: OutputAccount
  let clock: SubtaskClock
  let input = InputCursor()
  let epoch: EpochCursor
  let notifier = SubtaskNotifier()
  /// The clock's last reading: taken whenever control passes from one stage to another.
  private(set) var now = MonotonicTime.now
  /// When the oldest row of the batch in hand came into the job.
  var since = MonotonicTime(nanoseconds: 0)
  /// The first failure, with the stage in which it happened. An operator may catch what a stage behind it threw; the subtask
  /// fails nevertheless.
  private(set) var failure: Failure?
  /// Whose code runs. Time between stages is nobody's.
  private var current: Stage?

  init(account: OutputAccount, clock: SubtaskClock = SubtaskClock(), epoch: EpochCursor = EpochCursor()) {
    self.account = account
    self.clock = clock
    self.epoch = epoch
  }

  /// Reads the clock; the time since the last reading is the current stage's.
  func tick() {
    let time = MonotonicTime.now
    current?.metrics.addBusy(nanoseconds: Int(time - now))
    now = time
  }

  /// Runs a stage's code: its time is the stage's, but for that of the stages that it calls, and a failure gets the stage's
  /// name unless it has that of one behind it.
  func run<Result>(_ stage: Stage, _ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    tick()
    let former = current
    current = stage
    former?.calls.leave()
    stage.calls.enter(at: now)
    defer {
      tick()
      current = former
      stage.calls.leave()
      former?.calls.enter(at: now)
    }
    let result: Result
    do throws(Failure) { result = try body() } catch {
      throw attribute(error, to: stage)
    }
    if let failure { throw failure }
    return result
  }

  private func attribute(_ failure: Failure, to stage: Stage) -> Failure {
    if let first = self.failure { return first }
    let attributed = failure.within(stage.place)
    self.failure = attributed
    return attributed
  }
}
