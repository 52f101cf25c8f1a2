import Base
import VolleyPlan

/// One way of moving batches of one size: plain TCP, Volley and pyarrow, and both with TLS, in turn.
struct TransferRounds {
  let transfer: FlightTransfer
  let rows: Int
  /// Of bodies, each time.
  let bytes: Int
  let bare: BareSender
  let client: FlightBenchClient
  let pyarrow: PyarrowPeers?

  func run(_ repeats: Int) throws(Failure) -> TransferResult {
    let batch = FlightBenchBatch.make(rows: rows)
    let count = FlightBenchBatch.count(rows: rows, bytes: bytes)
    let total = Double(count * rows * FlightBenchBatch.rowBytes)
    // Connections are made, buffers are there, and pyarrow's results are checked.
    try warm(max(1, count / 8))
    // pyarrow makes its table, once for all rounds.
    _ = try pyarrow?.run(transfer, tls: false, rows: rows, count: count, checks: false)
    var rates: [TransferResult.Peer: [Double]] = [:]
    for _ in 0..<repeats {
      rates[.tcp, default: []].append(try bare.rate(bytes: bytes))
      for tls in [false, true] {
        let volley = try FlightBenchClient.run(transfer, on: tls ? client.tls : client.plain, batch, count: count)
        rates[tls ? .volleyTLS : .volley, default: []].append(total / Double(volley))
        guard let pyarrow else { continue }
        let other = try pyarrow.run(transfer, tls: tls, rows: rows, count: count, checks: false)
        rates[tls ? .pyarrowTLS : .pyarrow, default: []].append(total / Double(other))
      }
    }
    return TransferResult(
      name: transfer.rawValue, rows: rows, bytes: Int(total), repeats: repeats, rates: rates.mapValues { median($0) },
      checksum: FlightBenchBatch.expected(rows: rows, count: count))
  }

  private func warm(_ count: Int) throws(Failure) {
    let batch = FlightBenchBatch.make(rows: rows)
    for tls in [false, true] {
      _ = try FlightBenchClient.run(transfer, on: tls ? client.tls : client.plain, batch, count: count)
      _ = try pyarrow?.run(transfer, tls: tls, rows: rows, count: count, checks: true)
    }
  }
}

/// What moving batches of one size came to. An exchange sends all there and back again, which counts once.
struct TransferResult {
  enum Peer { case tcp, volley, pyarrow, volleyTLS, pyarrowTLS }

  var name: String
  var rows: Int
  var bytes: Int
  var repeats: Int
  /// Gigabytes of bodies a second, medians.
  var rates: [Peer: Double]
  var checksum: Checksum

  private func ratio(_ one: Peer, _ other: Peer) -> Double? {
    guard let one = rates[one], let other = rates[other] else { return nil }
    return one / other
  }

  private typealias Column = (heading: String, json: String, value: @Sendable (TransferResult) -> Double?)

  private static let columns: [Column] = [
    ("tcp", "tcp_gb_per_s", { $0.rates[.tcp] }), ("volley", "gb_per_s", { $0.rates[.volley] }),
    ("/tcp", "ratio_to_tcp", { $0.ratio(.volley, .tcp) }), ("pyarrow", "pyarrow_gb_per_s", { $0.rates[.pyarrow] }),
    ("/pyarrow", "ratio_to_pyarrow", { $0.ratio(.volley, .pyarrow) }),
    ("tls", "tls_gb_per_s", { $0.rates[.volleyTLS] }),
    ("/plain", "tls_ratio_to_plain", { $0.ratio(.volleyTLS, .volley) }),
    ("pyarrow tls", "pyarrow_tls_gb_per_s", { $0.rates[.pyarrowTLS] }),
    ("/pyarrow", "tls_ratio_to_pyarrow", { $0.ratio(.volleyTLS, .pyarrowTLS) }),
  ]

  static var heading: String {
    let names = columns.map { String(repeating: " ", count: max(1, 9 - $0.heading.count)) + $0.heading }
    return "GB/s of the batches' bodies, medians; an exchange's, which go there and back, count once\n"
      + "\(padded("", to: 9))rows a batch" + names.joined()
  }

  var line: String {
    let text = "\(rows)"
    let figures = Self.columns.map { column in
      let width = max(9, column.heading.count + 1)
      return column.value(self).map { twoDecimals($0, width: width) } ?? String(repeating: " ", count: width - 1) + "-"
    }
    return padded(name, to: 9) + String(repeating: " ", count: max(0, 12 - text.count)) + text + figures.joined()
  }

  var json: JSONValue {
    BenchFields(
      name,
      [("rows_per_batch", .int(Int64(rows))), ("bytes", .int(Int64(bytes))), ("repeats", .int(Int64(repeats)))]
        + Self.columns.map { ($0.json, .rounded($0.value(self))) }
        + [("checksum", .string(String(checksum.bits, radix: 16)))]
    ).json
  }
}
