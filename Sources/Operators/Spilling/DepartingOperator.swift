import Arrow
import Base
import Dataflow
import State

/// By which clock an operator does something with what it has of a key though no row of the key comes.
public enum DueClock: Sendable {
  /// Event time: at watermarks, and at the end of the input all that is left.
  case event
  /// Processing time: when it is woken, and at the end of the input all that is left.
  case processing
  /// Processing time, by which state is forgotten: nothing is given, and at the end of the input nothing is done.
  case expiry
}

/// A stateful operator that can be made anew and go on with some of its keys: so keys leave memory with all that they have, and come back,
/// see `SpillingKeys`.
///
/// Legal order, beside that of a stateful operator: after `restored`, between any two calls when it has no more to give, `restore` of
/// all entries of keys that it has nothing of, table by table as ever, then `brought`. Then, with no time having passed in between, it
/// may be told the same watermark again, woken again at the same time, or `finish` be called again: it does for these keys what was due.
///
/// Its rows are those of their keys: what it gives and keeps for a row depends on nothing that other keys have. It holds nothing for
/// a barrier.
public protocol DepartingOperator: StatefulOperator {
  /// By input: the columns of its rows that are the key of its tables of the scope `key`, which is the same in all of them. Empty when
  /// it has no key: then nothing departs.
  var keyColumns: [[Int]] { get }
  /// Nil when it does something with a key only when rows of the key come.
  var dueClock: DueClock? { get }
  /// Whether what is due at one time has to be done for all keys before what is due at a later one is done for any, and for each key once:
  /// for operators that know up to when all of their keys have been told. Of one the clock is event time, and due times are watermarks at
  /// which something is done or the end of the input; it is told each of them, and between two parts of the keys of one time it is made anew with what it had
  /// before that time came.
  var isDueInTurn: Bool { get }
  /// By entry: the time from which on the operator has something to do with it, microseconds; `Int64.max`: never. A time that turns
  /// out to be too early costs a look. As many lists as an entry may have such times; where `isDueInTurn` the first one is enough, for it
  /// is asked again when that has come.
  ///
  /// - Parameters:
  ///   - entries: rows of `StateTable.entry` of a table of the scope `key`.
  ///   - time: nothing is of interest that was due then, or before.
  func dueTimes(of entries: RecordBatch, table: Int, after time: Int64) throws(Failure) -> [[Int64]]
  /// All entries of the keys that came were given.
  func brought() throws(Failure)
}

/// As a due time: what is done when the input has ended.
let endOfInput = Int64.max - 1

extension DepartingOperator {
  public var dueClock: DueClock? { nil }
  public var isDueInTurn: Bool { false }
  public func dueTimes(of entries: RecordBatch, table: Int, after time: Int64) throws(Failure) -> [[Int64]] { [] }
  public func brought() throws(Failure) {}
}
