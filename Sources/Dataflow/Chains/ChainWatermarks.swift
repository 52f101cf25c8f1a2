import Base

/// The watermarks of a chain: what its origins have said, and what that means for each of its zones. Used by the thread
/// that runs the subtask.
///
/// What an operator says while it is called is kept until the call has returned, and then taken to its zones by the
/// subtask.
final class ChainWatermarks {
  /// What is to be done in a zone, in this order.
  struct ZoneSignal {
    /// The watermark, if there is one, is told to these steps of the chain.
    let steps: [Int]
    /// Then the signal goes on these channels.
    let channels: [ChannelOutput]
    let signal: TimeSignal
  }

  private struct State {
    let zone: WatermarkZone
    var minimum: WatermarkMinimum
    /// The channels of the zone's outputs.
    let channels: [ChannelOutput]
  }

  private struct Maker {
    // The subtask has both, and the operator has its watermarks.
    unowned let node: OperatorNode
  }

  private var states: [State]
  /// By step.
  private let makers: [Int: Maker]
  /// By origin: the zones that it reaches, in their order.
  private let reached: [WatermarkZone.Origin: [Int]]
  /// What origins have said that has not gone on its way, in the order in which they began.
  private var pending: [(origin: WatermarkZone.Origin, signal: TimeSignal)] = []
  private var isClosed = false
  /// The source's place among those that it keeps in step with, and which of its origins are which of its watermarks.
  private let aligned: (member: AlignmentMember, watermarks: [WatermarkZone.Origin: Int])?

  /// - Parameters:
  ///   - entry: by input, who takes the head's rows.
  ///   - steps: those that make watermarks are told where to say them.
  ///   - targets: by step and output, who takes its rows.
  ///   - channels: by output of the task.
  ///   - groups: those of the job that sources keep in step in.
  ///   - hasSource: whether the head is a source.
  init(
    entry: [[JobGraph.Target]], steps: [Subtask.Step], targets: [[[JobGraph.Target]]], channels: [[ChannelOutput]],
    groups: AlignmentGroups = AlignmentGroups(), hasSource: Bool = false
  ) throws(Failure) {
    var makers: [Int: OperatorNode] = [:]
    for (index, step) in steps.enumerated() {
      if case .operator(let node) = step, node.makesWatermarks { makers[index] = node }
    }
    let zones = WatermarkZone.zones(
      entry: entry.flatMap { $0 }, steps: targets.map { $0.flatMap { $0 } }, makers: Set(makers.keys),
      outputCount: channels.count)
    states = zones.map { zone in
      State(
        zone: zone, minimum: WatermarkMinimum(channels: zone.origins.count),
        channels: zone.outputs.flatMap { channels[$0] })
    }
    var reached: [WatermarkZone.Origin: [Int]] = [:]
    for (index, zone) in zones.enumerated() {
      for origin in zone.origins { reached[origin, default: []].append(index) }
    }
    self.reached = reached
    aligned = try ChainWatermarks.join(groups, makers, hasSource: hasSource)
    self.makers = makers.mapValues { Maker(node: $0) }
    for (index, node) in makers { node.attach(self, as: .step(index)) }
  }

  /// A chain joins one group, with all of its watermarks that are to be aligned.
  private static func join(
    _ groups: AlignmentGroups, _ makers: [Int: OperatorNode], hasSource: Bool
  ) throws(Failure) -> (member: AlignmentMember, watermarks: [WatermarkZone.Origin: Int])? {
    var joined: (name: String, group: AlignmentGroup)?
    var watermarks: [WatermarkZone.Origin: Int] = [:]
    for (index, node) in makers.sorted(by: { $0.key < $1.key }) {
      guard let alignment = node.alignment else { continue }
      do throws(Failure) {
        let group = try groups.group(alignment)
        guard hasSource else { throw noSource(alignment) }
        if let joined, joined.group !== group { throw secondGroup(alignment, joined.name) }
        joined = (alignment.group, group)
      } catch { throw error.within(node.stage.place) }
      watermarks[.step(index)] = watermarks.count
    }
    return joined.map { (AlignmentMember($0.group, watermarks: watermarks.count), watermarks) }
  }

  private static func noSource(_ alignment: WatermarkAlignment) -> Failure {
    Failure(
      .usage,
      "alignment group '\(alignment.group)' holds back sources, and this operator's task has none: give the operator the parallelism of its source, in front of any keyBy or union"
    )
  }

  private static func secondGroup(_ alignment: WatermarkAlignment, _ other: String) -> Failure {
    Failure(
      .usage,
      "one source is to keep in step with alignment group '\(other)' and with '\(alignment.group)', which could make each wait for the other: name one group at both operators"
    )
  }

  /// Who is told when the source may be read again; before it runs.
  func attach(_ listener: any ChannelListener) { aligned?.member.attach(listener) }

  /// Whether the source is not too far ahead of those that it keeps in step with. When it is, the listener hears when
  /// it is no more.
  var mayRead: Bool { aligned?.member.mayRead() ?? true }

  /// An origin says something; the last word counts, and the highest watermark.
  func say(_ signal: TimeSignal, from origin: WatermarkZone.Origin) {
    if isClosed || signal == .nothing { return }
    if let aligned, let watermark = aligned.watermarks[origin] { aligned.member.say(signal, of: watermark) }
    guard let index = pending.firstIndex(where: { $0.origin == origin }) else {
      pending.append((origin, signal))
      return
    }
    if let time = signal.watermark {
      pending[index].signal.watermark = max(pending[index].signal.watermark ?? time, time)
    }
    pending[index].signal.idle = signal.idle
  }

  /// Whether an origin has said something that has not gone on its way.
  var hasPending: Bool { !pending.isEmpty }

  /// The first origin that has said something, with what it has said last. Asked for when what was taken before has
  /// gone its whole way, so that until then a batch can take back that the origin is idle.
  func takePending() -> (origin: WatermarkZone.Origin, signal: TimeSignal)? {
    pending.isEmpty ? nil : pending.removeFirst()
  }

  /// The end follows: it counts as the last watermark everywhere.
  func close() {
    if !isClosed { aligned?.member.end() }
    isClosed = true
    pending.removeAll()
  }

  /// How many zones an origin reaches.
  func zoneCount(of origin: WatermarkZone.Origin) -> Int { reached[origin]?.count ?? 0 }

  /// What the signal of an origin means for the zone that is its `position`th: once, in the order of the positions.
  func apply(
    _ signal: TimeSignal, of origin: WatermarkZone.Origin, toZone position: Int
  ) -> ZoneSignal {
    let index = zone(position, of: origin)
    let channel = channel(of: origin, in: index)
    var result = TimeSignal.nothing
    if let time = signal.watermark { result = states[index].minimum.advance(channel, to: time) }
    if signal.idle {
      let change = states[index].minimum.idle(channel)
      result.watermark = change.watermark ?? result.watermark
      result.idle = change.idle
    }
    return ZoneSignal(steps: states[index].zone.steps, channels: states[index].channels, signal: result)
  }

  /// An origin that is idle is about to give rows: what is behind it hears that it is active before.
  func activate(_ origin: WatermarkZone.Origin, now: MonotonicTime) throws(Failure) {
    if let index = pending.firstIndex(where: { $0.origin == origin }) { pending[index].signal.idle = false }
    if let aligned, let watermark = aligned.watermarks[origin] {
      aligned.member.say(TimeSignal(watermark: .earliest), of: watermark)
    }
    for index in reached[origin] ?? [] {
      // No watermark moves on by that: one channel more can only hold it back.
      let change = states[index].minimum.advance(channel(of: origin, in: index), to: .earliest)
      guard let time = change.watermark else { continue }
      for step in states[index].zone.steps { try makers[step]?.node.input(isIdle: false) }
      for channel in states[index].channels { try channel.signal(.watermark(time), now: now) }
    }
  }

  private func zone(_ position: Int, of origin: WatermarkZone.Origin) -> Int {
    guard let zones = reached[origin] else { preconditionFailure("an origin reaches the zones that are asked for") }
    return zones[position]
  }

  private func channel(of origin: WatermarkZone.Origin, in zone: Int) -> Int {
    guard let channel = states[zone].zone.origins.firstIndex(of: origin) else {
      preconditionFailure("a zone lists every origin that reaches it")
    }
    return channel
  }
}
