import Arrow
import Base
import State

/// A stateful operator's part in epochs. Used by the thread that runs the subtask.
final class OperatorEpochs {
  private let epochs: StageEpochs
  private let body: any StatefulOperator
  /// The operator's, and that of its progress behind them.
  let tables: [StateTable]
  /// Of an operator that spills.
  private var database: StateDatabase?
  /// The progress as it was taken last; nil: never.
  private var taken: OperatorProgress?

  /// - Parameter body: not open.
  init(_ epochs: StageEpochs, _ body: any StatefulOperator) {
    self.epochs = epochs
    self.body = body
    tables = body.stateTables + [.progress]
    body.trackChanges()
  }

  var place: StagePlace { epochs.place }

  /// Gives the operator, which is open, the state of the epoch that the job goes on from.
  ///
  /// - Returns: how far event time had come; nil when there is no such epoch.
  func restore() throws(Failure) -> OperatorProgress? {
    var entries: [RecordBatch] = []
    let own = tables.count - 1
    if let body = body as? any SpillingOperator, body.spills,
      let database = try epochs.job.checkpoints.database(of: epochs.place, tables)
    {
      self.database = database
      try body.spill(to: database)
      try database.scan(table: own) { entries.append($0) }
      database.forgetInherited()
      return OperatorProgress(entries, for: epochs.place)
    }
    let isFound = try epochs.job.checkpoints.restore(epochs.place, tables) { (batch, table) throws(Failure) in
      if table == own { entries.append(batch) } else { try body.restore(batch, table: table) }
    }
    guard isFound else { return nil }
    try body.restored()
    return OperatorProgress(entries, for: epochs.place)
  }

  /// The operator is at the epoch's barrier, and has given all that it has to give.
  ///
  /// - Returns: bytes of what has changed.
  func take(_ epoch: Epoch, _ progress: OperatorProgress) throws(Failure) -> Int {
    if epoch <= epochs.job.aborted { return 0 }
    var changes = StateChanges()
    try body.takeChanges(into: &changes)
    if progress != taken { put(progress, into: &changes) }
    let bytes = changes.byteCount
    database?.expectChanges()
    epochs.take(.state(tables, changes), epoch)
    return bytes
  }

  /// The operator has finished: all that it held was given.
  func end(_ progress: OperatorProgress) {
    var changes = StateChanges()
    for table in tables.indices.dropLast() { changes.removeAll(table: table) }
    put(progress, into: &changes)
    database?.expectChanges()
    epochs.end(.state(tables, changes))
  }

  /// What other subtasks left in this one's table, before the parallelism changed, goes.
  private func put(_ progress: OperatorProgress, into changes: inout StateChanges) {
    if taken == nil { changes.removeAll(table: tables.count - 1) }
    taken = progress
    changes.put(progress.entry(of: epochs.place), table: tables.count - 1)
  }
}
