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
protocol ExpiringJoin: RowKeepingJoin {
  /// Nil: rows are kept as long as the job runs.
  var expiry: JoinExpiry? { get }
}

extension ExpiringJoin {
  var dueClock: DueClock? { expiry == nil ? nil : .expiry }
  func dueTime(ofInput input: Int) -> ((Int64) -> Int64)? { expiry.map { expiry in { expiry.dueTime(of: $0) } } }

  var wakeTime: ProcessingTime? { expiry?.wakeTime(state) }

  func wake(at now: ProcessingTime, to collector: any Collector) throws(Failure) {
    try expiry?.removeExpired(from: state, at: now.microseconds)
  }
}
