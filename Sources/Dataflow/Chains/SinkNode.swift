import Arrow
import Base

/// A sink in a chain that does not block: it is called by the scheduler's threads.
final class SinkNode: ChainNode {
  let stage: Stage
  private let body: any Sink
  private let context: ChainContext
  private var isOpen = false
  /// Whether something was written since the last flush.
  private var isDirty = false

  init(stage: Stage, body: any Sink, context: ChainContext) {
    self.stage = stage
    self.body = body
    self.context = context
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
    try context.run(stage) { () throws(Failure) in try body.write(batch.compacted()) }
  }

  func watermark(_ time: EventTime) { stage.metrics.reached(time) }

  /// The input pauses: what was written goes where it belongs.
  func pause() throws(Failure) {
    if isDirty { try flush() }
  }

  /// The input has ended.
  func finish() throws(Failure) { try flush() }

  private func flush() throws(Failure) {
    isDirty = false
    try context.run(stage) { () throws(Failure) in try body.flush() }
  }

  /// Does nothing unless it is open.
  func close(complete: Bool) throws(Failure) {
    guard isOpen else { return }
    isOpen = false
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
