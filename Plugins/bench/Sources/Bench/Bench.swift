import Volley

/// What `volley-host bench` measures of user code: a function of two arguments.
struct UserFunctionBench: Pipeline {
  static let name = "udf"
  static let summary: String? = "a user function of two arguments over generated rows"

  @Parameter("Rows to generate") var rows = 1_000_000

  func build(_ env: StreamExecutionEnvironment) {
    let product = udf("product") { (left: Double, right: Double) -> Double in left * right }
    env.fromSource(
      .generator(rows: rows, columns: ["left": .uniform(0.0..<1.0), "right": .uniform(0.0..<1.0)]), uid: "rows"
    )
    .select(product(col("left"), col("right")).as("product"))
    .toSink(.blackhole, uid: "out")
  }
}

/// What `volley-host bench` measures of the boundary: a batch function that hands on what it gets.
struct BatchFunctionBench: Pipeline {
  static let name = "batch-function"
  static let summary: String? = "an empty batch function over generated rows"

  @Parameter("Rows to generate") var rows = 1_000_000

  func build(_ env: StreamExecutionEnvironment) {
    let columns: Schema = ["left": .float64, "right": .float64]
    env.fromSource(
      .generator(rows: rows, columns: ["left": .uniform(0.0..<1.0), "right": .uniform(0.0..<1.0)]), uid: "rows"
    )
    .batchFunction("pass", output: columns) { batch, output in try output.emit(batch) }
    .toSink(.blackhole, uid: "out")
  }
}

@c(volley_plugin_root)
public func root() -> UnsafePointer<volley_plugin> {
  export(UserFunctionBench.self, BatchFunctionBench.self, name: "bench")
}
