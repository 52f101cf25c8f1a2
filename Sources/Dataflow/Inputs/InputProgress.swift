import Base

/// What a signal of one channel means for a subtask that reads several. A pure value: it decides, the subtask acts.
struct InputProgress {
  /// What is to be done, in this order.
  struct Advance: Equatable {
    /// What there is to say of event time.
    var time = TimeSignal.nothing
    /// What became of epochs.
    var epochs: [EpochAlignment.Action] = []
    /// All channels have ended.
    var ended = false
  }

  private var watermarks: WatermarkMinimum
  private var barriers: EpochAlignment
  private var openChannels: Int
  /// By channel.
  private let sides: [JobGraph.SideInput?]
  /// Channels that are read to their ends before the others.
  private(set) var awaitedChannels: Int

  /// - Parameter sides: by channel; absent: all drive the subtask.
  init(channels: Int, sides: [JobGraph.SideInput?]? = nil) {
    watermarks = WatermarkMinimum(channels: channels)
    barriers = EpochAlignment(channels: channels)
    openChannels = channels
    self.sides = sides ?? [JobGraph.SideInput?](repeating: nil, count: channels)
    awaitedChannels = self.sides.count { $0 == .awaited }
    // For event time they are as channels that have ended.
    for channel in self.sides.indices where self.sides[channel] != nil { _ = watermarks.end(channel) }
  }

  /// Whether the channel may be read now.
  func isReadable(_ channel: Int) -> Bool {
    barriers.isReadable(channel) && (awaitedChannels == 0 || sides[channel] == .awaited)
  }

  mutating func watermark(_ time: EventTime, from channel: Int) -> Advance {
    if sides[channel] != nil { return Advance() }
    return Advance(time: watermarks.advance(channel, to: time))
  }

  mutating func idle(_ channel: Int) -> Advance {
    if sides[channel] != nil { return Advance() }
    return Advance(time: watermarks.idle(channel))
  }

  mutating func barrier(_ epoch: Epoch, from channel: Int) -> Advance {
    precondition(awaitedChannels == 0, "no epoch begins while an input is read to its end before others")
    return Advance(epochs: barriers.apply(.barrier(epoch, channel: channel)))
  }

  /// The epoch and all before it will not be complete.
  mutating func abort(_ epoch: Epoch) -> Advance { Advance(epochs: barriers.apply(.abort(epoch))) }

  /// The epochs up to this one are done with, complete or not.
  var lastEpoch: Epoch { barriers.last }

  mutating func end(_ channel: Int) -> Advance {
    openChannels -= 1
    if sides[channel] == .awaited { awaitedChannels -= 1 }
    // The watermark first: it was held back by what came before the barrier.
    let time = watermarks.end(channel)
    return Advance(time: time, epochs: barriers.apply(.end(channel: channel)), ended: openChannels == 0)
  }
}
