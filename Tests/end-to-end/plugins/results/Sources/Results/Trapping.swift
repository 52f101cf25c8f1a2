import Volley

/// Functions that trap on some orders, each on some of its own.
struct Trapping: Pipeline {
  static let name = "trapping"

  @Parameter var input: String
  @Parameter var output: String

  struct Order: Codable {
    var id: Int64
    var user: String
    var amount: Int64
  }

  func build(_ env: StreamExecutionEnvironment) {
    // Rows of a user in order.
    env.fromSource(.jsonLines(input, schema: Schema(Order.self)), uid: "orders").withParallelism(1)
      .map { (order: Order) in
        let rest: Int64? = order.amount % 1009 == 0 ? nil : order.amount % 1009
        // A force unwrap, as an author writes it.
        return Order(id: order.id, user: order.user, amount: order.amount - rest! + order.amount % 1009)
      }
      .keyBy("user")
      .process("running", uid: "running") { RunningSum() }
      .toSink(.jsonLines(output), uid: "out")
  }
}

private final class RunningSum: KeyedProcessFunction {
  struct Row: Codable {
    var id: Int64
    var amount: Int64
  }
  struct Sum: Codable {
    var user: String
    var id: Int64
    var sum: Int64
  }

  @State var sum = ValueState<Int64>()

  func process(_ row: Row, context: Context<String, Sum>) throws {
    sum.value = (sum.value ?? 0) + row.amount
    try context.emit(Sum(user: context.key, id: row.id, sum: sum.value ?? 0))
    let limits = [Int64](repeating: 1, count: row.amount % 1013 == 0 ? 1 : 2)
    // Beyond the end of an array.
    sum.value = (sum.value ?? 0) - limits[1] + 1
  }
}
