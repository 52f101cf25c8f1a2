import Base
import Networking
import VolleyPlan

/// `volley-host bench flight`: batches over the loopback between two processes, by Volley's Flight and by pyarrow's, beside
/// what the kernel alone does; and what streams cost that do nothing, or that nobody reads.
///
/// All that is compared is run in turn, round after round, so that whatever else the machine does hits all alike; medians of
/// the rounds are told.
struct FlightBench {
  /// In the order in which they are run: memory is looked at before the others have used any.
  static let names = ["idle-streams", "limit", "put", "get", "exchange", "round-trip", "stopped-receiver"]

  var cases: [String] = []
  /// Rows of a batch.
  var batchRows = [1 << 10, 8 << 10, 64 << 10]
  /// Of bodies, each time.
  var bytes = 1 << 30
  var repeats = 5
  /// A Python with pyarrow; nil: `python3`, which need not have it.
  var python: String?
  /// Called with each result as it is there: as an object, nil for a heading, and as a line.
  let report: (_ object: JSONValue?, _ line: String) throws(Failure) -> Void

  init(report: @escaping (_ object: JSONValue?, _ line: String) throws(Failure) -> Void) { self.report = report }

  func run() throws(Failure) {
    try BenchNames.check(cases, among: Self.names) { "there is no case '\($0)' of flight" }
    let wanted = Self.names.filter { cases.isEmpty || cases.contains($0) }
    let certificate = try TemporaryCertificate()
    let server = try FlightBenchServer.Handle(certificate)
    defer { server.peer.end() }
    let client = try FlightBenchClient(server.ports, certificate)
    let transfers = wanted.compactMap { FlightTransfer(rawValue: $0) }
    let pyarrow =
      transfers.isEmpty && !wanted.contains("round-trip") ? nil : try findPyarrow(certificate)
    defer { pyarrow?.end() }
    if wanted.contains("idle-streams") {
      try IdleStreams(server: server, client: client.plain, report: report).run()
    }
    // One after the other, as the sink serves one connection at a time.
    if wanted.contains("limit") { try limit(BareSender(to: server.ports.sink, congestionControl: nil)) }
    // As Volley's own connections within a machine: a limit that is set by the pacing of BBR would be none.
    let bare = try BareSender(to: server.ports.sink, congestionControl: "reno")
    if wanted.contains("limit") { try limit(bare) }
    if !transfers.isEmpty { try report(nil, TransferResult.heading) }
    for transfer in transfers {
      for rows in batchRows {
        let rounds = TransferRounds(
          transfer: transfer, rows: rows, bytes: bytes, bare: bare, client: client, pyarrow: pyarrow)
        let result = try rounds.run(repeats)
        try report(result.json, result.line)
      }
    }
    if wanted.contains("round-trip") {
      try RoundTrip(repeats: repeats, server: server, client: client.plain, pyarrow: pyarrow, report: report).run()
    }
    if wanted.contains("stopped-receiver") {
      try StoppedReceiver(bytes: bytes, repeats: repeats, server: server, client: client.plain, report: report).run()
    }
  }

  /// Tells whether there is one to compare with. One that was asked for has to be there.
  private func findPyarrow(_ certificate: TemporaryCertificate) throws(Failure) -> PyarrowPeers? {
    switch try PyarrowPeers.search(python ?? "python3", certificate) {
    case .found(let peers):
      try report(BenchFields("pyarrow", [("version", .string(peers.version))]).json, "beside \(peers.version)")
      return peers
    case .missing(let reason):
      let remedy = "install pyarrow with pip, set PYTHONPATH to where it is, or name another Python with --python"
      guard python == nil else { throw Failure(.noInput, "there is no pyarrow to compare with: \(reason); \(remedy)") }
      try report(
        BenchFields("pyarrow", [("missing", .string(reason))]).json, "without pyarrow: \(reason); \(remedy)")
      return nil
    }
  }

  /// What the kernel alone does.
  private func limit(_ bare: BareSender) throws(Failure) {
    _ = try bare.rate(bytes: bytes / 8)
    var rates: [Double] = []
    for _ in 0..<repeats { rates.append(try bare.rate(bytes: bytes)) }
    let fields = BenchFields(
      "limit",
      [
        ("congestion_control", .string(bare.congestionControl)), ("tcp_gb_per_s", .rounded(median(rates))),
        ("least", .rounded(rates.min() ?? 0)), ("most", .rounded(rates.max() ?? 0)), ("bytes", .int(Int64(bytes))),
      ])
    try report(
      fields.json,
      "\(padded("limit", to: 18))plain TCP, writes of 256 KiB: \(twoDecimals(median(rates))) GB/s "
        + "with \(bare.congestionControl) (\(twoDecimals(rates.min() ?? 0)) to \(twoDecimals(rates.max() ?? 0)))")
  }
}

/// A result as an object of JSON.
struct BenchFields {
  var json: JSONValue

  init(_ name: String, _ members: [(String, JSONValue)]) {
    json = .object([.init("case", .string(name))] + members.map { JSONValue.Member($0.0, $0.1) })
  }
}

extension JSONValue {
  /// With three decimals.
  static func rounded(_ value: Double) -> JSONValue { .double((value * 1000).rounded() / 1000) }

  /// With three decimals; null for what was not measured.
  static func rounded(_ value: Double?) -> JSONValue { value.map { rounded($0) } ?? .null }
}
