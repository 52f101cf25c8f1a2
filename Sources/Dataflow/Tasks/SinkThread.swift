import Arrow
import Base

/// Calls a sink that blocks, in a thread of its own, with what its subtask puts on a channel.
final class SinkThread: @unchecked Sendable {  // `run` by its thread; `isStoppable` has a lock; the rest stays.
  let stage: Stage
  private let body: any Sink
  private let reader: any ChannelReader
  private let parker = ThreadParker()
  private let control: JobControl
  private var epochs: SinkEpochs?
  private var isOpen = false
  /// Whether the sink may be told to stop: from its opening to the end of its close.
  private let isStoppable = Monitor(false)

  init(stage: Stage, body: any Sink, reader: any ChannelReader, control: JobControl, epochs: StageEpochs? = nil) {
    self.stage = stage
    self.body = body
    self.reader = reader
    self.control = control
    self.epochs = epochs.map { SinkEpochs($0, body) }
    reader.attachReader(parker)
  }

  /// What it adds to every epoch.
  var part: StagePart? { epochs.map { StagePart(place: $0.place, label: stage.label, kind: $0.part) } }

  /// Before any sink of the job is opened.
  func recover() throws(Failure) {
    do throws(Failure) { try stage.call { () throws(Failure) in try epochs?.recover() } } catch {
      throw error.within(stage.place)
    }
  }

  /// From any thread: it looks at once whether there is something to write, or the job has failed.
  func wake() { parker.wake() }

  /// Before the thread runs.
  func open() throws(Failure) {
    do throws(Failure) { try stage.call { () throws(Failure) in try body.open() } } catch {
      throw error.within(stage.place)
    }
    isOpen = true
    isStoppable.withLock { $0 = true }
  }

  /// From any thread, any number of times.
  func requestStop() {
    // Under the lock, so that the sink is not gone meanwhile.
    isStoppable.withLock { if $0 { body.stop() } }
  }

  /// From the first batch to the sink's close.
  func run() {
    var complete = false
    do throws(Failure) { complete = try writeAll() } catch { control.fail(error.within(stage.place)) }
    close(complete: complete && !control.hasFailed)
    control.partIsDone()
  }

  /// When the thread never ran.
  func closeAfterFailure() { close(complete: false) }

  /// True when the input has ended or the job has been torn down, false when it has failed.
  private func writeAll() throws(Failure) -> Bool {
    var isDirty = false
    while !control.hasFailed {
      let isTornDown = control.isTornDown
      if let epochs, epochs.mayCommit { try timed { () throws(Failure) in try self.epochs?.commit() } }
      if isTornDown { return true }
      guard let item = reader.take() else {
        let start = MonotonicTime.now
        let due = body.dueTime
        if isDirty || due.map({ $0 <= start }) == true {
          isDirty = false
          try timed { () throws(Failure) in try body.flush() }
        } else {
          stage.metrics.beginIdle(at: start)
          if let due { parker.park(until: due) } else { parker.park() }
          stage.metrics.endPause(at: .now)
        }
        continue
      }
      switch item.element {
      case .batch(let batch):
        stage.metrics.received(rows: batch.length, bytes: item.byteCount)
        isDirty = true
        epochs?.wrote()
        try timed { () throws(Failure) in try body.write(batch) }
      case .watermark(let time):
        stage.metrics.reached(time)
      case .barrier(let epoch):
        isDirty = false
        try timed { () throws(Failure) in try epochs?.barrier(epoch) }
      case .idle, .tick, .split:
        break
      case .end:
        try timed { () throws(Failure) in try body.flush() }
        return try end()
      }
    }
    return false
  }

  /// With epochs, what was written last is shown when its epoch is complete. True when it has been, false when the job
  /// has failed.
  private func end() throws(Failure) -> Bool {
    guard epochs != nil else { return true }
    try timed { () throws(Failure) in try epochs?.finish() }
    while !control.hasFailed {
      let isTornDown = control.isTornDown
      if let epochs, epochs.mayCommit { try timed { () throws(Failure) in try self.epochs?.commit() } }
      if isTornDown || epochs?.settle() != false { return true }
      parker.park()
    }
    return false
  }

  private func timed(_ call: () throws(Failure) -> Void) throws(Failure) {
    let start = MonotonicTime.now
    stage.calls.enter(at: start)
    defer {
      stage.calls.leave()
      stage.metrics.addBusy(nanoseconds: Int(MonotonicTime.now - start))
    }
    try call()
  }

  private func close(complete: Bool) {
    guard isOpen else { return }
    isOpen = false
    defer { isStoppable.withLock { $0 = false } }
    let complete = complete && epochs?.isComplete ?? true
    do throws(Failure) { try stage.call { () throws(Failure) in try body.close(complete: complete) } } catch {
      control.fail(error.within(stage.place))
    }
  }
}
