import Arrow
import Base

/// Everything that travels on a channel, in order. Signals never overtake batches.
public enum StreamElement: Sendable {
  /// Never empty, never with a selection.
  case batch(RecordBatch)
  /// No row with an earlier event time follows, but for late ones.
  case watermark(EventTime)
  /// All before it belongs to this epoch or an earlier one.
  case barrier(Epoch)
  /// Nothing follows.
  case end
}
