/// A unit of reading of a source's subtask, by a number that the source chooses: the same for the split's whole life.
public struct SplitID: Sendable, Hashable {
  public var number: Int

  public init(_ number: Int) { self.number = number }
}

/// What a source tells of its splits.
public enum SplitChange: Sendable, Hashable {
  /// The split is being read: its event time counts from here on, though it may have given no row yet.
  case begins(SplitID)
  /// The next batch comes from that split, as do those behind it until another one is named. One that has not begun begins.
  case gives(SplitID)
  /// The split gives no more rows, and its event time holds nobody back.
  case ends(SplitID)
}
