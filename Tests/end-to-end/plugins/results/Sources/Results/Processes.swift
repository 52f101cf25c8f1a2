import Volley

/// What there was of each key, told at the end of the input by a timer; and each row's text that is new to its key.
struct Processes: Pipeline {
  static let name = "processes"

  @Parameter var input: String
  @Parameter var format: String
  @Parameter var totals: String
  @Parameter var firsts: String

  func build(_ env: StreamExecutionEnvironment) {
    let told = env.fromSource(files(format, input), uid: "in")
      .filter(col("t").isNotNull)
      .eventTime("t", outOfOrderness: .zero)
      .keyBy("k")
      .process("tally", sideOutputs: ["firsts": Tally.First.self], uid: "tally") { Tally() }
    told.toSink(.jsonLines(totals), uid: "totals", parallelism: 1)
    told.sideOutput("firsts").toSink(.jsonLines(firsts), uid: "firsts", parallelism: 1)
  }
}

private final class Tally: KeyedProcessFunction {
  struct Row: Codable {
    var id: Int64
    var s: String?
    var i64: Int64?
  }
  struct Total: Codable {
    var k: String?
    var rows: Int64
    var numbers: Int64?
    var texts: Int64
    var ids: Int64
  }
  struct First: Codable {
    var k: String?
    var s: String
  }

  @State var rows = ValueState<Int64>()
  @State var numbers = AggregatingState<Int64, Int64, Int64>(initial: 0, add: { $0 += $1 }, result: { $0 })
  @State var texts = MapState<String, Int64>()
  @State var ids = ListState<Int64>()

  func process(_ row: Row, context: Context<String?, Total>) throws {
    rows.value = (rows.value ?? 0) + 1
    if let number = row.i64 { numbers.add(number) }
    ids.append(row.id)
    if let text = row.s {
      if texts[text] == nil { try context.output("firsts", First(k: context.key, s: text)) }
      texts[text] = (texts[text] ?? 0) + 1
    }
    // 9999-12-31T23:59:59Z
    context.timers.register(at: Timestamp(microseconds: 253_402_300_799_000_000))
    // Never fires.
    context.timers.register(at: Timestamp(microseconds: 253_402_300_799_000_001))
    context.timers.delete(at: Timestamp(microseconds: 253_402_300_799_000_001))
  }

  func onTimer(_ timer: FiredTimer, context: Context<String?, Total>) throws {
    try context.emit(
      Total(
        k: context.key, rows: rows.value ?? -1, numbers: numbers.result, texts: Int64(try texts.entries.count),
        ids: ids.items.reduce(0, +)))
    rows.clear()
    numbers.clear()
    texts.clear()
    ids.clear()
  }
}
