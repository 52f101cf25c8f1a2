import Base
import TestSupport
import Testing
import Volley

/// Event times and watermarks that the author's code tells.
struct WatermarkAssignerTests {
  struct Event: Codable, Sendable {
    var number: Int64
    var seconds: Int64?
    var isHeartbeat: Bool
  }
  struct Window: Codable, Sendable {
    var windowEnd: Timestamp
    var sum: Int64

    enum CodingKeys: String, CodingKey {
      case windowEnd = "window_end"
      case sum
    }
  }
  struct Numbered: Codable, Sendable { var number: Int64 }

  /// Heartbeats say that nothing before their time follows; other rows say nothing.
  private final class Heartbeats: WatermarkAssigner {
    struct Row: Codable {
      var seconds: Int64?
      var isHeartbeat: Bool
    }
    func eventTime(of row: Row) throws -> Timestamp? {
      if row.seconds == 666 { throw VolleyError("the second is 666") }
      return row.seconds.map { Timestamp(microseconds: $0 * 1_000_000) }
    }
    func watermark(after row: Row, at time: Timestamp) -> Timestamp? { row.isHeartbeat ? time : nil }
  }

  private static func windows(
    _ stream: DataStream, _ taken: Taken<String>, _ late: Taken<Int64>
  ) {
    stream.windowAll(.tumbling(.seconds(10)))
      .sideOutputLate { $0.toSink(.eachRow { (row: Numbered) in late.add(row.number) }, uid: "late", parallelism: 1) }
      .aggregate(sum(col("number")).as("sum"), uid: "sums")
      .toSink(
        .eachRow { (row: Window) in taken.add("\(row.windowEnd.microseconds / 1_000_000) \(row.sum)") }, uid: "out",
        parallelism: 1)
  }

  @Test("only rows behind a heartbeat are late, rows without a time go to their stream")
  func punctuated() throws {
    let rows: [(Int64, Int64?, Bool)] = [
      (1, 5, false), (2, 95, false), (4, 7, false), (8, 20, true), (16, 8, false), (32, nil, false), (64, 20, false),
      (128, 19, false), (256, 500, true),
    ]
    let (taken, late, undated) = (Taken<String>(), Taken<Int64>(), Taken<Int64>())
    let rig = try JobRig { env in
      let stream = env.fromSource(
        .rows { rows.map { Event(number: $0.0, seconds: $0.1, isHeartbeat: $0.2) } }, uid: "in"
      ).eventTime(
        as: "at", "heartbeats",
        undated: { $0.toSink(.eachRow { (row: Numbered) in undated.add(row.number) }, uid: "undated", parallelism: 1) }
      ) { Heartbeats() }
      Self.windows(stream, taken, late)
    }
    try rig.run(batchRows: 1)
    #expect(late.all == [16, 128])
    #expect(undated.all == [32])
    #expect(taken.all == ["10 5", "30 72", "100 2", "510 256"])
  }

  @Test("a row without a time stops the job where none are wanted, and so does what the code throws")
  func failures() throws {
    func run(_ seconds: Int64?) throws -> Failure? {
      let rig = try JobRig { env in
        env.fromSource(.rows { [Event(number: 1, seconds: seconds, isHeartbeat: false)] }, uid: "in")
          .eventTime(as: "at") { Heartbeats() }.toSink(.blackhole, uid: "out")
      }
      return #expect(throws: Failure.self) { try rig.run() }
    }
    #expect(
      try run(nil)?.message.contains(
        "the event time 'at' is null in the row (number: 1, seconds: null, isHeartbeat: false)") == true)
    #expect(try run(666)?.message.contains("failed in 'assign': the second is 666") == true)
  }
}
