import Arrow
import Base

/// Where an operator puts its results: the next operator of the chain, or a channel.
public protocol Collector: AnyObject {
  /// Hands on a batch, which may carry a selection, may be empty (then nothing happens), and must have the schema of
  /// that output. Never blocks: when the channel behind it is full the batch waits with the task, which then gets no
  /// new input.
  func emit(_ batch: RecordBatch, output: Int) throws(Failure)

  /// The same with rows that are put together as far as they are read: when what is behind the output asks for columns
  /// itself, only those that it asks for. Also with room or without, done with when this returns.
  func emit(_ rows: any DeferredRows, output: Int) throws(Failure)

  /// The operator's watermark is `time`, on all of its outputs: no row with an earlier event time follows, but for late
  /// ones. Only for operators with `makesWatermarks`.
  ///
  /// It goes on its way when the call in progress has returned and before the next batch: through all that is reached
  /// from the operator in its chain, then to the channels behind that. Of several in one call the highest counts; one
  /// that is not above the last one moves nothing. After `becomeIdle` any time makes the operator active again. In
  /// `finish` it says nothing new, for the end of the input follows.
  func advance(to time: EventTime)

  /// The operator has no rows at present: until its next batch or `advance` its watermark holds nobody back. Only for
  /// operators with `makesWatermarks`. It goes on its way like a watermark, behind one that was given in the same call;
  /// a batch that follows in the same call takes it back.
  func becomeIdle()
}

extension Collector {
  public func emit(_ rows: any DeferredRows, output: Int) throws(Failure) { try emit(rows.batch(), output: output) }

  /// The operator's input has become idle or active, and so has the operator.
  public func follow(idle: Bool) { if idle { becomeIdle() } else { advance(to: .earliest) } }

  /// For collectors that keep batches only, without a chain behind them.
  public func advance(to time: EventTime) {}
  /// For collectors that keep batches only, without a chain behind them.
  public func becomeIdle() {}
}

/// A step of a chain: batches in, batches out. One instance a subtask, called by one thread at a time, though not
/// always by the same one. Legal order: open, (process | watermark | wake | barrier)…, finish, close, where `proceed` follows
/// each for as long as it has more. After a failure only `close` follows.
public protocol Operator: AnyObject {
  /// Whether the watermarks behind this operator are its own, given by `Collector.advance` and `becomeIdle`: those that
  /// come in end here, as do idle signals. It is still told of both, by `watermark` and `inputBecame`. The same for the
  /// whole life.
  var makesWatermarks: Bool { get }
  /// Of an operator that makes watermarks: the group of sources that its chain's source keeps in step with; nil: none.
  /// The same for the whole life. Only in a chain with a source.
  var alignment: WatermarkAlignment? { get }
  /// Once, before the first batch. When it throws it has freed what it took: `close` does not follow.
  func open() throws(Failure)
  /// One batch of input `input`; it may carry a selection. Runs to completion and does not block.
  func process(_ batch: RecordBatch, input: Int, to output: any Collector) throws(Failure)
  /// The minimum over the inputs has moved on. The task hands the watermark on after this returns.
  func watermark(_ time: EventTime, to output: any Collector) throws(Failure)
  /// All that feeds the operator has become idle, or something of it is active again. Only for operators that make
  /// watermarks, in which idle signals end as watermarks do: one whose watermark follows that of its input becomes idle
  /// with it, behind the rows that it has not given yet, and is active again with it, which any `advance` says.
  func inputBecame(idle: Bool, to output: any Collector) throws(Failure)
  /// Other splits of the chain's source are being read than before, see `SubtaskContext.input`. Only for operators that
  /// make watermarks, which may move on when a split ends.
  func splitsChanged(to output: any Collector) throws(Failure)
  /// When `wake` is to be called though nothing comes in; nil: never. Asked when the subtask has nothing in hand,
  /// between any two of its elements, so that every call may change it.
  ///
  /// On the clock of `SubtaskContext.clock`. It may lie in the past: that is, at once.
  var wakeTime: ProcessingTime? { get }
  /// The time of `wakeTime` has come: `now` is not before it. Also while input flows, between two elements of it,
  /// though never before the input was looked at; not while outputs have no room, nor after `finish`. When this
  /// returns, `wakeTime` has to have moved on, or some work has to have been done: as long as it has come, the call is
  /// made again, after the outputs were emptied, and before more input. So an operator with much to emit may do it in
  /// several calls.
  func wake(at now: ProcessingTime, to output: any Collector) throws(Failure)
  /// Whether the last call has left results that it did not give: all that a call gives must find room in memory when
  /// the outputs have none, so one that may give much gives a part of it and has more.
  var hasMore: Bool { get }
  /// Gives some more of what the last call left. Made after the outputs were emptied, until `hasMore` is false, before
  /// any other call: the watermark or the end that the rows are due to goes on its way behind them.
  func proceed(to output: any Collector) throws(Failure)
  /// All rows in front of an epoch's barrier were processed: emits what it holds of them and does not keep as state. What it
  /// gives goes on its way in front of the barrier.
  func barrier(_ epoch: Epoch, to output: any Collector) throws(Failure)
  /// All inputs have ended: emits what was held back.
  func finish(to output: any Collector) throws(Failure)
  /// Once, at the end, also after a failure. Frees what the operator holds.
  func close() throws(Failure)
}

extension Operator {
  public var makesWatermarks: Bool { false }
  public var alignment: WatermarkAlignment? { nil }
  public func open() throws(Failure) {}
  public func watermark(_ time: EventTime, to output: any Collector) throws(Failure) {}
  public func inputBecame(idle: Bool, to output: any Collector) throws(Failure) {}
  public func splitsChanged(to output: any Collector) throws(Failure) {}
  public var wakeTime: ProcessingTime? { nil }
  public func wake(at now: ProcessingTime, to output: any Collector) throws(Failure) {}
  public var hasMore: Bool { false }
  public func proceed(to output: any Collector) throws(Failure) {}
  public func barrier(_ epoch: Epoch, to output: any Collector) throws(Failure) {}
  public func finish(to output: any Collector) throws(Failure) {}
  public func close() throws(Failure) {}
}
