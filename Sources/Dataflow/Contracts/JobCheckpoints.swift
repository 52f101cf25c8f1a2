import Arrow
import Base
import State

/// One stage of a job in one subtask, by the name under which it is found again after a restart.
public struct StagePlace: Sendable, Hashable {
  /// The stage's uid; of one without, a name made of its label, which has a space in it as no uid has.
  public var id: String
  /// Index of the subtask, below `parallelism`.
  public var subtask: Int
  public var parallelism: Int

  public init(id: String, subtask: Int, parallelism: Int) {
    self.id = id
    self.subtask = subtask
    self.parallelism = parallelism
  }
}

/// What a stage's subtask adds to an epoch.
public enum StageSnapshot: Sendable {
  /// Of a source that is no `ReplayableSource`: no positions.
  case source([SplitPosition])
  /// In an operator's tables: its own, and behind them that of `StateTable.progress`.
  case state([StateTable], StateChanges)
  /// All that the sink has prepared and not committed, of this epoch and of earlier ones that were not complete in
  /// time. Of one that is no `TransactionalSink`: nothing, when all rows of the epoch are where they belong.
  case sink([SinkTransaction])
}

/// A stage that adds to every epoch, and what.
public struct StagePart: Sendable {
  public enum Kind: Sendable {
    /// Whether it gives again what it gave behind a barrier.
    case source(replays: Bool)
    /// The tables of its snapshots.
    case state([StateTable])
    /// Whether its rows show with their epoch, and only then.
    case sink(transactional: Bool)
  }

  public var place: StagePlace
  /// As reports name the stage.
  public var label: String
  public var kind: Kind

  public init(place: StagePlace, label: String, kind: Kind) {
    self.place = place
    self.label = label
    self.kind = kind
  }
}

/// How far a source is read by a job that runs a past epoch again.
public struct SourceBound: Sendable, Hashable {
  /// Where its splits stood, in all of its subtasks.
  public var positions: [SplitPosition]
  /// It had ended there; else the barrier of the one epoch that is begun follows, whenever that was.
  public var hasEnded: Bool

  public init(positions: [SplitPosition], hasEnded: Bool) {
    self.positions = positions
    self.hasEnded = hasEnded
  }
}

/// Where a job's epochs go to and come from: told by its subtasks, at the edge of `Dataflow`.
///
/// An epoch is whole when each of the places that were told to `begin` has given its part, by `take` of that epoch or,
/// as one that has ended, by `end`. When all places have ended there is one more epoch, of these parts alone: `Job`
/// waits for its `commit` before the sinks are closed.
///
/// `begin`, `positions`, `lostPositions`, `bound`, `lostTransactions`, `transactions` and `restore` are called by `Job.start`, one after
/// the other, in this order, before any row is read. `take` and `end` come from the thread that runs the stage and return soon; they come in
/// order for each place.
public protocol JobCheckpoints: AnyObject, Sendable {
  /// The highest number that an epoch of this job has ever had, complete or not, in this process or before; 0: none.
  /// Asked once.
  var lastEpoch: Epoch { get }
  /// The epoch that the job goes on from; 0: none. Asked once.
  var restoredEpoch: Epoch { get }
  /// All that make up an epoch, in all subtasks. Once.
  func begin(_ parts: [StagePart]) throws(Failure)
  /// Where the source's splits stood, in all of its subtasks; nil: it begins at its start.
  func positions(of place: StagePlace) throws(Failure) -> [SplitPosition]?
  /// How far all subtasks of a source were read in epochs that are damaged and passed over, but for what is as in the epoch that the
  /// job goes on from; with `lacks` it is told which of that cannot be read again.
  func lostPositions(of place: StagePlace) -> [SplitPosition]
  func lacks(_ splits: [String], of place: StagePlace)
  /// How far the source's subtask is read, of a job that runs a past epoch again; nil: as far as it goes. Then one epoch
  /// is begun, by `Job.stop(with:)`.
  func bound(of place: StagePlace) throws(Failure) -> SourceBound?
  /// What all subtasks of a sink have shown in epochs that are damaged, which the job passes over; with `tookBack` it is told what has
  /// become of what comes again.
  func lostTransactions(of place: StagePlace) -> LostTransactions
  func tookBack(_ outcome: TakeBack, of place: StagePlace)
  /// What a sink's subtask commits before it opens, and what all do.
  func transactions(of place: StagePlace) throws(Failure) -> (own: [SinkTransaction], all: [SinkTransaction])
  /// Gives the entries of the state that an operator goes on with, in the order that `StatefulOperator.restore` says.
  ///
  /// - Returns: false when it starts empty; then nothing was given.
  func restore(
    _ place: StagePlace, _ tables: [StateTable], _ give: (RecordBatch, Int) throws(Failure) -> Void
  ) throws(Failure) -> Bool
  /// The same for a `SpillingOperator` that spills, in whose stead the caller reads what it needs: a database with these tables, which has
  /// the state to go on with, and to which all changes of the stage that are given are applied. For each that is given,
  /// `StateDatabase.changesAreKept` is called, and `abandon` when no more is done with what is given.
  ///
  /// - Returns: nil when there is none; then `restore` is to be called.
  func database(of place: StagePlace, _ tables: [StateTable]) throws(Failure) -> StateDatabase?
  /// A stage's part of an epoch. It is acknowledged when what was given is durable, which is done elsewhere.
  ///
  /// When the epoch is aborted, changes of state that were given stay, for what is given next is what has changed
  /// since; positions and transactions count for nothing, for what is given next has them all. A part may come after
  /// its epoch was aborted.
  func take(_ snapshot: StageSnapshot, of place: StagePlace, epoch: Epoch)
  /// A stage has ended, with this as its part of every epoch that it was not asked for.
  func end(_ snapshot: StageSnapshot, of place: StagePlace)
  /// A transactional sink has shown its part of an epoch, after `Job.commit`; also when that was nothing. From any
  /// thread, for each such place once, until the job is torn down or has failed.
  func committed(_ epoch: Epoch, of place: StagePlace)
}

extension JobCheckpoints {
  public func database(of place: StagePlace, _ tables: [StateTable]) throws(Failure) -> StateDatabase? { nil }
  public var restoredEpoch: Epoch { Epoch(0) }
  public func lostTransactions(of place: StagePlace) -> LostTransactions { LostTransactions([], comeAgain: true) }
  public func lostPositions(of place: StagePlace) -> [SplitPosition] { [] }
  public func lacks(_ splits: [String], of place: StagePlace) {}
  public func tookBack(_ outcome: TakeBack, of place: StagePlace) {}
  public func bound(of place: StagePlace) throws(Failure) -> SourceBound? { nil }
}
