import Base

/// Waits for a barrier from every channel: one that has delivered it is not read until all others have, so that what lies
/// behind it stays behind it. A channel that has ended counts as having delivered.
struct BarrierAlignment {
  private enum State {
    case open, delivered, ended
  }

  private var states: [State]
  /// Channels that are neither ended nor have delivered.
  private var missing: Int
  /// The epoch that is being aligned.
  private(set) var epoch: Epoch?
  /// The last one that was.
  private var last: Epoch?

  init(channels: Int) {
    states = [State](repeating: .open, count: channels)
    missing = channels
  }

  /// Whether the channel may be read now.
  func isReadable(_ channel: Int) -> Bool { states[channel] == .open }

  /// A channel's barrier. The epoch when this was the last one missing: then every channel is readable again.
  mutating func deliver(_ epoch: Epoch, from channel: Int) throws(Failure) -> Epoch? {
    precondition(states[channel] == .open, "a channel is read only while it may be")
    if let awaited = self.epoch, awaited != epoch {
      throw Failure(
        .software, "a barrier of epoch \(epoch.number) came where one of epoch \(awaited.number) was awaited")
    }
    if let last, epoch <= last {
      throw Failure(.software, "a barrier of epoch \(epoch.number) came after that of epoch \(last.number)")
    }
    self.epoch = epoch
    states[channel] = .delivered
    missing -= 1
    return completed()
  }

  /// A channel has ended. The epoch when only it was missing.
  mutating func end(_ channel: Int) -> Epoch? {
    precondition(states[channel] == .open, "a channel is read only while it may be")
    states[channel] = .ended
    missing -= 1
    return completed()
  }

  private mutating func completed() -> Epoch? {
    guard missing == 0, let epoch else { return nil }
    for index in states.indices where states[index] == .delivered {
      states[index] = .open
      missing += 1
    }
    last = epoch
    self.epoch = nil
    return epoch
  }
}
