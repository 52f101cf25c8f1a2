import Volley

/// A filter and one column for each kind of expression.
struct Expressions: Pipeline {
  static let name = "expressions"

  @Parameter var input: String
  @Parameter var format: String
  @Parameter var out: String

  func build(_ env: StreamExecutionEnvironment) {
    env.fromSource(files(format, input), uid: "rows")
      .filter((col("i64") > -500 && col("s").isNotNull) || col("b"))
      .select(
        "id",
        (col("i32") + col("i64")).as("added"),
        (col("f") * 2.5 - col("g")).as("mixed"),
        (col("f") / (col("g") + 3000)).as("ratio"),
        (col("i64") % 7).as("rest"),
        (col("i64") / 3).as("quotient"),
        (-col("i32")).as("negated"),
        (col("b") && col("i32") > 0).as("both"),
        (col("b") || col("i64") <= 0).as("either"),
        (!col("b")).as("opposite"),
        (col("s") == "x").as("is_x"),
        (col("k") != col("s")).as("differs"),
        (col("s") < col("k")).as("before"),
        (col("t") >= lit(Timestamp(microseconds: 946_684_800_000_000))).as("late"),
        col("i64").cast(to: .utf8).as("text"),
        col("i64").cast(to: .float64).as("wide"),
        col("f").cast(to: .int64).as("whole"),
        col("b").cast(to: .int32).as("bit"),
        when(col("i64") > 300, then: "large").when(col("i64") > 0, then: col("s")).otherwiseNull().as("size"),
        when(col("f").isNull, then: 0.5).otherwise(col("f")).as("filled")
      )
      .withColumn("again", col("added") + 1)
      .toSink(.jsonLines(out), uid: "out")
  }
}
