import Volley

/// Lines that are typed, and shown at once.
struct Typed: Pipeline {
  static let name = "typed"

  func build(_ env: StreamExecutionEnvironment) {
    let shout = udf("shout") { (line: String) in "\(line)!" }
    env.fromSource(.stdin(.lines, schema: ["line": .utf8]), uid: "keyboard")
      .select(shout(col("line")).as("line"))
      .toSink(.console, uid: "screen")
  }
}

/// The same by way of a keyed step with subtasks of its own.
struct TypedTotals: Pipeline {
  static let name = "typed-totals"

  func build(_ env: StreamExecutionEnvironment) {
    env.fromSource(.stdin(.lines, schema: ["line": .utf8]), uid: "keyboard")
      .keyBy("line").withParallelism(2)
      .aggregate(count(), uid: "lines")
      .toSink(.console, uid: "screen")
  }
}
