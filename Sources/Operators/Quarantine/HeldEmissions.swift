import Arrow
import Base
import Dataflow

/// What a call emits, until it is known that it succeeds. It counts against the limit of state, because nobody takes it
/// meanwhile.
final class HeldEmissions: Collector {
  private var batches: [(batch: RecordBatch, output: Int)] = []
  private(set) var byteCount = 0
  /// Bytes that are reserved whatever is held.
  private var expected = 0
  private let reservation: StateReservation
  private let what: String

  /// - Parameter caller: whose call it is, for the sentence: "a process function".
  init(_ memory: StateMemory, of caller: String) {
    reservation = StateReservation(memory)
    what = "the rows emitted in one call of \(caller)"
  }

  func emit(_ batch: RecordBatch, output: Int) throws(Failure) {
    byteCount += batch.byteCount
    try reservation.set(max(byteCount, expected), what: what)
    batches.append((batch, output))
  }

  /// Reserves memory for what a call will emit, so that others do not take it before.
  func expect(_ bytes: Int) throws(Failure) {
    try reservation.set(max(byteCount, bytes), what: what)
    expected = bytes
  }

  /// Gives back what is not needed for what is held.
  func expectNothing() {
    expected = 0
    // Less than it was: it fits.
    try? reservation.set(byteCount, what: what)
  }

  func release(to output: any Collector) throws(Failure) {
    guard !batches.isEmpty else { return }
    let emitted = batches
    forget()
    for (batch, index) in emitted { try output.emit(batch, output: index) }
  }

  func forget() {
    batches.removeAll(keepingCapacity: batches.count < 64)
    byteCount = 0
    // Less than it was: it fits.
    if expected == 0 { reservation.clear() } else { try? reservation.set(expected, what: what) }
  }
}
