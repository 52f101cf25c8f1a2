import Arrow
import Base

/// Where an operator puts its results: the next operator of the chain, or a channel.
public protocol Collector: AnyObject {
  /// Hands on a batch, which may carry a selection, may be empty (then nothing happens), and must have the schema of that
  /// output. Never blocks: when the channel behind it is full the batch waits with the task, which then gets no new input.
  func emit(_ batch: RecordBatch, output: Int) throws(Failure)
}

/// A step of a chain: batches in, batches out. One instance a subtask, called by one thread at a time, though not always by
/// the same one. Legal order: open, (process | watermark)…, finish, close. After a failure only `close` follows.
public protocol Operator: AnyObject {
  /// Once, before the first batch. When it throws it has freed what it took: `close` does not follow.
  func open() throws(Failure)
  /// One batch of input `input`; it may carry a selection. Runs to completion and does not block.
  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure)
  /// The minimum over the inputs has moved on. The task hands the watermark on after this returns.
  func watermark(_ time: EventTime, to output: any Collector) throws(Failure)
  /// All inputs have ended: emits what was held back.
  func finish(to output: any Collector) throws(Failure)
  /// Once, at the end, also after a failure. Frees what the operator holds.
  func close() throws(Failure)
}

extension Operator {
  public func open() throws(Failure) {}
  public func watermark(_ time: EventTime, to output: any Collector) throws(Failure) {}
  public func finish(to output: any Collector) throws(Failure) {}
  public func close() throws(Failure) {}
}
