import Base
import Dataflow
import State

/// Forgets rows a while after they came.
struct JoinExpiry {
  /// Microseconds.
  private let timeToLive: Int64
  /// How often rows are looked for while none come: one look takes all that have expired until then.
  private static let pause: Int64 = 1_000_000

  init(_ timeToLive: Int64) { self.timeToLive = timeToLive }

  /// Removes the rows that came `timeToLive` ago or earlier.
  func removeExpired(from state: JoinState, at now: Int64) throws(Failure) {
    let (last, overflow) = now.subtractingReportingOverflow(timeToLive - 1)
    if overflow { return }
    var removed = false
    for (input, store) in state.stores.enumerated() {
      while true {
        let numbers = store.popExpired(before: last)
        if numbers.isEmpty { break }
        removed = true
        try state.release(state.remove(numbers, count: numbers.count, input: input))
      }
    }
    if removed { try state.settle() }
  }

  /// When a row is looked for that came at a time.
  func dueTime(of time: Int64) -> Int64 {
    // In rounds, so that many rows are looked for together.
    let (due, overflow) = time.addingReportingOverflow(timeToLive)
    return overflow || due > .max - 2 * Self.pause ? .max : (due / Self.pause + 2) * Self.pause
  }

  func wakeTime(_ state: JoinState) -> ProcessingTime? {
    guard let earliest = state.stores.compactMap(\.earliestTime).min() else { return nil }
    let (time, overflow) = earliest.addingReportingOverflow(timeToLive)
    return ProcessingTime(microseconds: overflow || time > .max - Self.pause ? .max : time + Self.pause)
  }
}
