import Base

/// The points of processing time at which the channels of a subtask stand, when data moves the clock: the subtask stands at the
/// lowest. Points of one channel do not go back.
struct ChannelTicks {
  /// By channel; nil once it has ended.
  private var times: [ProcessingTime?]
  private(set) var reached: ProcessingTime

  init(channels: Int, start: ProcessingTime) {
    times = [ProcessingTime?](repeating: start, count: channels)
    reached = start
  }

  /// Where a channel stands that has not ended.
  subscript(channel: Int) -> ProcessingTime { times[channel] ?? reached }

  /// A channel's point. The new lowest when that has moved on.
  mutating func advance(_ channel: Int, to time: ProcessingTime) -> ProcessingTime? {
    guard let former = times[channel], time > former else { return nil }
    times[channel] = time
    return former == reached ? moved() : nil
  }

  /// A channel holds the others back no longer. The new lowest when that has moved on; nil also when all have ended.
  mutating func end(_ channel: Int) -> ProcessingTime? {
    times[channel] = nil
    return moved()
  }

  private mutating func moved() -> ProcessingTime? {
    guard let lowest = times.lazy.compactMap({ $0 }).min(), lowest > reached else { return nil }
    reached = lowest
    return lowest
  }
}
