import Arrow
import Base

/// One outgoing edge of a subtask: a channel to each subtask that it may send to.
final class EdgeOutput {
  enum Routing {
    /// To the only channel.
    case single
    /// To each in turn.
    case turn(next: Int)
    case partition(any Partitioner)
    /// To all.
    case broadcast
  }

  private var routing: Routing
  let channels: [ChannelOutput]

  init(routing: Routing, channels: [ChannelOutput]) {
    self.routing = routing
    self.channels = channels
  }

  /// Whether it scatters rows itself, so that a selection need not be gathered before.
  var takesSelections: Bool {
    if case .partition = routing { return true }
    return false
  }

  /// - Parameters:
  ///   - batch: not empty; with a selection only if `takesSelections`.
  ///   - bytes: its bytes; not looked at when it is partitioned.
  func add(_ batch: RecordBatch, bytes: Int, since: MonotonicTime, now: MonotonicTime) throws(Failure) {
    switch routing {
    case .single:
      try channels[0].add(batch, bytes: bytes, since: since, now: now)
    case .turn(let next):
      routing = .turn(next: next + 1 == channels.count ? 0 : next + 1)
      try channels[next].add(batch, bytes: bytes, since: since, now: now)
    case .broadcast:
      for channel in channels { try channel.add(batch, bytes: bytes, since: since, now: now) }
    case .partition(let partitioner):
      let parts = try partitioner.partition(batch, targets: channels.count)
      precondition(parts.count == channels.count, "a partitioner gives a part for each target")
      for (channel, part) in zip(channels, parts) {
        guard let part, part.length > 0 else { continue }
        try channel.add(part, bytes: part.byteCount, since: since, now: now)
      }
    }
  }
}

/// An output of a task: every edge that leaves from it gets every row.
final class TaskOutput: ChainNode {
  private let edges: [EdgeOutput]
  private let context: ChainContext

  init(edges: [EdgeOutput], context: ChainContext) {
    self.edges = edges
    self.context = context
  }

  /// Those of all edges.
  var channels: [ChannelOutput] { edges.flatMap(\.channels) }

  func receive(_ batch: RecordBatch, size: BatchSize, input: Int) throws(Failure) {
    let now = context.now
    var compact = batch.selection == nil ? batch : nil
    var bytes = size.bytes
    for edge in edges {
      if edge.takesSelections {
        try edge.add(batch, bytes: 0, since: context.since, now: now)
        continue
      }
      let whole: RecordBatch
      if let known = compact {
        whole = known
      } else {
        whole = batch.compacted()
        bytes = whole.byteCount
        compact = whole
      }
      try edge.add(whole, bytes: bytes, since: context.since, now: now)
    }
  }
}
