import Arrow
import Base
import CPlatform
import Glibc

/// Reads a source that blocks, in a thread of its own, into a channel that feeds the source's subtask.
///
/// Small reads are held and leave as one batch, as at every channel: while rows are held, `read` is given no more time
/// than they have left.
final class SourceThread: @unchecked Sendable {  // `run` by its own thread; the rest does not change.
  let source: SourceControl
  private let parker = ThreadParker()
  private let output: ChannelOutput
  private let account: OutputAccount
  private let control: JobControl
  private let batchRows: Int
  private let clock: SubtaskClock
  /// When the reading began, and how long it has had to wait for room since: of a source that tells of its splits.
  private var begin = ProcessingTime(microseconds: 0)
  private var timeHeld: Int64 = 0
  /// The split that rows come from, as told last.
  private var split: SplitID?

  /// How long a `read` may wait for a first row: how soon a source that ignores `stop` is noticed to have to.
  private static let longestRead: Int64 = 100_000_000
  /// The same where batches are the time: a batch that is cut short because the machine is busy would move all that follows.
  private static let longestTickedRead: Int64 = 5_000_000_000

  init(
    source: SourceControl, writer: any ChannelWriter, coalescer: BatchCoalescer, waitingBytes: Int,
    control: JobControl, batchRows: Int, clock: SubtaskClock
  ) {
    self.source = source
    self.control = control
    self.batchRows = batchRows
    self.clock = clock
    account = OutputAccount(byteLimit: waitingBytes)
    output = ChannelOutput(writer: writer, account: account, coalescer: coalescer)
    writer.attachWriter(parker)
  }

  /// From any thread: it looks at once whether it has room, or the job has failed.
  func wake() { parker.wake() }

  /// From the source's first read to its close.
  func run() {
    do throws(Failure) {
      try readAll()
      if !control.hasFailed && !control.isTornDown {
        try source.end()
        try output.signal(.end, now: .now)
        waitForRoom()
      }
    } catch { control.fail(error.within(source.stage.place)) }
    source.tellCommitted()
    do throws(Failure) { try source.close() } catch { control.fail(error) }
    control.partIsDone()
  }

  /// When the thread never ran. What fails on the way is not what went wrong first, so it is not told.
  func closeAfterFailure() {
    do throws(Failure) { try source.close() } catch {}
  }

  private func readAll() throws(Failure) {
    var idleReads = IdleBackoff()
    begin = clock.reached
    try tellSplits()
    while !control.hasFailed && !source.shouldStop && !control.isTornDown {
      source.tellCommitted()
      if let epoch = try source.takeBarrier() {
        // Rows that are held go before it.
        try output.signal(.barrier(epoch), now: .now)
        waitForRoom()
        continue
      }
      if source.isHalted {
        rest { parker.park() }
        continue
      }
      let start = MonotonicTime.now
      let cpuStart = SourceThread.cpuTime()
      let wait = longestWait(from: start)
      let outcome = try source.stage.call { () throws(Failure) in
        try source.body.read(maxRows: batchRows, timeout: .nanoseconds(wait))
      }
      let now = MonotonicTime.now
      if source.body.tellsSplits { output.timeRead = clock.reached - begin - timeHeld }
      countRead(wall: now - start, cpu: SourceThread.cpuTime() - cpuStart)
      try tellSplits()
      switch outcome {
      case .batch(let batch):
        precondition(batch.rowCount > 0 && batch.selection == nil, "a source gives rows, without a selection")
        idleReads.reset()
        let size = BatchSize(batch)
        source.stage.metrics.emitted(rows: size.rows, bytes: size.bytes)
        try output.add(batch, bytes: size.bytes, since: now, now: now)
        if clock.isTicking {
          let time = clock.tick()
          clock.reach(time)
          try output.signal(.tick(time), now: now)
        }
      case .idle:
        // One that comes back at once although it may wait is not asked again at full speed.
        let pause = min(idleReads.delay(), wait)
        if now - start < pause { rest { parker.park(until: start + pause) } }
      case .end:
        if source.hasEnded() { return }
      }
      try output.flushDue(now: .now)
      waitForRoom()
    }
  }

  /// Until rows that are held are due, but where time comes with the batches, which are not held.
  private func longestWait(from start: MonotonicTime) -> Int64 {
    if clock.isTicking { return SourceThread.longestTickedRead }
    return min(output.deadline.map { max(0, $0 - start) } ?? SourceThread.longestRead, SourceThread.longestRead)
  }

  /// Rows that are held belong to the split that was named before: they leave before another one is.
  private func tellSplits() throws(Failure) {
    guard source.body.tellsSplits else { return }
    for change in source.body.takeSplitChanges() {
      if case .gives(let next) = change {
        if next == split { continue }
        split = next
      }
      try output.signal(.split(change), now: .now)
    }
  }

  /// Waits until what was read has found room, or the job has failed.
  private func waitForRoom() {
    if output.retry() { return }
    source.stage.metrics.beginBackpressured(at: .now)
    let held = clock.reached
    while !control.hasFailed && !output.retry() { parker.park() }
    timeHeld += clock.reached - held
    source.stage.metrics.endPause(at: .now)
  }

  /// Waits without a call of the source's.
  private func rest(_ wait: () -> Void) {
    source.stage.metrics.beginIdle(at: .now)
    wait()
    source.stage.metrics.endPause(at: .now)
  }

  /// A read's own work is what it took of the processor; the rest of its time it waited for rows.
  private func countRead(wall: Int64, cpu: Int64) {
    let busy = max(0, min(wall, cpu))
    source.stage.metrics.addBusy(nanoseconds: Int(busy))
    source.stage.metrics.addIdle(nanoseconds: Int(wall - busy))
  }

  private static func cpuTime() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
