import VolleyPlan

/// How far a split of a source is read.
public struct SplitPosition: Sendable, Hashable {
  /// The split's name: unique in the source, the same after a restart and in every subtask.
  public var split: String
  /// What the reader needs to go on behind the last row that it gave of the split.
  public var position: JSONValue

  public init(split: String, position: JSONValue) {
    self.split = split
    self.position = position
  }
}

/// A reader that can give again what it gave behind a checkpoint: its rows are not lost by a restart, and none counts twice.
///
/// Order of calls, beside that of every reader: `resume` at most once, before `open`; `positions` between two reads, and after the
/// last one.
public protocol ReplayableSourceReader: SourceReader {
  /// How far the splits of this subtask are read, those that are done with included: what `read` gave is before that, and nothing
  /// else. A split that was not begun may be left out.
  func positions() throws -> [SplitPosition]
  /// The job goes on from a checkpoint.
  ///
  /// - Parameter positions: what all subtasks gave then, however many they were: this one takes its share of the splits by the same
  ///   rule as the others.
  func resume(at positions: [SplitPosition]) throws
}

/// A writer whose rows show when the checkpoint that they belong to is complete, and only then: after a restart none is missing and
/// none is there twice.
///
/// Order of calls, beside that of every writer, when checkpoints are taken: `recover` once, before `open`; then `prepare` and `commit`
/// until `finish`, behind the last of which there are no further rows. Without checkpoints none of these is called, and what was written shows
/// with `finish`.
public protocol TransactionalSinkWriter: SinkWriter {
  /// Commits what a checkpoint has for this subtask and removes what no checkpoint has.
  ///
  /// - Parameters:
  ///   - own: transactions that this subtask commits; empty when the job begins anew.
  ///   - all: those of all subtasks, which are not to be removed.
  func recover(own: [JSONValue], all: [JSONValue]) throws
  /// What was written since the last call belongs to the checkpoint: it is durable when this returns, and invisible.
  ///
  /// - Parameter epoch: above that of every call before, also of former runs.
  /// - Returns: what names it to whoever commits it, maybe another process.
  func prepare(epoch: UInt64) throws -> [JSONValue]
  /// Shows what was prepared, in that order. It may be done already, by this process or by an earlier one: then it does nothing.
  func commit(_ transactions: [JSONValue]) throws
}
