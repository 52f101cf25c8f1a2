import Base
import Flight
import VolleyPlan

/// How long an empty message takes there and back on one stream, beside a ping-pong of bare TCP.
struct RoundTrip {
  /// Round trips of each round; a tenth of them before it.
  private static let count = 10_000

  let repeats: Int
  let server: FlightBenchServer.Handle
  let client: FlightClient
  let pyarrow: PyarrowPeers?
  let report: (_ object: JSONValue?, _ line: String) throws(Failure) -> Void

  /// Sends the next message when one has come back. Belongs to its stream's loop.
  private final class Pinger: FlightStreamHandler {
    private var writer = FlightBatchWriter(descriptor: .path("echo"))
    private var times: [Int64] = []
    private var left: Int
    private var sentAt = MonotonicTime.now
    private let whenDone: @Sendable (Result<[Int64], Failure>) -> Void

    init(_ count: Int, whenDone: @escaping @Sendable (Result<[Int64], Failure>) -> Void) {
      left = count
      times.reserveCapacity(count)
      self.whenDone = whenDone
    }

    override func began(on stream: FlightStream) { ping(stream) }

    private func ping(_ stream: FlightStream) {
      sentAt = .now
      orEnd(stream) { () throws(Failure) in
        try stream.send { queue throws(Failure) in try writer.write(appMetadata: [], to: &queue) }
      }
    }

    override func received(_ data: FlightData, on stream: FlightStream) {
      times.append(.now - sentAt)
      left -= 1
      if left > 0 { ping(stream) } else { stream.finish() }
    }

    override func closed(_ status: GRPCStatus, on stream: FlightStream) {
      whenDone(status.isOK ? .success(times) : .failure(Failure(status, at: "the benchmark's server")))
    }
  }

  private func trips(_ count: Int) throws(Failure) -> [Int64] {
    let end = Completion<Result<[Int64], Failure>>()
    client.exchange { _ in Pinger(count) { end.complete($0) } }
    let times = try end.wait(for: "a stream of round trips").get()
    guard times.count == count else {
      throw Failure(.software, "of \(count) empty messages \(times.count) came back")
    }
    return times
  }

  func run() throws(Failure) {
    var volley: [Double] = []
    var tcp: [Double] = []
    var other: [Double] = []
    func microseconds(_ times: [Int64]) -> Double { median(times.map { Double($0) / 1e3 }) }
    for round in 0...repeats {
      let count = round == 0 ? Self.count / 10 : Self.count
      let bare = microseconds(try BareTCP.roundTrips(to: server.ports.pong, count: count))
      let own = microseconds(try trips(count))
      let peer = try pyarrow?.roundTrip(count: count)
      guard round > 0 else { continue }
      tcp.append(bare)
      volley.append(own)
      if let peer { other.append(peer) }
    }
    let ratio = median(volley) / median(tcp)
    let theirs = other.isEmpty ? nil : median(other)
    let fields = BenchFields(
      "round-trip",
      [
        ("microseconds", .rounded(median(volley))), ("tcp_microseconds", .rounded(median(tcp))),
        ("ratio_to_tcp", .rounded(ratio)), ("pyarrow_microseconds", .rounded(theirs)),
        ("round_trips", .int(Int64(Self.count * repeats))),
      ])
    try report(
      fields.json,
      "\(padded("round-trip", to: 18))an empty message: \(twoDecimals(median(volley))) us, bare TCP with epoll "
        + "\(twoDecimals(median(tcp))) us, ratio \(twoDecimals(ratio)), pyarrow \(theirs.map { twoDecimals($0) } ?? "-") us"
    )
  }
}
