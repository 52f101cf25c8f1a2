import Arrow
import Base
import Dataflow

/// What an operator has still to do of its last call, for one whose results may be many times its input: a call gives
/// one batch of them, so that there has to be room for one, also where the next operator of the chain makes many of
/// each.
///
/// Steps run in the order in which they were added; those that a step adds while it runs come before the others. An
/// operator runs them in the call that added them and in `proceed`, has more while there are any, and drops them when
/// it is closed, since they hold it.
final class PendingSteps {
  private enum Step {
    case batch(RecordBatch, output: Int)
    case rows(any DeferredRows)
    case advance(EventTime)
    case once(() throws(Failure) -> Void)
    case loop(() throws(Failure) -> Bool)
  }

  /// The next one is the last.
  private var steps: [Step] = []
  /// What was added since the last one ran, in order.
  private var added: [Step] = []

  /// Steps that one call runs, also when they give nothing.
  private static let callSteps = 64

  var isEmpty: Bool { steps.isEmpty && added.isEmpty }

  func give(_ batch: RecordBatch, output: Int = 0) { added.append(.batch(batch, output: output)) }

  /// Gives rows to output 0 that are put together as far as they are read; they have to be valid until the steps behind
  /// it run.
  func give(_ rows: any DeferredRows) { added.append(.rows(rows)) }

  /// Moves the operator's watermark.
  func advance(to time: EventTime) { added.append(.advance(time)) }

  func add(_ body: @escaping () throws(Failure) -> Void) { added.append(.once(body)) }

  /// - Parameter body: runs as often as it gives true, each time behind the steps that it has added.
  func loop(_ body: @escaping () throws(Failure) -> Bool) { added.append(.loop(body)) }

  /// Runs steps up to the second batch.
  func run(to collector: any Collector) throws(Failure) {
    var isGiven = false
    var count = 0
    settle()
    while let step = steps.last {
      switch step {
      case .batch(let batch, let output):
        if isGiven { return }
        isGiven = true
        steps.removeLast()
        try collector.emit(batch, output: output)
      case .rows(let rows):
        if isGiven { return }
        isGiven = true
        steps.removeLast()
        try collector.emit(rows, output: 0)
      case .advance(let time):
        steps.removeLast()
        collector.advance(to: time)
      case .once(let body):
        if count == Self.callSteps { return }
        count += 1
        steps.removeLast()
        try body()
      case .loop(let body):
        if count == Self.callSteps { return }
        count += 1
        if try !body() { steps.removeLast() }
      }
      settle()
    }
  }

  private func settle() {
    if added.isEmpty { return }
    steps.append(contentsOf: added.reversed())
    added.removeAll(keepingCapacity: true)
  }

  func removeAll() {
    steps = []
    added = []
  }
}
