import Base

/// The watermark of something that is fed by several channels: the minimum over those that have not ended. A channel that
/// has given none yet holds it back.
struct WatermarkMinimum {
  /// By channel; nil once it has ended.
  private var times: [EventTime?]
  private(set) var current = EventTime.earliest

  init(channels: Int) { times = [EventTime?](repeating: .earliest, count: channels) }

  /// A channel's watermark. The new minimum when that has moved on, else nil; one that goes back changes nothing.
  mutating func advance(_ channel: Int, to time: EventTime) -> EventTime? {
    guard let former = times[channel] else { preconditionFailure("a channel that has ended has no watermark") }
    guard time > former else { return nil }
    times[channel] = time
    // While another channel is where the minimum is, it stays there.
    return former == current ? moved() : nil
  }

  /// A channel holds the minimum back no longer. The new minimum when that has moved on, else nil, also when all have ended.
  mutating func end(_ channel: Int) -> EventTime? {
    times[channel] = nil
    return moved()
  }

  private mutating func moved() -> EventTime? {
    var minimum: EventTime?
    for case .some(let time) in times { minimum = min(minimum ?? time, time) }
    guard let minimum, minimum > current else { return nil }
    current = minimum
    return minimum
  }
}
