import Volley

@c(volley_plugin_root)
public func root() -> UnsafePointer<volley_plugin> { export(Counter.self, name: "counter") }

/// Each row tells how many of its key there were: what a version keeps of a key is what the versions differ in.
struct Counter: Pipeline {
  static let name = "counter"

  @Parameter var output: String
  @Parameter("rows a second, 0 for as many as there can be") var rate: Int
  @Parameter var rows: Int

  func build(_ env: StreamExecutionEnvironment) {
    env.fromSource(
      .generator(rows: rows, rate: rate == 0 ? nil : rate, columns: ["n": .sequence(), "k": .uniform(0...20)]),
      uid: "in"
    )
    .keyBy("k")
    .process("count", uid: "visits") { Visits() }
    .toSink(.jsonLines(output), uid: "out")
  }
}

private final class Visits: KeyedProcessFunction {
  struct Row: Codable { var n: Int64 }
  struct Total: Codable {
    var k: Int64
    var total: String
  }

  #if VERSION_1
    struct Visit: Codable { var total: Int32 }
  #elseif VERSION_2
    struct Visit: Codable {
      var total: Int64
      var last: Int64?
    }
  #else
    struct Visit: Codable { var total: String }
  #endif

  @State var visit = ValueState<Visit>()
  @State var recent = ListState<Int64>()

  func process(_ row: Row, context: Context<Int64, Total>) throws {
    #if VERSION_1
      let now = Visit(total: (visit.value?.total ?? 0) + 1)
    #elseif VERSION_2
      let now = Visit(total: (visit.value?.total ?? 0) + 1, last: row.n)
    #else
      let now = Visit(total: "\((visit.value.flatMap { Int($0.total) } ?? 0) + 1)")
    #endif
    visit.value = now
    recent.append(row.n)
    try context.emit(Total(k: context.key, total: "\(now.total)"))
  }
}
