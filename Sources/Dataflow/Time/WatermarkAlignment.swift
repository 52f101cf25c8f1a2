/// Keeps the sources of a group in step in event time: one that is ahead of the slowest by more than the drift is not read until
/// the others have come after it.
///
/// A source's subtask counts with the lowest of its watermarks that are in the group; it is in one group only. Those that are
/// idle or have ended do not count. One that has no watermark yet holds the others back: give it an idle timeout if it may have
/// nothing to read. Barriers do not wait for sources that are held back.
public struct WatermarkAlignment: Sendable, Hashable {
  /// The group's name, in the job.
  public var group: String
  /// Microseconds of event time, the same for all members.
  public var maxDrift: Int64

  public init(group: String, maxDrift: Int64) {
    self.group = group
    self.maxDrift = maxDrift
  }
}
