import Base
import Dataflow

/// A join of two inputs that goes through its pairs in steps, so that what it gives has room downstream.
protocol SteppedJoin: Operator {
  var search: JoinSearch { get }
  /// Empty, or what `proceed` goes on with.
  var steps: PendingSteps { get }
}

extension SteppedJoin {
  func open() throws(Failure) { try search.open() }

  func close() throws(Failure) {
    steps.removeAll()
    try search.close()
  }

  var hasMore: Bool { !steps.isEmpty }
  func proceed(to collector: any Collector) throws(Failure) { try steps.run(to: collector) }
}

/// One that keeps its rows for a time to live, if it has one.
protocol ExpiringJoin: SteppedJoin {
  var state: JoinState { get }
  /// Nil: rows are kept as long as the job runs.
  var expiry: JoinExpiry? { get }
}

extension ExpiringJoin {
  var wakeTime: ProcessingTime? { expiry?.wakeTime(state) }

  func wake(at now: ProcessingTime, to collector: any Collector) throws(Failure) {
    try expiry?.removeExpired(from: state, at: now.microseconds)
  }
}
