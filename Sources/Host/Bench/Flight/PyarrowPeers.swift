import Base
import Glibc
import Networking

/// pyarrow's server and client, in a process each.
final class PyarrowPeers {
  /// Such as "pyarrow 26.0.1".
  let version: String
  private let server: BenchPeer
  private let client: BenchPeer

  private init(_ server: BenchPeer, _ client: BenchPeer, _ version: String) {
    self.server = server
    self.client = client
    self.version = version
  }

  /// Whether there is one.
  enum Search {
    case found(PyarrowPeers)
    /// Why not, as a fragment.
    case missing(String)
  }

  /// - Parameter python: a program's name or path; found as a shell finds it.
  static func search(_ python: String, _ certificate: TemporaryCertificate) throws(Failure) -> Search {
    func start(_ role: String, _ arguments: [String]) throws(Failure) -> BenchPeer {
      try BenchPeer("pyarrow's \(role)", "/usr/bin/env") { descriptor in
        ["env", python, "-c", PyarrowScript.text, role, "\(getpid())", "\(descriptor)"] + arguments
      }
    }
    let server = try start("server", [certificate.path, certificate.keyPath])
    guard let ports = try? server.receive() else { return .missing("'\(python)' did not run as Python") }
    if ports.hasPrefix("missing ") { return .missing("'\(python)' has no pyarrow: \(ports.dropFirst(8))") }
    let numbers = try server.numbers(ports, count: 2).map { "\(Int($0))" }
    let client = try start("client", numbers + [certificate.path])
    return .found(PyarrowPeers(server, client, try client.receive()))
  }

  /// Ends both processes.
  func end() {
    client.end()
    server.end()
  }

  /// Moves batches as ``FlightBenchClient/run(_:on:_:count:streams:)`` does. Without `checks` only their rows are counted.
  ///
  /// - Returns: nanoseconds.
  func run(
    _ transfer: FlightTransfer, tls: Bool, rows: Int, count: Int, checks: Bool
  ) throws(Failure) -> Int64 {
    let answer = try client.ask("\(transfer) \(tls ? "tls" : "plain") \(rows) \(count) \(checks ? 1 : 0)")
    let words = answer.split(separator: " ")
    guard words.count == 3, let seconds = Double(words[0]), let rowsFound = Int(words[1]), let sum = UInt64(words[2])
    else { throw Failure(.software, "pyarrow's client said '\(answer)', where seconds, rows and a sum are expected") }
    var found = Checksum(rows: rowsFound, bits: sum)
    if !checks { found.bits = FlightBenchBatch.expected(rows: rows, count: count).bits }
    try FlightBenchClient.check(found, "pyarrow", transfer, rows: rows, count: count)
    return Int64(seconds * 1e9)
  }

  /// Microseconds of a round trip, the median of so many.
  func roundTrip(count: Int) throws(Failure) -> Double {
    try client.numbers(try client.ask("trips plain \(count)"), count: 1)[0]
  }
}
