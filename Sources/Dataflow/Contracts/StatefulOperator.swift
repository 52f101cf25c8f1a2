import Arrow
import Base
import State

/// An operator that goes on after a restart where it was at an epoch's barrier.
///
/// Legal order, beside that of every operator: `trackChanges` before `open` when epochs are taken; after `open` and
/// before all else `restore`, any number of times, then `restored` once, when it goes on from an epoch; then
/// `takeChanges` between any two calls, when it has no more to give.
///
/// It need not keep how far event time has come. The subtask does, beside the operator's tables, and an operator that
/// goes on from an epoch is told the watermark that it had reached as its first call after `restored`, before any
/// batch, so that it decides of each row whether it is late as it would have without the restart. When the parallelism
/// has changed, that is the lowest of the former subtasks. One that makes watermarks need not give them again either:
/// what it gave last is on its way once more before the first batch.
///
/// What it holds when `finish` has returned counts for nothing: its part of later epochs is empty tables. One that goes
/// on from an epoch in which it had finished is not finished once more unless it gets rows.
public protocol StatefulOperator: Operator {
  /// What its state is made of; the same for its whole life.
  var stateTables: [StateTable] { get }
  /// Epochs are taken: from here on it notes what changes. Without, nothing is noted and nothing it costs.
  func trackChanges()
  /// Some entries of a table, as they were put, of this subtask's keys: it has them from here on, and they are not
  /// changes.
  ///
  /// Entries come table by table in the order of `stateTables`; in a table of the scope `key` those of a key come one
  /// after the other, ordered by namespace, though not all in one call.
  ///
  /// - Parameter entries: rows of `StateTable.entry`, without a selection.
  func restore(_ entries: RecordBatch, table: Int) throws(Failure)
  /// All entries were given.
  func restored() throws(Failure)
  /// What has changed since the last call, or since the beginning. All rows in front of the barrier were processed and
  /// all that came of them was given. It copies what it must and no more: the rest of the work is done elsewhere.
  func takeChanges(into changes: inout StateChanges) throws(Failure)
}

extension StatefulOperator {
  public func restored() throws(Failure) {}
}

/// A stateful operator that needs not have all of its state in memory: what it has not at hand it looks for in its database, and
/// when memory runs out it leaves to the database what it uses least.
///
/// Legal order: instead of `restore` and `restored`, `spill`, when the job has a database for it and the operator `spills`.
public protocol SpillingOperator: StatefulOperator {
  /// Whether it does: one that does not is as any other stateful operator. The same for its whole life.
  var spills: Bool { get }
  /// - Parameter database: what it goes on with is in it, in its `stateTables`, which are the first of the database's.
  ///   The changes that it gives are applied there by somebody else, between `StateDatabase.expectChanges` and
  ///   `changesAreKept`.
  func spill(to database: StateDatabase) throws(Failure)
}

extension SpillingOperator {
  public var spills: Bool { true }
}
