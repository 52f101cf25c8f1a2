import Volley

/// What electricity meters tell, looked at with every kind of code that a plugin can bring. `Plugins/plain-c` has the same pipeline in
/// plain C; both give the same rows.
struct Meters: Pipeline {
  static let name = "meters"
  static let summary: String? = "what electricity meters tell: jumps, loads, spreads, costs and samples"

  @Parameter("CSV files with meter, at and watts, a path or a pattern") var input = "data/*.csv"
  @Parameter("How many files are read at once; a meter is in one of them") var interleave = 1
  @Parameter("The folder for the results, each a folder in it") var output = "out"
  @Parameter("By how many watts a reading has to differ from the one before it to count as a jump") var jump = 500

  static let readings = Schema([
    Field("meter", .int64, nullable: false), Field("at", .timestamp, nullable: false),
    Field("watts", .int64, nullable: false),
  ])

  func build(_ env: StreamExecutionEnvironment) {
    let load = udaf("load") { Load() }
    let charge = udf("charge") { (watts: Int64, price: Int64) in Double(watts * price) / 1000 }

    let readings = env.fromSource(.csv(input, schema: Self.readings).interleaved(interleave), uid: "readings")
      .withParallelism(1)
      .eventTime(as: "time", "clocks", period: .seconds(1)) { Clocks() }

    let jumps = readings.keyBy("meter").process("jumps", sideOutputs: ["hours": Jumps.Hour.self], uid: "jumps") {
      Jumps()
    }
    write(jumps, "minutes")
    write(jumps.sideOutput("hours"), "hours")

    write(
      readings.keyBy("meter").window(.sliding(.seconds(120), by: .seconds(60)))
        .aggregate(load().as("load"), count().as("readings"), uid: "loads"), "loads")
    write(readings.keyBy("meter").aggregate(load().as("load"), uid: "load", emission: .perRecord), "load")
    write(
      readings.keyBy("meter").window(.session(gap: .seconds(45)))
        .aggregate(load().as("load"), count().as("readings"), uid: "sessions"), "sessions")
    write(
      readings.keyBy("meter").window(.tumbling(.seconds(300))).process("spread", uid: "spreads") { Spread() },
      "spreads")

    write(
      readings.asyncMap("tariff", capacity: 64, rowsPerCall: 8) { (reading: Tariff.Reading) in
        try await Tariff.priced(reading)
      }
      .withColumn("cost", charge(col("watts"), col("price"))), "costs")
    write(
      readings.batchFunction("samples", output: Schema(Samples.Sample.self)) { Samples() }, "samples")
  }

  private func write(_ stream: DataStream, _ name: String) {
    stream.toSink(.jsonLines("\(output)/\(name)/"), uid: "\(name)-out")
  }
}

@c(volley_plugin_root)
public func root() -> UnsafePointer<volley_plugin> { export(Meters.self) }
