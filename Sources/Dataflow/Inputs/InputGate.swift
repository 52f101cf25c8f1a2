import Base

/// The channels that feed a subtask, read in turn. Used by the thread that runs the subtask.
final class InputGate {
  /// A channel's reading end, and the logical input that it belongs to.
  struct Port {
    var reader: any ChannelReader
    var input: Int
    var side: JobGraph.SideInput?
  }

  let ports: [Port]
  var progress: InputProgress
  /// Where the channels stand when data moves the clock.
  var ticks: ChannelTicks
  private var cursor = 0

  /// - Parameter start: where a clock that data moves begins.
  init(ports: [Port], start: ProcessingTime = ProcessingTime(microseconds: .min)) {
    precondition(!ports.isEmpty, "a task without a source has a channel that feeds it")
    self.ports = ports
    progress = InputProgress(channels: ports.count, sides: ports.map(\.side))
    ticks = ChannelTicks(channels: ports.count, start: start)
  }

  /// The next element of a channel that may be read; nil when there is none. Every channel gets its turn.
  func next() -> (channel: Int, item: ChannelItem)? {
    for _ in 0..<ports.count {
      let channel = cursor
      cursor = cursor + 1 == ports.count ? 0 : cursor + 1
      if progress.isReadable(channel), let item = ports[channel].reader.take() { return (channel, item) }
    }
    return nil
  }
}
