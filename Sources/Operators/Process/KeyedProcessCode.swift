import Arrow
import Base
import Dataflow

/// The user's half of a `KeyedProcessOperator`. Legal order: open, (process | timers)…, flush, close; after a failure only close.
/// `PluginLoading` has one; a test may have another.
///
/// What it writes, sets and emits in a call that throws has not happened.
public protocol KeyedProcessCode: AnyObject {
  /// When it throws it has freed what it took: `close` does not follow.
  func open() throws(Failure)
  func process(_ rows: RecordBatch, _ call: KeyedCall, to output: any Collector) throws(Failure)
  /// Timers of one clock that have fired, at most one of a key.
  func timers(_ clock: TimerClock, _ call: KeyedCall, to output: any Collector) throws(Failure)
  /// The end of the input, when all timers have fired.
  func flush(to output: any Collector) throws(Failure)
  func close() throws(Failure)
}

/// What a call is about, beside its rows. Valid until the call returns.
public struct KeyedCall {
  /// The distinct keys, which the call names by their rows here.
  public var keys: RecordBatch
  /// Rows, or timers.
  public var rowCount: Int
  /// By row or timer: its key.
  public var rowKeys: UnsafePointer<UInt32>
  /// By row: its event time, microseconds; nil when there is none. By timer: the time that it was set for.
  public var times: UnsafePointer<Int64>?
  public var watermark: EventTime
  public var processingTime: ProcessingTime
  public var states: KeyedStates
  public var timers: ProcessTimers
}
