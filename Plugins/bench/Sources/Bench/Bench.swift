import Volley

/// `a * b + a` by a user function: what `volley-host bench --case udf` compares with the built-in expression.
struct UserFunctionBench: Pipeline {
  static let name = "udf"
  static let summary: String? = "a user function of two arguments, over rows in memory"

  @Parameter("How many subtasks each step has") var parallelism = 1

  func build(_ env: StreamExecutionEnvironment) {
    let multiplyAdd = udf("multiply-add") { (a: Double, b: Double) -> Double in a * b + a }
    env.fromSource(.connector("bench-memory", schema: ["a": .float64, "b": .float64]), uid: "memory")
      .withParallelism(parallelism)
      .select(multiplyAdd(col("a"), col("b")).as("result"))
      .withParallelism(parallelism)
      .toSink(.connector("bench-checksum"), uid: "checksum", parallelism: parallelism)
  }
}

/// A batch function that does nothing: what the boundary costs a batch.
struct BatchFunctionBench: Pipeline {
  static let name = "batch-function"
  static let summary: String? = "an empty batch function, over rows in memory"

  @Parameter("How many subtasks each step has") var parallelism = 1

  func build(_ env: StreamExecutionEnvironment) {
    env.fromSource(
      .connector("bench-memory", schema: ["a": .int64, "b": .float64, "c": .int64]), uid: "memory"
    )
    .batchFunction("nothing", output: ["a": .int64]) { _, _ in }
    .toSink(.connector("bench-checksum"), uid: "checksum")
  }
}

/// One row on standard output: from starting the host to its first record.
struct StartupBench: Pipeline {
  static let name = "startup"
  static let summary: String? = "one row on standard output"

  func build(_ env: StreamExecutionEnvironment) {
    env.fromSource(.generator(rows: 1, columns: ["n": .sequence()]), uid: "one")
      .filter(col("n") >= 0)
      .toSink(.stdout(.csv), uid: "out")
  }
}

@c(volley_plugin_root)
public func root() -> UnsafePointer<volley_plugin> {
  export(UserFunctionBench.self, BatchFunctionBench.self, StartupBench.self, ProcessBench.self, name: "bench")
}
