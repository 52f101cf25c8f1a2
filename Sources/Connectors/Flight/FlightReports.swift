import Base
import Observability
import Synchronization

/// Tells of connections to a connectors' server that failed, or were refused: once a second at most, as their peers decide
/// how many there are.
final class FlightReports: Sendable {
  private struct State {
    var last: MonotonicTime?
    /// Those that were not told since.
    var untold = 0
  }

  private let state = Mutex(State())
  private let place: String
  private let log: EventLog?

  init(_ place: String, _ log: EventLog?) {
    self.place = place
    self.log = log
  }

  /// From any thread.
  func report(_ failure: Failure) {
    guard let log else { return }
    let untold = state.withLock { state -> Int? in
      let now = MonotonicTime.now
      if let last = state.last, now - last < Self.pause {
        state.untold += 1
        return nil
      }
      state.last = now
      defer { state.untold = 0 }
      return state.untold
    }
    guard let untold else { return }
    let others = untold == 0 ? "" : " (and \(untold) others before it)"
    log.warning(
      "flight.connection", "\(place): \(failure.message)\(others)",
      ["place": .string(place), "untold": .int(untold)])
  }

  /// Nanoseconds.
  private static let pause: Int64 = 1_000_000_000
}
