import Base

/// What the operators of a chain may know of their subtask's input. Used by the thread that runs the subtask.
public final class InputCursor: @unchecked Sendable {  // One thread at a time: that which runs the subtask.
  public init() {}

  /// Since when the subtask has looked for input and found none; nil while there is some, and while it does not look
  /// because its outputs have no room or its source is held back. What waits for rows that do not come counts from
  /// here: time in which nobody looked for them is not time in which there were none.
  public private(set) var quietSince: ProcessingTime?

  /// How long the source has been read, but for the quiet in progress.
  private var timeReadBefore: Int64 = 0
  /// When the subtask found rows at the source that it reads; nil since it was held back.
  private var lastFound: ProcessingTime?

  /// How long the chain's source has been read so far, in microseconds of processing time, up to the rows in hand or,
  /// while there are none, to `now`: all time but that in which nobody asked it for rows, because there was no room for
  /// them or it was held back. Rows that a split has and nobody takes do not make it idle, however long they lie:
  /// silence counts in this time.
  ///
  /// Only behind sources that tell of their splits.
  public func timeRead(at now: ProcessingTime) -> Int64 {
    guard let quietSince else { return timeReadBefore }
    return timeReadBefore + max(0, now - quietSince)
  }

  /// A subtask that reads its source itself asks it between the calls of its chain: of one of them no more counts than
  /// this, for a split that could not give a row in a call's time need not be one that has none.
  private static let longestCall: Int64 = 100_000

  /// The subtask has looked and found nothing.
  func foundNothing(at now: ProcessingTime) { quietSince = quietSince ?? now }

  /// The subtask has found rows or a signal.
  ///
  /// - Parameter read: how long the source had been read then, as its thread says; nil: nobody says.
  func foundInput(read: Int64? = nil) {
    quietSince = nil
    if let read { timeReadBefore = max(timeReadBefore, read) }
  }

  /// The subtask has found rows at a source that it reads itself.
  ///
  /// - Parameter isTicking: batches move the clock, and no call does.
  func foundRows(at now: ProcessingTime, isTicking: Bool) {
    if quietSince != nil {
      timeReadBefore = timeRead(at: now)
    } else if let lastFound {
      timeReadBefore += isTicking ? now - lastFound : min(max(0, now - lastFound), Self.longestCall)
    }
    lastFound = now
    quietSince = nil
  }

  /// The subtask does not look.
  func heldBack(at now: ProcessingTime) {
    timeReadBefore = timeRead(at: now)
    lastFound = nil
    quietSince = nil
  }

  /// The split that the batch in hand came from. Behind a source that does not tell of its splits, and behind channels,
  /// there is only `SplitID(0)`.
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
