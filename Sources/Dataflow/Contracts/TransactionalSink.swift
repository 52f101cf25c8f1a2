import Arrow
import Base

/// What a sink wrote in one epoch and shows to nobody before it is committed: JSON of the sink's own, which names it to
/// whoever commits it, maybe another process.
public struct SinkTransaction: Sendable, Hashable {
  public var content: String

  public init(_ content: String) { self.content = content }
}

/// What became of rows that epochs had shown, and that come again.
public enum TakeBack: Sendable, Hashable {
  /// They show no more, or not once the sink has recovered; the files that are gone.
  case done(files: Int)
  /// The sink has no way to hide them, or they lie where it does not write any more.
  case stays
}

/// What a sink has prepared in epochs that were complete, are damaged now and are passed over.
public struct LostTransactions: Sendable, Hashable {
  /// Of all subtasks, the oldest epoch's first.
  public var transactions: [SinkTransaction]
  /// Whether their rows are given again: then they are taken back, else all of them are shown.
  public var comeAgain: Bool

  public init(_ transactions: [SinkTransaction], comeAgain: Bool) {
    self.transactions = transactions
    self.comeAgain = comeAgain
  }
}

/// A sink whose rows show when the epoch that they belong to is complete, and only then: two-phase commit.
///
/// Legal order, beside that of every sink: `useEpochs`, then `takeBack` or `keep` when damaged epochs have shown something,
/// then `recover` once, before `open` of any subtask of any sink; `prepare` of one epoch after the other; `commit` of what was
/// prepared, once the epoch that it was prepared for or a later one is complete; more may have been written and prepared
/// in the meantime. At the end of the input `flush`, then `prepare`, then `commit`, then `close`. By one thread at a time.
///
/// Without epochs neither `prepare` nor `commit` is called, and what was written shows when the sink is closed
/// complete.
public protocol TransactionalSink: Sink {
  /// Epochs are taken: told before `recover` and `open`.
  func useEpochs() throws(Failure)
  /// All that was written since the last call belongs to the epoch: it is durable when this returns, and invisible.
  ///
  /// - Parameter epoch: above that of every call before, also of former runs of the job. The last one, at the end of
  /// the input, is
  ///   one above the last that had a barrier.
  /// - Returns: nothing when nothing was written.
  func prepare(_ epoch: Epoch) throws(Failure) -> [SinkTransaction]
  /// Shows what was prepared, in that order. It may be done already, by this process or by an earlier one: then nothing
  /// happens.
  func commit(_ transactions: [SinkTransaction]) throws(Failure)
  /// What these transactions show is to show no more, for good: the job goes on from an epoch before them, and their rows
  /// come again. Some may be shown and others not, or they may be taken back already, or somebody has taken what they
  /// showed. Nothing that is written from now on may have a name of theirs: this may be asked for again, also when
  /// later epochs were shown.
  ///
  /// - Parameter transactions: of all subtasks of the sink, none of them of the epoch that the job goes on from; the first
  /// subtask takes them back for all.
  func takeBack(_ transactions: [SinkTransaction]) throws(Failure) -> TakeBack
  /// The rows of these transactions do not come again, though the job goes on from an epoch before them: they show from now on, and
  /// stay when the sink recovers, which may show them only then. Some may be shown and others not. Nothing that is written from now on may have a name of theirs.
  ///
  /// - Parameter transactions: as for `takeBack`, of epochs that were complete, the oldest first; every subtask is told of all.
  func keep(_ transactions: [SinkTransaction]) throws(Failure)
  /// The job goes on from an epoch, or from none. Commits what belongs to it and removes what later epochs left.
  ///
  /// - Parameters:
  ///   - own: of the epoch, what this subtask commits.
  ///   - all: of the epoch, what all subtasks of the sink commit: to be spared when the first subtask removes what
  /// nobody commits.
  func recover(own: [SinkTransaction], all: [SinkTransaction]) throws(Failure)
}

extension TransactionalSink {
  public func takeBack(_ transactions: [SinkTransaction]) throws(Failure) -> TakeBack { .stays }
  public func keep(_ transactions: [SinkTransaction]) throws(Failure) { try commit(transactions) }
}
