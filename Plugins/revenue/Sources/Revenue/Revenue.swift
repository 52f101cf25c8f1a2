import Volley

/// Revenue per user over orders in CSV and JSON-lines files.
struct Revenue: Pipeline {
  static let name = "revenue"
  static let summary: String? = "adds up the orders of each user"

  @Parameter("CSV files with a header, a path or a pattern") var csv = "data/*.csv"
  @Parameter("JSON-lines files, a path or a pattern") var jsonLines = "data/*.jsonl"
  @Parameter("Where revenues go: '-' for the console, else the path of a JSON-lines file") var output = "-"
  @Parameter("Where orders that cannot be read go, a path; without it they stop the job") var rejects: String?

  private static let orders: Schema = [
    "order_id": .int64, "user": .utf8, "item": .utf8, "amount": .float64, "ordered_at": .timestamp,
  ]

  func build(_ env: StreamExecutionEnvironment) {
    let badRecords = rejects.map { BadRecords.deadLetter($0) } ?? .stop
    let fromCSV = env.fromSource(.csv(csv, schema: Self.orders, badRecords: badRecords), uid: "orders-csv")
    let fromJSON = env.fromSource(
      .jsonLines(jsonLines, schema: Self.orders, badRecords: badRecords), uid: "orders-json")
    fromCSV.union(fromJSON)
      .filter(col("amount") > 0)
      .keyBy("user")
      .aggregate(
        sum(col("amount")).as("revenue"), count().as("orders"), max(col("ordered_at")).as("last_order"), uid: "revenue"
      )
      .toSink(output == "-" ? .console : .jsonLines(output), uid: "out", parallelism: 1)
  }
}

@c(volley_plugin_root)
public func root() -> UnsafePointer<volley_plugin> { export(Revenue.self) }
