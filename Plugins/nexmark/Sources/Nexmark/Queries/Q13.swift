import Volley

/// Bids with what a table that is read before them has for their auction.
enum Q13: Query {
  static let name = "q13"
  static let summary = "bounded side input: the bids, with a column of a table that comes with the plugin"

  static func result(_ events: DataStream, in env: StreamExecutionEnvironment) -> DataStream {
    let table = env.fromSource(Source.custom(SideTable.schema) { _ in SideTable() }, uid: "table").withParallelism(1)
    return events.bids.select(
      bid("auction").as("auction"), bid("bidder").as("bidder"), bid("price").as("price"), col("dateTime"),
      (bid("auction") % lit(SideTable.count)).as("key")
    )
    .keyBy("key").join(table.keyBy("key"), .inner, on: .lookup(), uid: "side")
    .select("auction", "bidder", "price", "dateTime", "value")
  }
}

/// The numbers below 10,000, and their texts.
private final class SideTable: SourceReader {
  static let schema = Schema([Field("key", .int64, nullable: false), Field("value", .utf8, nullable: false)])
  static let count: Int64 = 10_000

  private var next: Int64 = 0

  func read(into batch: BatchBuilder, maxRows: Int, timeout: Duration) throws -> ReadOutcome {
    guard next < Self.count else { return .end }
    var keys = try batch.column("key", as: Int64.self)
    var values = try batch.column("value", as: String.self)
    for _ in 0..<min(maxRows, Int(Self.count - next)) {
      keys.append(next)
      values.append("\(next)")
      next += 1
    }
    return .rows
  }
}
