import Base

/// How far one split of a source was read.
public struct SplitPosition: Sendable, Hashable {
  /// The split's name: unique in the source, the same after a restart and in every subtask.
  public var split: String
  /// JSON of the source's own: what it needs to go on behind the last row that it gave of the split.
  public var position: String

  public init(split: String, position: String) {
    self.split = split
    self.position = position
  }
}

/// A source that can give again what it gave after an epoch's barrier.
///
/// Legal order, beside that of every source: `resume` at most once, before `open`; `positions` by the thread that reads, between
/// two reads, and once more after the end.
public protocol ReplayableSource: Source {
  /// How far the splits of this subtask are read, those that are done with included: what `read` gave is before that, all else
  /// behind it. A split that was not begun may be left out.
  func positions() throws(Failure) -> [SplitPosition]
  /// It goes on from an epoch.
  ///
  /// - Parameter positions: what all subtasks of the source gave then, of whatever parallelism: this one takes its share of the splits by the
  ///   same rule as the others.
  func resume(at positions: [SplitPosition]) throws(Failure)
  /// Of what an epoch had read, that the job passes over, the splits that cannot be read again as they were, for instance
  /// because somebody has removed them since: a name for people each. After `resume` if there is one, before `open`.
  ///
  /// - Parameter positions: what all subtasks of the source gave in that epoch.
  func missing(of positions: [SplitPosition]) -> [String]
}

extension ReplayableSource {
  public func missing(of positions: [SplitPosition]) -> [String] { [] }
}

/// A source that can be made to give an epoch's rows alone: from where it stood before it to where it stood at its end.
///
/// Legal order, beside that of every replayable source: `end` once, after `resume` if there is one, before `open`.
public protocol BoundedSource: ReplayableSource {
  /// It gives nothing that lies behind these positions, and then `read` is `.end`. A split that was not done there is not
  /// told to have ended.
  ///
  /// - Parameter positions: what all subtasks of the source gave later, of the same parallelism. What they leave out is
  ///   not read.
  /// - Throws: when what lies before them is no more as it was.
  func end(at positions: [SplitPosition]) throws(Failure)
}
