import Arrow
import Base
import Dataflow
import Observability
import VolleyPlan

/// Finds the records that an author's function refuses, and gives them to an output of their own, so that the others are
/// processed as if those had never come. One a subtask of an operator.
///
/// A call that fails must have left no trace: it is made again with each half of its rows, in their order, until single
/// rows fail. That costs about two calls for each halving, and nothing while calls succeed. A call of a function that is known to
/// trap is tried in a copy of the process first, see `TrapSearch`.
public final class Quarantine {
  private let place: QuarantinePlace
  private let schema: Schema
  private let output: Int
  private let metrics: StageMetrics
  /// Why a call may not be made with its rows.
  private struct Refusal {
    var failure: Failure
    /// The copy of the process in which it was tried died of it.
    var isTrap = false
  }

  private var held: [(record: RecordBatch, error: String, input: Int)] = []
  /// Since the last barrier, or since the beginning.
  private var count = 0
  private var lastBarrier: Epoch?

  /// - Parameters:
  ///   - input: the columns of the operator's inputs, which are the same for all.
  ///   - output: the number of the output that the records go to.
  ///   - epoch: the one that the job goes on from; 0 where it begins.
  public init(
    _ place: QuarantinePlace, input: Schema, output: Int, metrics: StageMetrics, behind epoch: Epoch = Epoch(0)
  ) {
    self.place = place
    lastBarrier = place.hasEpochs ? epoch : nil
    schema = QuarantinePlace.schema(of: input)
    self.output = output
    self.metrics = metrics
  }

  /// Has the rows of a batch processed, but for those that are refused.
  ///
  /// - Parameters:
  ///   - call: processes some rows, in the order of the batch, and throws without having left a trace.
  ///   - done: gives on what the last call has come to. What fails here is nothing that the rows are blamed for.
  public func take(
    _ batch: RecordBatch, input: Int, to collector: any Collector, call: (RecordBatch) throws(Failure) -> Void,
    done: () throws(Failure) -> Void
  ) throws(Failure) {
    guard let refusal = try refusal(batch, call) else { return try done() }
    try divide(batch.compacted(), refusal, input: input, call, done)
    if !place.hasEpochs { try give(nil, to: collector) }
  }

  @inline(never)  // Off the path of batches that do not fail.
  private func divide(
    _ batch: RecordBatch, _ first: Refusal, input: Int, _ call: (RecordBatch) throws(Failure) -> Void,
    _ done: () throws(Failure) -> Void
  ) throws(Failure) {
    var waiting = [0..<batch.length]
    var known: Refusal? = first
    while let range = waiting.popLast() {
      let rows = batch.slice(range)
      let refusal = if let known { known } else { try refusal(rows, call) }
      known = nil
      guard let refusal else {
        try done()
        continue
      }
      guard range.count > 1 else {
        try setAside(rows, refusal.failure, input: input)
        if refusal.isTrap { place.search?.found(refusal.failure, at: place, behind: lastBarrier) }
        continue
      }
      let middle = range.lowerBound + range.count / 2
      waiting.append(middle..<range.upperBound)
      waiting.append(range.lowerBound..<middle)
    }
  }

  /// The failure of a call that refuses what it is given; nil when it succeeds.
  private func refusal(
    _ rows: RecordBatch, _ call: (RecordBatch) throws(Failure) -> Void
  ) throws(Failure) -> Refusal? {
    if let search = place.search, search.isOn, let trap = trap(rows, search, call) { return trap }
    do throws(Failure) {
      try call(rows)
      return nil
    } catch {
      guard error.refusesRecords else { throw error }
      return Refusal(failure: error)
    }
  }

  @inline(never)  // Only while a function is known to trap.
  private func trap(
    _ rows: RecordBatch, _ search: TrapSearch, _ call: (RecordBatch) throws(Failure) -> Void
  ) -> Refusal? {
    let failure = search.trial {
      // What it throws it throws again when it is made here.
      do throws(Failure) { try call(rows) } catch {}
    }
    return failure.map { Refusal(failure: $0, isTrap: true) }
  }

  /// Sets a record aside until the next `barrier` or `finish`.
  ///
  /// - Parameter record: a batch of one row, without a selection.
  /// - Throws: the failure, led by the limit, when it is one record too many.
  public func setAside(_ record: RecordBatch, _ failure: Failure, input: Int) throws(Failure) {
    guard count < place.limit else {
      throw Failure(
        failure.kind,
        "\(place.limit) record\(place.limit == 1 ? "" : "s") of '\(place.uid)' \(place.limit == 1 ? "is" : "are") in quarantine"
          + "\(place.hasEpochs ? " in this epoch" : ""), as many as --quarantine-limit allows in a subtask, and one more was "
          + "refused: \(failure.message)")
    }
    count += 1
    metrics.addDeadLetters(1)
    // A copy: a slice would keep the whole batch.
    held.append((record.selecting(Selection(0..<1)).compacted(), failure.message, input))
  }

  // MARK: Giving

  /// All rows in front of the barrier were processed.
  public func barrier(_ epoch: Epoch, to collector: any Collector) throws(Failure) {
    lastBarrier = epoch
    count = 0
    try give(epoch, to: collector)
  }

  /// The input has ended. What is left belongs to the epoch behind the last barrier.
  public func finish(to collector: any Collector) throws(Failure) {
    try give(lastBarrier.map { Epoch($0.number + 1) }, to: collector)
  }

  /// For an operator that sets records aside by itself: where there are no epochs they leave at once.
  func giveUnlessHeld(to collector: any Collector) throws(Failure) {
    if !place.hasEpochs { try give(nil, to: collector) }
  }

  private func give(_ epoch: Epoch?, to collector: any Collector) throws(Failure) {
    guard !held.isEmpty else { return }
    let rows = held
    held = []
    let epoch = epoch.map { Literal.int64(Int64(clamping: $0.number)) } ?? .null(.int64)
    let sha256 = place.plugin.sha256.map { Literal.utf8($0) } ?? .null(.utf8)
    let columns = [
      try records(rows.map(\.record)), column(.utf8, rows.map { .utf8($0.error) }),
      column(.utf8, rows.map { _ in .utf8(place.uid) }), column(.utf8, rows.map { _ in .utf8(place.function) }),
      column(.utf8, rows.map { _ in .utf8(place.plugin.name) }),
      column(.utf8, rows.map { _ in .utf8(place.plugin.version) }), column(.utf8, rows.map { _ in sha256 }),
      column(.int64, rows.map { _ in epoch }), column(.int64, rows.map { .int64(Int64($0.input)) }),
    ]
    try collector.emit(RecordBatch(schema: schema, columns: columns, length: rows.count), output: output)
  }

  private func records(_ batches: [RecordBatch]) throws(Failure) -> Column {
    var children: [Column] = []
    for index in batches[0].columns.indices {
      children.append(try Column.concatenate(batches.map { $0.columns[index] }))
    }
    return Column(
      type: schema.fields[0].type, length: batches.count, validity: nil, buffers: [], children: children)
  }

  private func column(_ type: DataType, _ values: [Literal]) -> Column {
    let builder = ColumnBuilder(type)
    for value in values { builder.append(value) }
    return builder.finish()
  }
}
