import Arrow
import Base
import Dataflow

/// A sink that writes in another way when epochs are taken.
final class EpochSink: TransactionalSink {
  private var body: any Sink
  private var transactional: (any TransactionalSink)?
  private let makeTransactional: () throws(Failure) -> (any TransactionalSink)?

  /// - Parameters:
  ///   - plain: what writes without epochs.
  ///   - make: makes what writes with them; nil: that what is written cannot be hidden, and `plain` writes it.
  init(_ plain: any Sink, _ make: @escaping () throws(Failure) -> (any TransactionalSink)?) {
    body = plain
    makeTransactional = make
  }

  var blocks: Bool { body.blocks }
  var dueTime: MonotonicTime? { body.dueTime }
  func open() throws(Failure) { try body.open() }
  func write(_ batch: RecordBatch) throws(Failure) { try body.write(batch) }
  func stop() { body.stop() }
  func flush() throws(Failure) { try body.flush() }
  func close(complete: Bool) throws(Failure) { try body.close(complete: complete) }

  func useEpochs() throws(Failure) {
    transactional = try makeTransactional()
    try transactional?.useEpochs()
    if let transactional { body = transactional }
  }

  func takeBack(_ transactions: [SinkTransaction]) throws(Failure) -> TakeBack {
    try transactional?.takeBack(transactions) ?? .stays
  }

  func keep(_ transactions: [SinkTransaction]) throws(Failure) { try transactional?.keep(transactions) }

  func recover(own: [SinkTransaction], all: [SinkTransaction]) throws(Failure) {
    try transactional?.recover(own: own, all: all)
  }

  func prepare(_ epoch: Epoch) throws(Failure) -> [SinkTransaction] {
    guard let transactional else {
      try body.flush()
      return []
    }
    return try transactional.prepare(epoch)
  }

  func commit(_ transactions: [SinkTransaction]) throws(Failure) { try transactional?.commit(transactions) }
}
