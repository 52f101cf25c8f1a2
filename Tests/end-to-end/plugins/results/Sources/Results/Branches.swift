import Volley

/// Two sources into one stream, one stream into four sinks, and steps of their own parallelism.
struct Branches: Pipeline {
  static let name = "branches"

  @Parameter var left: String
  @Parameter var right: String
  @Parameter var yes: String
  @Parameter var no: String
  @Parameter var unknown: String
  @Parameter var totals: String

  func build(_ env: StreamExecutionEnvironment) {
    let left = env.fromSource(files("csv", left), uid: "left").withColumn("from", lit("left"))
    let right = env.fromSource(files("json", right), uid: "right").withColumn("from", lit("right"))
    // Here the column may be null, as far as anybody can tell; in the others it is a constant.
    let same = udf("same") { (from: String?) -> String? in from }
    let again = left.filter(col("i64") > 0).extend(same(col("from")).as("from"))
    left.union(right, again)
      .tee { $0.filter(col("b")).select("id", "from", "s").toSink(.jsonLines(yes), uid: "yes") }
      .tee { $0.filter(!col("b")).withParallelism(1).select("id", "from", "s").toSink(.csv(no), uid: "no") }
      .tee { $0.filter(col("b").isNull).withParallelism(3).toSink(.jsonLines(unknown), uid: "unknown", parallelism: 1) }
      .keyBy("from").withParallelism(2)
      .aggregate(count(), sum(col("id")).as("ids"), uid: "totals")
      .toSink(.jsonLines(totals), uid: "totals-out", parallelism: 1)
  }
}
