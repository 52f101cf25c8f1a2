import Volley

/// Functions that refuse some orders, each some of its own: the others come out as if those had not been there.
struct Refusing: Pipeline {
  static let name = "refusing"

  @Parameter var input: String
  @Parameter var output: String

  struct Order: Codable {
    var id: Int64
    var user: String
    var amount: Int64
  }

  struct Refused: Error, CustomStringConvertible {
    var id: Int64
    var by: String
    var description: String { "\(by) refuses order \(id)" }
  }

  func build(_ env: StreamExecutionEnvironment) {
    // Rows of a user in order.
    checked(env.fromSource(orders(input), uid: "orders").withParallelism(1))
      .keyBy("user")
      .process("running", uid: "running") { Running() }
      .toSink(.jsonLines(output), uid: "out")
  }
}

private func orders(_ input: String) -> Source { .jsonLines(input, schema: Schema(Refusing.Order.self)) }

private func checked(_ orders: DataStream) -> DataStream {
  let check = udf("check") { (id: Int64, amount: Int64) throws -> Bool in
    if amount % 101 == 0 { throw Refusing.Refused(id: id, by: "check") }
    return true
  }
  return orders.filter(check(col("id"), col("amount")))
    .map { (order: Refusing.Order) in
      if order.amount % 103 == 0 { throw Refusing.Refused(id: order.id, by: "map") }
      return order
    }
}

private final class Running: KeyedProcessFunction {
  struct Row: Codable {
    var id: Int64
    var amount: Int64
  }
  struct Sum: Codable {
    var user: String
    var id: Int64
    var sum: Int64
    var seen: Int64
  }

  @State var sum = ValueState<Int64>()
  @State var seen = MapState<Int64, Int64>()

  func process(_ row: Row, context: Context<String, Sum>) throws {
    sum.value = (sum.value ?? 0) + row.amount
    seen[row.amount % 5] = (seen[row.amount % 5] ?? 0) + 1
    try context.emit(
      Sum(user: context.key, id: row.id, sum: sum.value ?? 0, seen: try seen.entries.map(\.value).reduce(0, +)))
    if row.amount % 107 == 0 { throw Refusing.Refused(id: row.id, by: "running") }
  }
}
