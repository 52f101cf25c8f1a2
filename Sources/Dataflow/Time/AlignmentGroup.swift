import Base

/// The sources that keep in step with each other, and how each hears that it may be read again.
final class AlignmentGroup: Sendable {
  /// Not retained, as by channels: the job keeps subtasks alive until none of them runs.
  private struct Listener {
    unowned(unsafe) var subtask: (any ChannelListener)?
  }

  private struct State {
    var times: AlignedTimes
    /// By member.
    var listeners: [Listener] = []
    /// Those that were told not to read, and not yet that they may.
    var waiting: Set<Int> = []
  }

  let maxDrift: Int64
  private let state: Monitor<State>

  init(maxDrift: Int64) {
    self.maxDrift = maxDrift
    state = Monitor(State(times: AlignedTimes(maxDrift: maxDrift)))
  }

  func join() -> Int {
    state.withLock { state in
      state.listeners.append(Listener())
      return state.times.join()
    }
  }

  func attach(_ listener: any ChannelListener, to member: Int) {
    state.withLock { $0.listeners[member].subtask = listener }
  }

  /// Changes what is known of a member, and wakes those that may be read by that.
  func change(_ body: (inout AlignedTimes) -> Bool) {
    state.withLock { state in
      guard body(&state.times) else { return }
      for member in state.waiting where !state.times.isAhead(member) {
        state.waiting.remove(member)
        state.listeners[member].subtask?.channelChanged()
      }
    }
  }

  func mayRead(_ member: Int) -> Bool {
    state.withLock { state in
      guard state.times.isAhead(member) else { return true }
      state.waiting.insert(member)
      return false
    }
  }
}

/// A source's subtask in its group. Used by the thread that runs the subtask.
final class AlignmentMember {
  private let group: AlignmentGroup
  private let number: Int
  /// Over the subtask's own watermarks.
  private var minimum: WatermarkMinimum

  init(_ group: AlignmentGroup, watermarks: Int) {
    self.group = group
    number = group.join()
    minimum = WatermarkMinimum(channels: watermarks)
  }

  func attach(_ listener: any ChannelListener) { group.attach(listener, to: number) }

  /// One of the subtask's watermarks has moved on, is idle or active again.
  func say(_ signal: TimeSignal, of watermark: Int) {
    if let time = signal.watermark { tell(minimum.advance(watermark, to: time)) }
    if signal.idle { tell(minimum.idle(watermark)) }
  }

  /// The source has ended.
  func end() { group.change { $0.end(number) } }

  /// When not, the listener hears when it may.
  func mayRead() -> Bool { group.mayRead(number) }

  private func tell(_ signal: TimeSignal) {
    if signal == .nothing { return }
    group.change { times in
      var mayLetGo = false
      if let time = signal.watermark { mayLetGo = times.report(time, of: number) }
      if signal.idle { mayLetGo = times.idle(number) || mayLetGo }
      return mayLetGo
    }
  }
}

/// The alignment groups of a job, by name. While the job is built.
final class AlignmentGroups {
  private var groups: [String: AlignmentGroup] = [:]

  /// The group of that name, made at its first use.
  ///
  /// - Throws: `usage` when it has another drift elsewhere.
  func group(_ alignment: WatermarkAlignment) throws(Failure) -> AlignmentGroup {
    guard let group = groups[alignment.group] else {
      let group = AlignmentGroup(maxDrift: alignment.maxDrift)
      groups[alignment.group] = group
      return group
    }
    guard group.maxDrift == alignment.maxDrift else {
      throw Failure(
        .usage,
        "alignment group '\(alignment.group)' has a maximal drift of \(alignment.maxDrift) µs here and of \(group.maxDrift) µs at another operator: give it the same at all of them"
      )
    }
    return group
  }
}
