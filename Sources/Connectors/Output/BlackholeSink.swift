import Arrow
import Base
import Dataflow
import Observability

/// Reads every value, keeps a checksum, and forgets the rows. Does not block.
public final class BlackholeSink: Sink {
  public let blocks = false
  /// What this instance has read.
  public private(set) var checksum = BlackholeChecksum()
  private let totals: BlackholeTotals
  private let uid: String
  private let log: EventLog?

  /// - Parameters:
  ///   - totals: where each batch is added as well; shared by the instances of a sink.
  ///   - log: where it tells its checksum at its end.
  public init(totals: BlackholeTotals, uid: String = "", log: EventLog? = nil) {
    self.totals = totals
    self.uid = uid
    self.log = log
  }

  public func write(_ batch: RecordBatch) {
    var read = BlackholeChecksum()
    read.add(batch)
    totals.add(read)
    checksum = checksum + read
  }

  public func close(complete: Bool) {
    log?.info(
      "sink.checksum", "blackhole '\(uid)' has read \(checksum.rows) rows",
      ["uid": .string(uid), "rows": .int(checksum.rows), "checksum": .string(String(checksum.bits, radix: 16))])
  }
}
