import Base

/// The watermark of something that is fed by several channels: the minimum over those that are active. A channel that
/// has given none yet holds it back; one that is idle or has ended does not.
///
/// When the last active channel goes idle, the watermark moves to the highest of all: each of them would have let it go there
/// alone, so that it does not matter in which order they became idle or ended. It never goes back: a channel that becomes active
/// again below it holds it where it is.
struct WatermarkMinimum {
  private enum State {
    case active, idle, ended
  }

  private var times: [EventTime]
  private var states: [State]
  private(set) var current = EventTime.earliest
  /// No channel is active, and not all have ended.
  private(set) var isIdle = false

  init(channels: Int) {
    times = [EventTime](repeating: .earliest, count: channels)
    states = [State](repeating: .active, count: channels)
  }

  /// A channel's watermark, which makes it active; one that goes back changes nothing else.
  mutating func advance(_ channel: Int, to time: EventTime) -> TimeSignal {
    precondition(states[channel] != .ended, "a channel that has ended has no watermark")
    let former = times[channel]
    times[channel] = max(former, time)
    if states[channel] == .active {
      // While another channel is where the minimum is, it stays there.
      return time > former && former <= current ? settle() : .nothing
    }
    states[channel] = .active
    return settle()
  }

  /// A channel holds the minimum back no longer, until its next watermark.
  mutating func idle(_ channel: Int) -> TimeSignal {
    precondition(states[channel] != .ended, "a channel that has ended does not become idle")
    guard states[channel] == .active else { return .nothing }
    states[channel] = .idle
    return settle()
  }

  /// A channel holds the minimum back no longer. Nothing when all have ended.
  mutating func end(_ channel: Int) -> TimeSignal {
    states[channel] = .ended
    return settle()
  }

  private mutating func settle() -> TimeSignal {
    var lowest: EventTime?
    var highest = EventTime.earliest
    var hasIdle = false
    for (time, state) in zip(times, states) {
      switch state {
      case .active: lowest = min(lowest ?? time, time)
      case .idle:
        highest = max(highest, time)
        hasIdle = true
      case .ended: highest = max(highest, time)
      }
    }
    guard lowest != nil || hasIdle else { return .nothing }
    let reached = lowest ?? highest
    var signal = TimeSignal()
    if reached > current {
      current = reached
      signal.watermark = reached
    }
    let wasIdle = isIdle
    isIdle = lowest == nil
    if isIdle && !wasIdle { signal.idle = true }
    if wasIdle && !isIdle { signal.watermark = current }
    return signal
  }
}
