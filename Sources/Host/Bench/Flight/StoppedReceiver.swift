import Base
import Flight
import VolleyPlan

/// A receiver that stops reading: how much its sender gets rid of until it stands still, and what that does to the other
/// streams of the connection.
struct StoppedReceiver {
  private static let rows = 8 << 10
  /// Streams that go on meanwhile.
  private static let others = 2
  /// A sender that has sent nothing for so long stands still, in nanoseconds.
  private static let stillness: Int64 = 300_000_000

  let bytes: Int
  let repeats: Int
  let server: FlightBenchServer.Handle
  let client: FlightClient
  let report: (_ object: JSONValue?, _ line: String) throws(Failure) -> Void

  /// A client's end of DoGet that reads nothing.
  private final class Unread: FlightStreamHandler {
    private let outcome: Completion<TransferStream.Outcome>

    init(_ outcome: Completion<TransferStream.Outcome>) { self.outcome = outcome }

    override func began(on stream: FlightStream) { stream.pause() }

    override func closed(_ status: GRPCStatus, on stream: FlightStream) {
      outcome.complete(TransferStream.Outcome(status: status))
    }
  }

  /// A stream whose receiver does not read.
  private struct Stopped {
    let stream = Monitor<FlightStream?>(nil)
    let end = Completion<TransferStream.Outcome>()
    /// Bytes of bodies that the client has sent.
    let sent = Monitor(0)
  }

  func run() throws(Failure) {
    for transfer in [FlightTransfer.put, .get] { try run(transfer) }
  }

  private func run(_ transfer: FlightTransfer) throws(Failure) {
    let batch = FlightBenchBatch.make(rows: Self.rows)
    let count = FlightBenchBatch.count(rows: Self.rows, bytes: bytes / Self.others)
    let total = Double(count * Self.others * Self.rows * FlightBenchBatch.rowBytes)
    func rate(_ count: Int) throws(Failure) -> Double {
      total / Double(try FlightBenchClient.run(transfer, on: client, batch, count: count, streams: Self.others))
    }
    _ = try rate(max(1, count / 8))
    var without: [Double] = []
    var with: [Double] = []
    var sent: [Double] = []
    for _ in 0..<repeats {
      without.append(try rate(count))
      let stopped = start(transfer)
      sent.append(Double(try sentAtStandstill(transfer, stopped)))
      with.append(try rate(count))
      try giveUp(stopped)
    }
    let share = median(with) / median(without)
    let fields = BenchFields(
      "stopped-receiver",
      [
        ("method", .string(transfer.rawValue)), ("sent_bytes", .int(Int64(sent.max() ?? 0))),
        ("others_gb_per_s", .rounded(median(with))), ("others_gb_per_s_without", .rounded(median(without))),
        ("others_share", .rounded(share)),
      ])
    try report(
      fields.json,
      "\(padded("stopped-receiver", to: 18))\(transfer): its sender stood still after "
        + "\(twoDecimals((sent.max() ?? 0) / Double(1 << 20))) MiB; \(Self.others) other streams reached "
        + "\(twoDecimals(median(with))) GB/s, \(twoDecimals(median(without))) without it: a share of "
        + twoDecimals(share))
  }

  /// Starts a stream with more batches than anybody takes.
  private func start(_ transfer: FlightTransfer) -> Stopped {
    let stopped = Stopped()
    let count = 1 << 20
    if transfer == .put {
      client.put { stream in
        stopped.stream.withLock { $0 = stream }
        return TransferStream(
          .path(FlightBenchService.stoppedPath), sending: FlightBenchBatch.make(rows: Self.rows), times: count,
          countingIn: stopped.sent
        ) { stopped.end.complete($0) }
      }
    } else {
      client.get(FlightBenchService.ticket(rows: Self.rows, count: count)) { stream in
        stopped.stream.withLock { $0 = stream }
        return Unread(stopped.end)
      }
    }
    return stopped
  }

  /// Waits until the sender has sent something, and then nothing any more.
  private func sentAtStandstill(_ transfer: FlightTransfer, _ stopped: Stopped) throws(Failure) -> Int {
    let deadline = MonotonicTime.now + 30_000_000_000
    var last = 0
    while true {
      // Nobody signals a server's progress, so that the wait is just the time between two looks.
      _ = stopped.sent.wait(until: .now + Self.stillness) { $0 != last && transfer == .put ? true : nil }
      let now = transfer == .put ? stopped.sent.withLock { $0 } : try server.sentBytes()
      if now > 0, now == last { return now }
      last = now
      guard MonotonicTime.now < deadline else {
        throw Failure(
          .software, "a sender whose receiver does not read still sends, after 30 s and \(now) bytes; nothing stops it")
      }
    }
  }

  private func giveUp(_ stopped: Stopped) throws(Failure) {
    if let stream = stopped.stream.withLock({ $0 }) {
      stream.execute { stream.finish(GRPCStatus(.cancelled, "the benchmark has seen enough")) }
    }
    let status = try stopped.end.wait(for: "a stream that was given up").status
    guard status.code == .cancelled else {
      throw Failure(.software, "a stream whose receiver does not read ended with \(status) before it was given up")
    }
  }
}
