import Arrow
import Base
import Dataflow

/// An operator without state of the host's, each of whose calls stands alone, with the records set aside that its function
/// refuses. What it emits in a call goes on when the call has succeeded.
///
/// What the function keeps by itself from one batch to the next is its author's: of a call that throws it must keep
/// nothing.
public final class QuarantineOperator: Operator {
  private let body: any Operator
  private let quarantine: Quarantine
  private let held: HeldEmissions

  public init(_ body: any Operator, _ quarantine: Quarantine, memory: StateMemory) {
    precondition(
      !(body is any StatefulOperator) && !(body is any WaitingOperator) && !body.makesWatermarks,
      "an operator that keeps more than its function does sets records aside by itself")
    self.body = body
    self.quarantine = quarantine
    held = HeldEmissions(memory, of: "a function")
  }

  public func open() throws(Failure) { try body.open() }
  public func close() throws(Failure) { try body.close() }

  public func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure) {
    try quarantine.take(
      batch, input: input, to: output,
      call: { rows throws(Failure) in
        do throws(Failure) { try body.process(rows, input: input, to: held) } catch {
          held.forget()
          throw error
        }
      }, done: { () throws(Failure) in try held.release(to: output) })
  }

  public func watermark(_ time: EventTime, to output: any Collector) throws(Failure) {
    try body.watermark(time, to: output)
  }

  public var wakeTime: ProcessingTime? { body.wakeTime }

  public func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) {
    try body.wake(at: now, to: output)
  }

  public var hasMore: Bool { body.hasMore }
  public func proceed(to output: any Collector) throws(Failure) { try body.proceed(to: output) }

  public func barrier(_ epoch: Epoch, to output: any Collector) throws(Failure) {
    try body.barrier(epoch, to: output)
    try quarantine.barrier(epoch, to: output)
  }

  public func finish(to output: any Collector) throws(Failure) {
    try body.finish(to: output)
    try quarantine.finish(to: output)
  }
}
