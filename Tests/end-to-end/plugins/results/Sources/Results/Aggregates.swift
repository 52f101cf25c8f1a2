import Volley

/// Every aggregate over every type that it takes, by a text and by a computed key.
struct Aggregates: Pipeline {
  static let name = "aggregates"

  @Parameter var input: String
  @Parameter var format: String
  @Parameter var out: String
  @Parameter var all: String

  func build(_ env: StreamExecutionEnvironment) {
    let rows = env.fromSource(files(format, input), uid: "rows")
    rows.filter(col("id") % 11 != 3)
      .keyBy("k", (col("id") % 53).as("bucket"))
      .aggregate(
        count(), count(col("f")).as("present"), sum(col("i32")).as("sum_i32"), sum(col("i64")).as("sum_i64"),
        sum(col("f")).as("sum_f"), min(col("i32")).as("min_i32"), max(col("i64")).as("max_i64"),
        min(col("g")).as("min_g"), max(col("g")).as("max_g"), min(col("s")).as("min_s"), max(col("s")).as("max_s"),
        min(col("b")).as("min_b"), max(col("t")).as("max_t"), avg(col("f")).as("avg_f"), avg(col("i64")).as("avg_i64"),
        sum(col("f") * 2 + col("i64")).as("sum_computed"), uid: "totals"
      )
      .toSink(.jsonLines(out), uid: "out", parallelism: 1)
    // One key, so one subtask has all the rows, and one whose type is not text.
    rows.keyBy("b").aggregate(count(), max(col("id")).as("last"), uid: "by-bool").withParallelism(1)
      .toSink(.csv(all), uid: "all", parallelism: 1)
  }
}

/// The new values after each record.
struct PerRecord: Pipeline {
  static let name = "per-record"

  @Parameter var input: String
  @Parameter var format: String
  @Parameter var out: String

  func build(_ env: StreamExecutionEnvironment) {
    env.fromSource(files(format, input), uid: "rows")
      .keyBy("k")
      .aggregate(
        count(), sum(col("i64")).as("sum"), max(col("id")).as("id"), avg(col("f")).as("avg"), uid: "running",
        emission: .perRecord
      )
      .toSink(.jsonLines(out), uid: "out", parallelism: 1)
  }
}
