import Arrow
import Base
import Dataflow

/// Puts the rows of each epoch to a Flight server when the epoch is complete, once: they wait in files until then, and the
/// server keeps the last epoch that it has.
final class FlightEpochSink: TransactionalSink {
  let blocks = true
  private var spool: FlightSpool
  private let server: FlightEpochLog
  private let schema: Schema
  private let subtask: Int
  /// Of epochs that are passed over and whose rows do not come again.
  private var kept: [SpooledEpoch] = []
  /// What the server had when the sink was opened.
  private var first: Int64 = -1

  init(_ spool: FlightSpool, _ server: FlightEpochLog, _ schema: Schema, subtask: Int) {
    self.spool = spool
    self.server = server
    self.schema = schema
    self.subtask = subtask
  }

  private var place: String { server.putting.peer.place }

  func useEpochs() throws(Failure) { try spool.makeFolder() }

  /// The first subtask brings them to the server for all, with what belongs to the epoch that is gone on from, which is older.
  func keep(_ transactions: [SinkTransaction]) throws(Failure) {
    guard subtask == 0 else { return }
    // Those of another connector that had the uid have no rows here.
    for transaction in transactions {
      if let epoch = try? SpooledEpoch(transaction, place: place) { kept.append(epoch) }
    }
  }

  func recover(own: [SinkTransaction], all: [SinkTransaction]) throws(Failure) {
    let all = try epochs(all)
    try store(kept.isEmpty ? try epochs(own) : kept + all)
    if subtask == 0 { spool.removeOthers(than: kept + all) }
    kept = []
  }

  func open() throws(Failure) {
    do throws(Failure) {
      try server.persistently { () throws(Failure) in first = try server.last(subtask) }
    } catch {
      server.close()
      throw error
    }
  }

  func stop() { server.stop() }

  func write(_ batch: RecordBatch) throws(Failure) { try spool.write(batch, schema) }

  func prepare(_ epoch: Epoch) throws(Failure) -> [SinkTransaction] {
    guard Int64(epoch.number) > first else {
      throw Failure(
        .usage,
        "\(place): \(server.putting.peer.location) has the epoch \(first) of this sink already, and this run is at \(epoch.number): "
          + "another run of the pipeline, with checkpoints of its own, has put rows there; go on from those checkpoints, give the pipeline "
          + "or the sink another name, or have the server forget its epochs")
    }
    return try spool.complete(epoch).map { [$0.transaction] } ?? []
  }

  func commit(_ transactions: [SinkTransaction]) throws(Failure) { try store(try epochs(transactions)) }

  func close(complete: Bool) throws(Failure) {
    spool.discard()
    server.close()
  }

  private func epochs(_ transactions: [SinkTransaction]) throws(Failure) -> [SpooledEpoch] {
    var epochs: [SpooledEpoch] = []
    for transaction in transactions { epochs.append(try SpooledEpoch(transaction, place: place)) }
    return epochs
  }

  /// Brings to the server what it does not have, each subtask's oldest first.
  private func store(_ epochs: [SpooledEpoch]) throws(Failure) {
    var rest = epochs.sorted { ($0.subtask, $0.epoch) < ($1.subtask, $1.epoch) }[...]
    try server.persistently { () throws(Failure) in
      // After a failure nobody knows what the server has.
      var last: [Int: Int64] = [:]
      while let epoch = rest.first {
        if last[epoch.subtask] == nil { last[epoch.subtask] = try server.last(epoch.subtask) }
        if epoch.epoch > last[epoch.subtask] ?? -1 {
          try server.store(epoch)
          last[epoch.subtask] = epoch.epoch
        }
        FlightSpool.remove(epoch)
        rest.removeFirst()
      }
    }
  }
}
