import Volley

/// Rows without end: what a stop must leave whole.
struct Endless: Pipeline {
  static let name = "endless"

  @Parameter("rows a second, 0 for as many as there can be") var rate = 0
  @Parameter var csv: String
  @Parameter var json: String
  @Parameter var totals: String

  func build(_ env: StreamExecutionEnvironment) {
    let rows = env.fromSource(
      .generator(
        rate: rate == 0 ? nil : rate,
        columns: ["n": .sequence(), "key": .uniform(0...9), "word": .choice("a", "b,\"c\"")]),
      uid: "numbers")
    rows.tee { $0.toSink(.csv(csv), uid: "csv") }
      .tee { $0.toSink(.jsonLines(json), uid: "json", parallelism: 1) }
      .keyBy("key").aggregate(count(), max(col("n")).as("last"), uid: "totals")
      .toSink(.jsonLines(totals), uid: "totals-out", parallelism: 1)
  }
}
