import CVolley
import VolleyPlan

/// Code of the author's that sees each row together with what it keeps of the row's key. One instance a subtask, used by one thread
/// at a time. It is a class, or a struct:
///
///     final class Streaks: KeyedProcessFunction {
///       struct Click: Codable { var page: String }
///       struct Streak: Codable { var user: String; var length: Int64 }
///       @State var count = ValueState<Int64>()
///
///       func process(_ row: Click, context: Context<String, Streak>) throws {
///         count.value = (count.value ?? 0) + 1
///         context.timers.registerProcessingTime(
///           at: Timestamp(microseconds: context.processingTime.microseconds + 60_000_000))
///       }
///       func onTimer(_ timer: FiredTimer, context: Context<String, Streak>) throws {
///         try context.emit(Streak(user: context.key, length: count.value ?? 0))
///         count.clear()
///       }
///     }
///
/// `Context` names the key's type and that of the rows which the function emits: another row does not compile.
///
/// The host calls it once a batch: states are read for the batch before, and written after. A call that throws leaves nothing behind:
/// no state, no timer, no row.
public protocol KeyedProcessFunction: SendableMetatype {
  /// The key's type: that of its one column, optional if it may be null, or a struct with a field for each of its columns.
  associatedtype Key: RowValue
  /// A struct whose fields are the columns that the function takes.
  associatedtype In: RowValue
  /// A struct whose fields are the columns of what it emits.
  associatedtype Out: RowValue

  /// Before the first row. States have no values here.
  func open(_ context: TaskContext) throws
  func process(_ row: In, context: Context<Key, Out>) throws
  /// A timer of `context.key` has fired.
  func onTimer(_ timer: FiredTimer, context: Context<Key, Out>) throws
  func close() throws
}

extension KeyedProcessFunction {
  public func open(_ context: TaskContext) throws {}
  public func onTimer(_ timer: FiredTimer, context: Context<Key, Out>) throws {}
  public func close() throws {}
}

/// A timer whose time has come.
public struct FiredTimer: Sendable, Hashable {
  public enum Clock: Sendable, Hashable {
    case eventTime
    case processingTime
  }

  public var clock: Clock
  /// The time that it was registered for.
  public var time: Timestamp
}

/// What a keyed process function knows of the row or timer in hand, and where its results go. Not to be kept beyond the call.
///
/// `Key` and `Out` are the function's.
public final class Context<Key, Out: RowValue> {
  /// Sets and removes timers of the key in hand.
  public let timers: Timers
  let core: ProcessCore
  var keys: [Key] = []

  init(_ core: ProcessCore) {
    self.core = core
    timers = Timers(core)
  }

  /// The key of the row or timer in hand.
  public var key: Key { keys[core.cursor.pointee] }

  /// The row's event time, or the time that the timer was registered for; nil when the rows have no event time.
  public var timestamp: Timestamp? { core.times.map { Timestamp(microseconds: $0[core.row]) } }

  /// No row before this follows, but for late ones; nil before the first watermark. At the end of the input it is the latest time of
  /// all.
  public var watermark: Timestamp? { core.watermark == .min ? nil : Timestamp(microseconds: core.watermark) }

  /// The time on the job's clock, the same for all rows of a batch.
  public var processingTime: Timestamp { Timestamp(microseconds: core.processingTime) }

  /// Random numbers that come again when a run goes on from a checkpoint, see `TaskContext.random`.
  public var random: HostRandom {
    get { core.context.random }
    set {}
  }

  /// Gives a row of the function's output.
  public func emit(_ row: Out) throws { try core.emit(row, output: 0) }

  /// Gives a row of the side output of that name.
  public func output<Row: RowValue>(_ name: String, _ row: Row) throws {
    try core.emit(row, output: try core.rows.index(ofSideOutput: name))
  }

  /// The instance: for the log and for counters.
  public var task: TaskContext { core.context }
}

/// Timers of the key in hand. A key has at most one for each time of a clock.
public final class Timers {
  private unowned let core: ProcessCore
  init(_ core: ProcessCore) { self.core = core }

  /// `onTimer` is called when the watermark has reached that time, at once after this call if it has, and at the end of the input.
  /// One that is registered for a later time while the timers of the end fire is dropped.
  ///
  /// The rows must have event time, or the job ends.
  public func register(at time: Timestamp) { core.changeTimer(VOLLEY_CLOCK_EVENT, removes: false, time) }

  /// `onTimer` is called when the job's clock has reached that time. Such timers do not fire at the end of the input.
  public func registerProcessingTime(at time: Timestamp) {
    core.changeTimer(VOLLEY_CLOCK_PROCESSING, removes: false, time)
  }

  /// Takes a timer away; one that is not registered does no harm.
  public func delete(at time: Timestamp) { core.changeTimer(VOLLEY_CLOCK_EVENT, removes: true, time) }

  /// As `delete`, for a timer of processing time.
  public func deleteProcessingTime(at time: Timestamp) {
    core.changeTimer(VOLLEY_CLOCK_PROCESSING, removes: true, time)
  }
}
