import Volley

/// Revenue per user over orders.
struct __TYPE__: Pipeline {
  @Parameter("The files to read, JSON lines with user and amount") var input = "data/orders.jsonl"
  @Parameter("Orders up to this amount do not count") var minimum = 0.0

  func build(_ env: StreamExecutionEnvironment) {
    env.fromSource(.jsonLines(input, schema: ["user": .utf8, "amount": .float64]), uid: "orders")
      .filter(col("amount") > lit(minimum))
      .keyBy("user")
      .aggregate(sum(col("amount")).as("revenue"), count().as("orders"), uid: "revenue")
      .toSink(.console, uid: "out")
  }
}

@c(volley_plugin_root)
public func root() -> UnsafePointer<volley_plugin> { export(__TYPE__.self) }
