/// What became of the wish that an epoch begin, see `Job.begin`.
public enum EpochStart: Sendable, Hashable {
  /// Its barrier is on its way: every place gives its part, unless the epoch is aborted.
  case begun
  /// Nothing was begun, and nothing comes of it: the reason, as the end of a sentence ("the epoch was not begun: …").
  /// It counts as aborted; a later one may do better.
  case declined(String)
}
