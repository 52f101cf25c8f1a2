import Arrow
import Base
import VolleyPlan

/// One aggregate of many groups: a column of accumulators by slot. One thread at a time.
///
/// A slot is a group's index, 0 ..< `slotCount`; new slots start as the aggregate of no rows. Calls are per batch: one
/// dynamic dispatch, then loops over pointers that fetch the states of coming rows into the cache when the states are
/// many.
///
/// What does not fit its type is a `data` failure that names the values, and memory that is not to be had an `io`
/// failure; the accumulator is of no further use after either.
public protocol Accumulator: AnyObject {
  /// The type of `results`.
  var resultType: DataType { get }
  /// The types of the columns that `states` gives and `merge` takes: enough to combine partial aggregates.
  var stateTypes: [DataType] { get }
  var slotCount: Int { get }
  /// Bytes of memory that it holds.
  var byteCount: Int { get }
  /// Makes slots up to `slotCount`; does nothing when there are as many.
  func grow(to slotCount: Int) throws(Failure)
  /// Whether all that a slot takes is known before it has a value, so that `reserve` can take it.
  var canReserve: Bool { get }
  /// Takes memory for so many slots, which are about to be made.
  func reserve(_ slotCount: Int) throws(Failure)
  /// Row i of the input goes into slot `slots[i]`. Rows that the input's condition excludes are passed over, and so are
  /// nulls where the function says so.
  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) throws(Failure)
  /// As `update`, and gives the result of each row's slot right after that row.
  func updateRunning(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) throws(Failure) -> Column
  /// Row i of the partial aggregates goes into slot `slots[i]`.
  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) throws(Failure)
  /// The results of these slots, in this order: null where there was no value, but 0 for a count.
  func results(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> Column
  /// The partial aggregates of these slots, in this order.
  func states(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> [Column]
  /// Makes these slots, each of which comes once, as of no rows again.
  func reset(_ slots: UnsafePointer<UInt32>, count: Int)
  /// Forgets all slots; their memory is kept for new ones.
  func removeAll()
}

extension Accumulator {
  public var canReserve: Bool { false }
  public func reserve(_ slotCount: Int) throws(Failure) {}
}
