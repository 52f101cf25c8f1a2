import Base

/// A sink's part in epochs: what it has prepared, and what of that may be shown. Used by the thread that calls the
/// sink.
struct SinkEpochs {
  private let epochs: StageEpochs
  private let sink: any Sink
  /// The same, when its rows show with their epoch.
  private let transactional: (any TransactionalSink)?
  /// What was prepared and is not committed, with the first epoch that shows it.
  private var prepared: [(epoch: Epoch, transactions: [SinkTransaction])] = []
  /// The last epoch whose barrier has come, also before this run.
  private var last: Epoch
  private var committed: Epoch
  /// Of a sink whose input has ended: the first epoch that its last part belongs to.
  private var end: Epoch?
  private var isSettled = false
  /// Rows were written since the last barrier.
  private var hasWritten = false

  init(_ epochs: StageEpochs, _ sink: any Sink) {
    self.epochs = epochs
    self.sink = sink
    transactional = sink as? any TransactionalSink
    last = epochs.job.before
    committed = epochs.job.before
  }

  var part: StagePart.Kind { .sink(transactional: transactional != nil) }
  var place: StagePlace { epochs.place }

  /// Before any sink is opened: takes back what damaged epochs have shown, or shows the rest of it, shows what belongs to the epoch that the job
  /// goes on from, and removes what does not.
  func recover() throws(Failure) {
    guard let transactional else { return }
    try transactional.useEpochs()
    let lost = epochs.job.checkpoints.lostTransactions(of: epochs.place)
    if !lost.transactions.isEmpty {
      if lost.comeAgain {
        epochs.job.checkpoints.tookBack(try transactional.takeBack(lost.transactions), of: epochs.place)
      } else {
        try transactional.keep(lost.transactions)
      }
    }
    let (own, all) = try epochs.job.checkpoints.transactions(of: epochs.place)
    try transactional.recover(own: own, all: all)
  }

  mutating func wrote() { hasWritten = true }

  /// All rows in front of the barrier were written.
  mutating func barrier(_ epoch: Epoch) throws(Failure) {
    // An aborted epoch's rows belong to the next one.
    guard epoch > last, epoch > epochs.job.aborted else { return }
    last = epoch
    epochs.take(try prepare(epoch), epoch)
  }

  /// All rows were written: they belong to the first epoch that has no barrier here.
  mutating func finish() throws(Failure) {
    let epoch = Epoch(last.number + 1)
    end = epoch
    epochs.end(try prepare(epoch))
  }

  private mutating func prepare(_ epoch: Epoch) throws(Failure) -> StageSnapshot {
    guard let transactional else {
      try sink.flush()
      hasWritten = false
      return .sink([])
    }
    let transactions = try transactional.prepare(epoch)
    hasWritten = false
    if !transactions.isEmpty { prepared.append((epoch, transactions)) }
    return .sink(prepared.flatMap(\.transactions))
  }

  /// An epoch is complete, and what was prepared for it is not shown.
  var mayCommit: Bool { epochs.job.committed > committed }

  mutating func commit() throws(Failure) {
    let epoch = epochs.job.committed
    guard epoch > committed else { return }
    if let transactional {
      let count = prepared.firstIndex { $0.epoch > epoch } ?? prepared.count
      if count > 0 { try transactional.commit(prepared[..<count].flatMap(\.transactions)) }
      prepared.removeFirst(count)
    }
    committed = epoch
    if transactional != nil { epochs.job.checkpoints.committed(epoch, of: epochs.place) }
  }

  /// Whether the sink may be closed at the end of its input: when its last rows have been shown.
  mutating func settle() -> Bool {
    guard let end, !isSettled else { return true }
    if committed < end { return false }
    isSettled = transactional == nil || epochs.job.settle(epochs.place, committed)
    return isSettled
  }

  /// All that was written shows.
  var isComplete: Bool { transactional == nil || (!hasWritten && prepared.isEmpty) }
}
