import Arrow
import Base

/// A sink in a chain that does not block: it is called by the scheduler's threads.
final class SinkNode: ChainNode {
  let stage: Stage
  private let body: any Sink
  private let context: ChainContext
  private var epochs: SinkEpochs?
  private var isOpen = false
  /// Whether something was written since the last flush.
  private var isDirty = false

  init(stage: Stage, body: any Sink, context: ChainContext, epochs: StageEpochs? = nil) {
    self.stage = stage
    self.body = body
    self.context = context
    self.epochs = epochs.map { SinkEpochs($0, body) }
  }

  /// What it adds to every epoch.
  var part: StagePart? { epochs.map { StagePart(place: $0.place, label: stage.label, kind: $0.part) } }

  /// Before any sink of the job is opened.
  func recover() throws(Failure) {
    do throws(Failure) { try stage.call { () throws(Failure) in try epochs?.recover() } } catch {
      throw error.within(stage.place)
    }
  }

  func open() throws(Failure) {
    do throws(Failure) { try stage.call { () throws(Failure) in try body.open() } } catch {
      throw error.within(stage.place)
    }
    isOpen = true
  }

  func receive(_ batch: RecordBatch, size: BatchSize, input: Int) throws(Failure) {
    stage.metrics.received(rows: size.rows, bytes: size.bytes)
    isDirty = true
    epochs?.wrote()
    try context.run(stage) { () throws(Failure) in try body.write(batch.compacted()) }
  }

  func watermark(_ time: EventTime) { stage.metrics.reached(time) }

  /// The input pauses: what was written goes where it belongs.
  func pause() throws(Failure) {
    if isDirty { try flush() }
  }

  /// All rows in front of the epoch's barrier have come.
  func barrier(_ epoch: Epoch) throws(Failure) {
    try context.run(stage) { () throws(Failure) in try epochs?.barrier(epoch) }
  }

  /// Shows what belongs to epochs that are complete now.
  func commit() throws(Failure) {
    guard let epochs, epochs.mayCommit else { return }
    try context.run(stage) { () throws(Failure) in try self.epochs?.commit() }
  }

  /// After the end: what it wrote last waits for an epoch to be complete.
  func awaitsCommit() -> Bool { epochs?.settle() == false }

  /// The input has ended.
  func finish() throws(Failure) {
    try flush()
    if epochs != nil { try context.run(stage) { () throws(Failure) in try epochs?.finish() } }
  }

  private func flush() throws(Failure) {
    isDirty = false
    try context.run(stage) { () throws(Failure) in try body.flush() }
  }

  /// Does nothing unless it is open.
  func close(complete: Bool) throws(Failure) {
    guard isOpen else { return }
    isOpen = false
    let complete = complete && epochs?.isComplete ?? true
    do throws(Failure) { try stage.call { () throws(Failure) in try body.close(complete: complete) } } catch {
      throw error.within(stage.place)
    }
  }
}

/// The place in a chain of a sink that blocks: a channel to the sink's thread.
final class SinkFeed: ChainNode {
  private let output: ChannelOutput
  private let context: ChainContext

  init(output: ChannelOutput, context: ChainContext) {
    self.output = output
    self.context = context
  }

  func receive(_ batch: RecordBatch, size: BatchSize, input: Int) throws(Failure) {
    let whole = batch.compacted()
    let bytes = batch.selection == nil ? size.bytes : whole.byteCount
    try output.add(whole, bytes: bytes, since: context.since, now: context.now)
  }

  func watermark(_ time: EventTime) throws(Failure) { try output.signal(.watermark(time), now: context.now) }
}
