import Arrow
import Base
import Flight
import Networking
import VolleyPlan

/// How batches go over.
enum FlightTransfer: String, CaseIterable {
  case put, get, exchange

  /// As Flight calls it.
  var method: FlightMethod {
    switch self {
    case .put: .doPut
    case .get: .doGet
    case .exchange: .doExchange
    }
  }

  func start(
    _ client: FlightClient, _ batch: RecordBatch, times: Int,
    whenDone: @escaping @Sendable (TransferStream.Outcome) -> Void
  ) {
    switch self {
    case .put:
      client.put { _ in TransferStream(.path(rawValue), sending: batch, times: times, whenDone: whenDone) }
    case .get:
      client.get(FlightBenchService.ticket(rows: batch.length, count: times)) { _ in
        TransferStream(whenDone: whenDone)
      }
    case .exchange:
      client.exchange { _ in TransferStream(.path(rawValue), sending: batch, times: times, whenDone: whenDone) }
    }
  }
}

/// Volley's clients of the benchmark's server, one loop for all.
struct FlightBenchClient {
  let plain: FlightClient
  let tls: FlightClient

  init(_ ports: FlightBenchServer.Ports, _ certificate: TemporaryCertificate) throws(Failure) {
    let group = try EventLoopGroup(name: "bench client", count: 1)
    plain = FlightClient(to: Endpoint(host: "127.0.0.1", port: ports.plain), on: group.loops[0])
    var options = FlightClientOptions()
    options.tls = try TLSContext.client(authorities: certificate.path, report: { _ in })
    tls = FlightClient(to: Endpoint(host: "127.0.0.1", port: ports.tls), on: group.loops[0], options: options)
  }

  /// Moves batches over so many streams of one connection at once, and checks that all of them came, and right.
  ///
  /// - Parameter count: batches of each stream.
  /// - Returns: nanoseconds from the first call to the last status.
  static func run(
    _ transfer: FlightTransfer, on client: FlightClient, _ batch: RecordBatch, count: Int, streams: Int = 1
  ) throws(Failure) -> Int64 {
    let ends = (0..<streams).map { _ in Completion<TransferStream.Outcome>() }
    let start = MonotonicTime.now
    for end in ends { transfer.start(client, batch, times: count) { end.complete($0) } }
    var outcomes: [TransferStream.Outcome] = []
    for end in ends { outcomes.append(try end.wait(for: "a \(transfer.method.rawValue)")) }
    let elapsed = MonotonicTime.now - start
    for outcome in outcomes {
      guard outcome.status.isOK else {
        throw Failure(.software, "a \(transfer.method.rawValue) of the benchmark ended with \(outcome.status)")
      }
      try check(
        transfer == .put ? outcome.acknowledged ?? Checksum() : outcome.received, "volley", transfer,
        rows: batch.length, count: count)
    }
    return elapsed
  }

  /// Refuses what is not what was sent.
  static func check(
    _ found: Checksum, _ peer: String, _ transfer: FlightTransfer, rows: Int, count: Int
  ) throws(Failure) {
    let expected = FlightBenchBatch.expected(rows: rows, count: count)
    guard found != expected else { return }
    throw Failure(
      .software,
      "a \(transfer.method.rawValue) of \(peer) brought \(found.rows) rows whose first column sums up to \(found.bits), "
        + "where \(expected.rows) with \(expected.bits) were sent")
  }
}
