import Arrow
import Base
import Observability

/// What lies on a channel.
public struct ChannelItem: Sendable {
  public var element: StreamElement
  /// What a batch takes of the channel's bytes; 0 for a signal.
  public var byteCount: Int
  /// When the oldest row of a batch came into the job, or a signal was made.
  public var since: MonotonicTime
  /// How long the source had been read then, see `InputCursor.timeRead`: only from the thread of a source that tells of
  /// its splits.
  var timeRead: Int64?

  public init(_ element: StreamElement, byteCount: Int, since: MonotonicTime) {
    self.element = element
    self.byteCount = byteCount
    self.since = since
  }
}

/// Who waits at an end of a channel: a subtask or a thread.
public protocol ChannelListener: AnyObject, Sendable {
  /// At the reading end: an element has come. At the writing end: there is room again. Called from any thread; returns
  /// at once. It may come too often, never too late.
  func channelChanged()
}

/// The end that puts elements on a channel. One thread at a time uses it, though not always the same one.
///
/// A channel is bounded in bytes and in elements, and that is the only backpressure. It has ends in memory, and may
/// have them in another process.
public protocol ChannelWriter: AnyObject, Sendable {
  /// Who is told when there is room. Once, before the first element; the channel does not keep it alive.
  func attachWriter(_ listener: any ChannelListener)
  /// Puts an element behind the others. False when there is no room: the element stays with the caller, and the
  /// listener is told when trying again makes sense. An element larger than the channel's bytes passes alone.
  func offer(_ item: ChannelItem) -> Bool
  /// Whether the reader has taken everything, so that it may be waiting.
  var isDrained: Bool { get }
}

/// The end that takes elements from a channel. One thread at a time uses it, though not always the same one.
public protocol ChannelReader: AnyObject, Sendable {
  /// Who is told when an element has come. Once, before the first element; the channel does not keep it alive.
  func attachReader(_ listener: any ChannelListener)
  /// The first element, in the order in which they were offered; nil when there is none.
  func take() -> ChannelItem?
  /// What lies on the channel now; for reports, from any thread.
  var fill: ChannelFill { get }
}
