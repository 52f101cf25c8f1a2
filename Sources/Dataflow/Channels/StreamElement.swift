import Arrow
import Base

/// Everything that travels on a channel, in order. Signals never overtake batches.
public enum StreamElement: Sendable {
  /// Never empty, never with a selection.
  case batch(RecordBatch)
  /// No row with an earlier event time follows, but for late ones. A channel that was idle is active again from here on:
  /// its watermark is then said again, also where it has not moved.
  case watermark(EventTime)
  /// The channel's watermark holds nobody back until its next one. Who becomes active says a watermark before its first
  /// batch; batches alone, such as those of a timer that fires behind an idle source, change nothing.
  case idle
  /// What follows is processed at this time or later: only when data moves the clock, `ProcessingClock.ticks`.
  case tick(ProcessingTime)
  /// What a source's thread tells of its splits: only on the channel from there to the source's subtask.
  case split(SplitChange)
  /// All before it belongs to this epoch or an earlier one.
  case barrier(Epoch)
  /// Nothing follows.
  case end
}
