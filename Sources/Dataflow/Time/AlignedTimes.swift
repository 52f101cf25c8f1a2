import Base

/// Which members of an alignment group are too far ahead of the slowest. A pure value: it decides, the group tells.
struct AlignedTimes {
  private enum State {
    case active, idle, ended
  }

  /// Microseconds.
  let maxDrift: Int64
  private var times: [EventTime] = []
  private var states: [State] = []
  /// The slowest of the active members; nil when none is.
  private(set) var lowest: EventTime?

  init(maxDrift: Int64) { self.maxDrift = maxDrift }

  var count: Int { times.count }

  /// Before the first report.
  mutating func join() -> Int {
    times.append(.earliest)
    states.append(.active)
    lowest = .earliest
    return times.count - 1
  }

  /// A member's watermark, which makes it active. Whether somebody may be let go by that.
  mutating func report(_ time: EventTime, of member: Int) -> Bool {
    times[member] = max(times[member], time)
    states[member] = .active
    return settle()
  }

  /// A member holds nobody back, until its next watermark. Whether somebody may be let go by that.
  mutating func idle(_ member: Int) -> Bool {
    states[member] = .idle
    return settle()
  }

  /// A member holds nobody back any more. Whether somebody may be let go by that.
  mutating func end(_ member: Int) -> Bool {
    states[member] = .ended
    return settle()
  }

  /// Whether the member is ahead of the slowest by more than the drift.
  func isAhead(_ member: Int) -> Bool {
    guard let lowest, states[member] != .ended, times[member] > lowest else { return false }
    let (distance, overflow) = times[member].microseconds.subtractingReportingOverflow(lowest.microseconds)
    return overflow || distance > maxDrift
  }

  private mutating func settle() -> Bool {
    let former = lowest
    lowest = zip(times, states).lazy.filter { $0.1 == .active }.map(\.0).min()
    guard let former else { return false }
    return lowest.map { $0 > former } ?? true
  }
}
