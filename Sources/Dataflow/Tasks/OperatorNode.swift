import Arrow
import Base

/// An operator in a chain, and the collector that it emits to.
final class OperatorNode: ChainNode, Collector {
  let stage: Stage
  private let body: any Operator
  private let context: ChainContext
  /// By output.
  private let targets: [[ChainTarget]]
  private var isOpen = false

  init(stage: Stage, body: any Operator, context: ChainContext, targets: [[ChainTarget]]) {
    self.stage = stage
    self.body = body
    self.context = context
    self.targets = targets
  }

  func open() throws(Failure) {
    do throws(Failure) { try stage.call { () throws(Failure) in try body.open() } } catch {
      throw error.within(stage.place)
    }
    isOpen = true
  }

  func receive(_ batch: RecordBatch, size: BatchSize, input: Int) throws(Failure) {
    stage.metrics.received(rows: size.rows, bytes: size.bytes)
    try context.run(stage) { () throws(Failure) in try body.process(batch, input: input, to: self) }
  }

  func emit(_ batch: RecordBatch, output: Int) throws(Failure) {
    // After a failure behind it, an operator that goes on is stopped here.
    if let failure = context.failure { throw failure }
    precondition(output >= 0 && output < targets.count, "an operator emits to an output that it has")
    if batch.rowCount == 0 { return }
    let size = BatchSize(batch)
    stage.metrics.emitted(rows: size.rows, bytes: size.bytes)
    try targets[output].receive(batch, size: size)
  }

  func watermark(_ time: EventTime) throws(Failure) {
    stage.metrics.reached(time)
    try context.run(stage) { () throws(Failure) in try body.watermark(time, to: self) }
  }

  func finish() throws(Failure) {
    try context.run(stage) { () throws(Failure) in try body.finish(to: self) }
  }

  /// Does nothing unless it is open.
  func close() throws(Failure) {
    guard isOpen else { return }
    isOpen = false
    do throws(Failure) { try stage.call { () throws(Failure) in try body.close() } } catch {
      throw error.within(stage.place)
    }
  }
}
