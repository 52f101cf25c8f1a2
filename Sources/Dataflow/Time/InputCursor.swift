import Base

/// What the operators of a chain may know of their subtask's input. Used by the thread that runs the subtask.
public final class InputCursor: @unchecked Sendable {  // One thread at a time: that which runs the subtask.
  public init() {}

  /// Since when the subtask has looked for input and found none; nil while there is some, and while it does not look because
  /// its outputs have no room or its source is held back. What waits for rows that do not come counts from here: time in
  /// which nobody looked for them is not time in which there were none.
  public internal(set) var quietSince: ProcessingTime?

  /// The split that the batch in hand came from. Behind a source that does not tell of its splits, and behind channels, there is
  /// only `SplitID(0)`.
  public private(set) var split = SplitID(0)

  /// The splits that are being read: begun, and not ended. Empty when the source tells of splits and has none now.
  public private(set) var splits: Set<SplitID> = [SplitID(0)]

  /// The source tells of its splits: it has none so far.
  func expectSplits() { splits = [] }

  /// Whether other splits are being read than before.
  func apply(_ change: SplitChange) -> Bool {
    switch change {
    case .begins(let split): return splits.insert(split).inserted
    case .gives(let split):
      self.split = split
      return splits.insert(split).inserted
    case .ends(let split): return splits.remove(split) != nil
    }
  }
}
