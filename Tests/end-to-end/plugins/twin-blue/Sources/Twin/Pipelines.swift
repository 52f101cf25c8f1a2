import Volley

/// Items of this twin's own, of the other's connector, and of a number source in C, summed up by both twins' sinks.
struct Mixed: Pipeline {
  static let name = "mixed"

  @Parameter var own: String
  @Parameter var others: String

  struct Tick: Codable {
    var n: Int
  }

  func build(_ env: StreamExecutionEnvironment) {
    // The other twin has a function of this name, which does something else.
    let mark = udf("mark") { (key: String) in "blue sees \(key)" }
    let items = env.fromSource(
      .connector("red-items", schema: ["origin": .utf8, "key": .utf8, "value": .int64]), uid: "items"
    )
    .extend(mark(col("key")).as("key"))
    let ticks = env.fromSource(.connector("ramp", schema: ["n": .int64], options: [("rows", .int(700))]), uid: "ramp")
      .map { (tick: Tick) in Parser().parse(tick.n, origin: "ramp") }.select("origin", "key", "value")
    let path = own
    ownItems(env).union(ticks, items)
      .tee { $0.toSink(.connector("red-totals", options: [("path", .string(others))]), uid: "others", parallelism: 1) }
      .toSink(.custom { _ in TotalsWriter(path: path) }, uid: "own", parallelism: 1)
  }
}

/// This twin's own items only.
struct Alone: Pipeline {
  static let name = "alone"

  @Parameter var own: String

  func build(_ env: StreamExecutionEnvironment) {
    let path = own
    ownItems(env).toSink(.custom { _ in TotalsWriter(path: path) }, uid: "own", parallelism: 1)
  }
}

private func ownItems(_ env: StreamExecutionEnvironment) -> DataStream {
  env.fromSource(.rows { (0..<500).map { Parser().parse($0, origin: "own") } }, uid: "own-items")
    .select("origin", "key", "value")
}
