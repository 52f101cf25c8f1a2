import Volley

/// Keyed process functions that do one thing to each row: what `volley-host bench process` measures.
struct ProcessBench: Pipeline {
  static let name = "process"
  static let summary: String? = "states and timers of process functions, over rows in memory"

  func build(_ env: StreamExecutionEnvironment) {
    let rows = env.fromSource(
      .connector("bench-memory", schema: ["key": .int64, "value": .int64, "ts": .timestamp]), uid: "memory"
    ).eventTime("ts", outOfOrderness: .zero).keyBy("key")
    let results = [
      rows.process("none", uid: "none") { Nothing() }, rows.process("value", uid: "value") { OneValue() },
      rows.process("aggregating", uid: "aggregating") { OneSum() }, rows.process("map", uid: "map") { OneEntry() },
      rows.process("map-put", uid: "map-put") { OnePut() }, rows.process("list", uid: "list") { OneItem() },
      rows.process("timer", uid: "timer") { OneTimer() },
    ]
    for (index, result) in results.enumerated() { result.toSink(.connector("bench-checksum"), uid: "out-\(index)") }
  }
}

private struct Row: Codable { var value: Int64 }

/// What the call itself costs.
private struct Nothing: KeyedProcessFunction {
  func process(_ row: Row, context: Context<Int64, Row>) {}
}

/// Reads a value and writes it.
private final class OneValue: KeyedProcessFunction {
  @State var sum = ValueState<Int64>()
  func process(_ row: Row, context: Context<Int64, Row>) { sum.value = (sum.value ?? 0) &+ row.value }
}

/// Adds to an accumulator.
private final class OneSum: KeyedProcessFunction {
  @State var sum = AggregatingState<Int64, Int64, Int64>(initial: 0, add: { $0 &+= $1 }, result: { $0 })
  func process(_ row: Row, context: Context<Int64, Row>) { sum.add(row.value) }
}

/// Reads an entry that is there; the first row of a key puts eight.
private final class OneEntry: KeyedProcessFunction {
  @State var entries = MapState<Int64, Int64>()
  func process(_ row: Row, context: Context<Int64, Row>) throws {
    if let value = entries[row.value & 7] {
      if value != row.value & 7 { throw Wrong() }
    } else {
      for key in Int64(0)..<8 { entries[key] = key }
    }
  }
  struct Wrong: Error {}
}

/// Writes an entry, mostly one that is there.
private final class OnePut: KeyedProcessFunction {
  @State var entries = MapState<Int64, Int64>()
  func process(_ row: Row, context: Context<Int64, Row>) { entries[row.value & 7] = row.value }
}

/// Appends an item; one row in 64 takes the list away.
private final class OneItem: KeyedProcessFunction {
  @State var items = ListState<Int64>()
  func process(_ row: Row, context: Context<Int64, Row>) {
    if row.value & 63 == 0 { items.clear() } else { items.append(row.value) }
  }
}

/// Registers a timer, which fires some batches later.
private final class OneTimer: KeyedProcessFunction {
  @State var fired = ValueState<Int64>()
  func process(_ row: Row, context: Context<Int64, Row>) {
    guard let time = context.timestamp else { return }
    context.timers.register(at: Timestamp(microseconds: time.microseconds + 100_000))
  }
  func onTimer(_ timer: FiredTimer, context: Context<Int64, Row>) {}
}
