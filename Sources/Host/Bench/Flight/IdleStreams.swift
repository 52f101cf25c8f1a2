import Base
import Flight
import VolleyPlan

/// What streams cost that are open and do nothing: memory of both processes.
struct IdleStreams {
  static let count = 10_000

  let server: FlightBenchServer.Handle
  let client: FlightClient
  let report: (_ object: JSONValue?, _ line: String) throws(Failure) -> Void

  /// Streams that were answered and that have ended, and how.
  private struct Progress {
    var answered = 0
    var closed = 0
    var streams: [FlightStream] = []
    var failure: GRPCStatus?
  }

  /// Sends one empty message, and then nothing.
  private final class IdleStream: FlightStreamHandler {
    private let progress: Monitor<Progress>

    init(_ progress: Monitor<Progress>) { self.progress = progress }

    override func began(on stream: FlightStream) {
      var writer = FlightBatchWriter(descriptor: .path("echo"))
      orEnd(stream) { () throws(Failure) in
        try stream.send { queue throws(Failure) in try writer.write(appMetadata: [], to: &queue) }
      }
    }

    override func received(_ data: FlightData, on stream: FlightStream) {
      progress.withLock {
        $0.answered += 1
        $0.streams.append(stream)
      }
      progress.broadcast()
    }

    override func closed(_ status: GRPCStatus, on stream: FlightStream) {
      progress.withLock {
        $0.closed += 1
        if !status.isOK { $0.failure = status }
      }
      progress.broadcast()
    }
  }

  func run() throws(Failure) {
    // What the first stream takes is the connection's.
    try close(open(1, atATime: 1), 1)
    let before = (client: ProcessUsage.residentBytes, server: try server.residentBytes())
    func grown(_ atATime: Int) throws(Failure) -> (client: Int, server: Int) {
      let open = try open(Self.count, atATime: atATime)
      let after = (client: ProcessUsage.residentBytes, server: try server.residentBytes())
      try close(open, Self.count)
      return (max(0, after.client - before.client), max(0, after.server - before.server))
    }
    let idle = try grown(100)
    // All that is done for them at once adds to what they cost: memory that is free afterwards.
    let burst = try grown(Self.count)
    let fields = BenchFields(
      "idle-streams",
      [
        ("streams", .int(Int64(Self.count))), ("bytes", .int(Int64(idle.client + idle.server))),
        ("client_bytes", .int(Int64(idle.client))), ("server_bytes", .int(Int64(idle.server))),
        ("bytes_at_once", .int(Int64(burst.client + burst.server))),
      ])
    func megabytes(_ bytes: Int) -> String { "\(twoDecimals(Double(bytes) / 1e6)) MB" }
    try report(
      fields.json,
      "\(padded("idle-streams", to: 18))\(Self.count) on one connection: \(megabytes(idle.client + idle.server)) "
        + "(client \(megabytes(idle.client)), server \(megabytes(idle.server))); "
        + "opened all at once \(megabytes(burst.client + burst.server))")
  }

  /// Opens streams, so many at a time, and waits until each has had a message there and back.
  private func open(_ count: Int, atATime: Int) throws(Failure) -> Monitor<Progress> {
    let progress = Monitor(Progress())
    for first in stride(from: 0, to: count, by: atATime) {
      let last = min(count, first + atATime)
      for _ in first..<last { client.exchange { _ in IdleStream(progress) } }
      try wait(progress) { $0.answered == last }
    }
    return progress
  }

  private func close(_ progress: Monitor<Progress>, _ count: Int) throws(Failure) {
    let streams = progress.withLock { state in
      defer { state.streams = [] }
      return state.streams
    }
    client.loop.execute { for stream in streams { stream.finish() } }
    try wait(progress) { $0.closed == count }
    if let failure = progress.withLock({ $0.failure }) {
      throw Failure(.software, "a stream that was idle ended with \(failure)")
    }
  }

  private func wait(_ progress: Monitor<Progress>, _ condition: (Progress) -> Bool) throws(Failure) {
    let isDone: Bool? = progress.wait(until: .now + 120_000_000_000) { state in
      state.failure != nil || condition(state) ? true : nil
    }
    if let failure = progress.withLock({ $0.failure }) {
      throw Failure(.software, "a stream that should be idle ended with \(failure)")
    }
    if isDone == nil { throw Failure(.software, "streams that send one message each are stuck") }
  }
}
