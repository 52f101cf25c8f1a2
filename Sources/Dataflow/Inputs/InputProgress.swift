import Base

/// What a signal of one channel means for a subtask that reads several. A pure value: it decides, the subtask acts.
struct InputProgress {
  /// What is to be done, in this order.
  struct Advance: Equatable {
    /// What there is to say of event time.
    var time = TimeSignal.nothing
    /// All channels have delivered this barrier.
    var barrier: Epoch?
    /// All channels have ended.
    var ended = false
  }

  private var watermarks: WatermarkMinimum
  private var barriers: BarrierAlignment
  private var openChannels: Int

  init(channels: Int) {
    watermarks = WatermarkMinimum(channels: channels)
    barriers = BarrierAlignment(channels: channels)
    openChannels = channels
  }

  /// Whether the channel may be read now.
  func isReadable(_ channel: Int) -> Bool { barriers.isReadable(channel) }

  mutating func watermark(_ time: EventTime, from channel: Int) -> Advance {
    Advance(time: watermarks.advance(channel, to: time))
  }

  mutating func idle(_ channel: Int) -> Advance { Advance(time: watermarks.idle(channel)) }

  mutating func barrier(_ epoch: Epoch, from channel: Int) throws(Failure) -> Advance {
    Advance(barrier: try barriers.deliver(epoch, from: channel))
  }

  mutating func end(_ channel: Int) -> Advance {
    openChannels -= 1
    // The watermark first: it was held back by what came before the barrier.
    return Advance(time: watermarks.end(channel), barrier: barriers.end(channel), ended: openChannels == 0)
  }
}
