import Volley

/// How each page of a web site did in each hour, from an access log in CSV.
struct Visits: Pipeline {
  static let name = "visits"
  static let summary: String? = "counts the visits of pages by the hour"

  @Parameter("The log, a path or a pattern") var input = "data/*.csv"
  @Parameter("Where the pages go: '-' for the console, else the path of a JSON-lines file") var output = "-"

  static let log: Schema = [
    "at": .timestamp, "url": .utf8, "user": .utf8, "status": .uint16, "milliseconds": .uint32,
  ]

  /// A row type: its fields are the columns that `map` takes, and that it gives.
  struct Answer: Codable {
    var status: UInt16
    var milliseconds: UInt32
    var page: String
    var hour: Timestamp
    var user: String?
  }
  struct Rated: Codable {
    var page: String
    var hour: Timestamp
    var user: String?
    var took: Duration
    var satisfied: Float?
  }

  func build(_ env: StreamExecutionEnvironment) {
    let digest = udf("digest") { (user: String) -> [UInt8] in Array(user.utf8.reversed()) }
    env.fromSource(.csv(input, schema: Self.log), uid: "log")
      .filter(!col("url").like("%/internal/%") && col("status").isBetween(lit(UInt16(100)), and: lit(UInt16(599))))
      .select(
        col("status"), col("milliseconds"), col("user"),
        col("at").truncated(to: .hour).as("hour"),
        coalesce(col("url").extract(regex: "^https?://[^/]+(/[^?#]*)", group: 1), "/").lowercased().as("page")
      )
      .map { (answer: Answer) in
        // Who got an error is not asked how long it took.
        let satisfied: Float? = answer.status >= 500 ? nil : answer.milliseconds < 300 ? 1 : 0.5
        return Rated(
          page: answer.page, hour: answer.hour, user: answer.user, took: .milliseconds(answer.milliseconds),
          satisfied: satisfied)
      }
      .withColumn("day", col("hour").cast(to: .date32))
      .withColumn("digest", digest(col("user")))
      .keyBy("page", "day", "hour")
      .aggregate(
        count().as("visits"),
        countDistinct(col("digest")).as("users"),
        avg(col("satisfied")).as("satisfaction"),
        count().filter(col("satisfied").isNull).as("errors"),
        max(col("took")).as("longest"),
        uid: "pages"
      )
      .toSink(output == "-" ? .console : .jsonLines(output), uid: "out", parallelism: 1)
  }
}

@c(volley_plugin_root)
public func root() -> UnsafePointer<volley_plugin> { export(Visits.self) }
