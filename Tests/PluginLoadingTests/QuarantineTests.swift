import Base
import Observability
import Operators
import Planning
import TestSupport
import Testing
import Volley
import VolleyPlan

/// Records on which functions of the SDK's throw, in jobs that set them aside: the others come out as in a run that never
/// saw them.
struct QuarantineTests {
  struct Order: Codable, Sendable, Equatable {
    var id: Int64
    var user: String
    var amount: Int64
    var ts: Timestamp

    var isBad: Bool { amount < 0 }
  }

  struct Told: Codable, Sendable {
    var user: String
    var text: String
  }

  private struct Refused: Error, CustomStringConvertible {
    var id: Int64
    var description: String { "order \(id) is not for us" }
  }

  /// Orders of which a few are bad, some of them one behind the other, the first and the last among them. A bad one has the
  /// time of the one before: event time is where it would be without it.
  private static func orders(_ random: inout SeededGenerator, count: Int = 2_000) -> [Order] {
    var orders: [Order] = []
    var (time, badLeft) = (Int64(0), 1)
    for index in 0..<count {
      if Int.random(in: 0..<80, using: &random) == 0 { badLeft = Int.random(in: 1...3, using: &random) }
      let isBad = badLeft > 0 || index == count - 1
      badLeft -= isBad ? 1 : 0
      if !isBad { time += Int64.random(in: 0..<50, using: &random) }
      let amount = Int64.random(in: 1..<1_000, using: &random)
      orders.append(
        Order(
          id: Int64(index), user: "u\(Int.random(in: 0..<20, using: &random))", amount: isBad ? -amount : amount,
          ts: Timestamp(microseconds: time)))
    }
    return orders
  }

  private func options(_ folder: TemporaryFolder, limit: Int = 1_000) -> QuarantineOptions {
    QuarantineOptions(
      directory: folder.file("aside"), limit: limit,
      plugin: QuarantinePlace.Plugin(name: "sdk", version: "1.0.0", sha256: "abc"), hasEpochs: false)
  }

  /// The lines of an operator's folder, none of which is hidden, by the number of their order.
  private func lines(_ folder: TemporaryFolder, _ uid: String) throws -> [JSONValue] {
    let text = TestProcess.run(["sh", "-c", "cat aside/\(uid)/*.jsonl"], folder: folder.path)
    #expect(TestProcess.run(["find", "aside/\(uid)", "-name", ".*"], folder: folder.path).output == "")
    return try text.output.split(separator: "\n").map { try JSONValue.parse(String($0)) }.sorted {
      Self.id($0) ?? -1 < Self.id($1) ?? -1
    }
  }

  private static func id(_ line: JSONValue) -> Int64? {
    if case .int(let id)? = line["record"]?["id"] { id } else { nil }
  }

  /// Runs a pipeline over all orders with a quarantine, and over the good ones without, and compares.
  private func compare(
    _ uid: String, function: String, sorted: Bool = false, parallelism: Int = 1, batchRows: Int,
    _ build: @escaping @Sendable (DataStream) -> DataStream
  ) async throws {
    var random = SeededGenerator()
    let orders = Self.orders(&random)
    let folder = TemporaryFolder()
    func run(_ rows: [Order], _ quarantine: QuarantineOptions?) async throws -> [String] {
      let taken = Taken<String>()
      let rig = try JobRig { env in
        build(env.fromSource(.rows { rows }, uid: "orders").eventTime("ts", outOfOrderness: .zero))
          .toSink(.eachRow { (row: Told) in taken.add("\(row.user) \(row.text)") }, uid: "out", parallelism: 1)
      }
      try await rig.runApart(parallelism: parallelism, batchRows: batchRows, quarantine: quarantine)
      return sorted ? taken.all.sorted() : taken.all
    }
    let wanted = try await run(orders.filter { !$0.isBad }, nil)
    let found = try await run(orders, options(folder))
    #expect(found == wanted, "seed \(random.seed)")
    let aside = try lines(folder, uid)
    let bad = orders.filter(\.isBad)
    #expect(aside.map(Self.id) == bad.map(\.id), "seed \(random.seed)")
    for (line, order) in zip(aside, bad) {
      #expect(line["record"]?["amount"] == .int(order.amount))
      guard case .string(let error)? = line["error"] else { throw Refused(id: order.id) }
      #expect(error.hasSuffix("order \(order.id) is not for us"))
      #expect(line["uid"] == .string(uid) && line["function"] == .string(function))
      #expect(line["plugin"] == .string("sdk") && line["version"] == .string("1.0.0"))
      #expect(line["sha256"] == .string("abc") && (line["epoch"] ?? .null) == .null && line["input"] == .int(0))
    }
  }

  /// Writes all it has to every kind of state and sets timers before it looks at the row.
  private final class Everything: KeyedProcessFunction {
    struct Row: Codable {
      var id: Int64
      var amount: Int64
      var ts: Timestamp
    }
    @State var sum = ValueState<Int64>()
    @State var recent = ListState<Int64>()
    @State var counts = MapState<Int64, Int64>()

    func process(_ row: Row, context: Context<String, Told>) throws {
      sum.value = (sum.value ?? 0) + row.amount
      recent.append(row.id)
      counts[row.amount % 7] = (counts[row.amount % 7] ?? 0) + 1
      if row.id % 5 == 0 { recent.items = recent.items.suffix(3) }
      if row.id % 11 == 0 { counts[row.amount % 3] = nil }
      let entries = try counts.entries.map { "\($0.key):\($0.value)" }.joined(separator: " ")
      context.timers.register(at: Timestamp(microseconds: row.ts.microseconds + 40 + row.amount % 5))
      if row.id % 3 == 0 {
        context.timers.delete(at: Timestamp(microseconds: row.ts.microseconds + 41))
      }
      try context.emit(Told(user: context.key, text: "\(row.id) \(sum.value ?? 0) \(recent.items) \(entries)"))
      if row.amount < 0 { throw Refused(id: row.id) }
    }

    func onTimer(_ timer: FiredTimer, context: Context<String, Told>) throws {
      try context.emit(Told(user: context.key, text: "at \(timer.time.microseconds)"))
    }
  }

  @Test(
    "a keyed process function leaves no trace of a row on which it throws: no value, item, entry, timer or row",
    arguments: [(1, 65_536), (1, 100), (1, 1), (2, 64)])
  func keyed(parallelism: Int, batchRows: Int) async throws {
    try await compare(
      "everything", function: "everything:3", sorted: true, parallelism: parallelism, batchRows: batchRows
    ) { $0.keyBy("user").process("everything", uid: "everything") { Everything() } }
  }

  @Test("map and flatMap go on without the rows that they refuse, in order", arguments: [65_536, 33])
  func rows(batchRows: Int) async throws {
    try await compare("map-2", function: "map:2", batchRows: batchRows) { stream in
      stream.map { (order: Order) in
        if order.isBad { throw Refused(id: order.id) }
        return Told(user: order.user, text: "\(order.id)")
      }
    }
    try await compare("flatMap-2", function: "flatMap:2", batchRows: batchRows) { stream in
      stream.flatMap { (order: Order) in
        if order.isBad { throw Refused(id: order.id) }
        return (0..<order.amount % 4).map { Told(user: order.user, text: "\(order.id) \($0)") }
      }
    }
  }

  @Test("what a batch function emitted before it threw goes nowhere", arguments: [65_536, 33])
  func batches(batchRows: Int) async throws {
    try await compare("early-2", function: "early:2", batchRows: batchRows) { stream in
      stream.batchFunction("early", output: Schema(Told.self)) { batch, output in
        for order in try batch.rows(as: Order.self) {
          let builder = output.builder()
          try builder.append(Told(user: order.user, text: "\(order.id)"))
          try output.emit(builder)
          if order.isBad { throw Refused(id: order.id) }
        }
      }
    }
  }

  @Test("scalar functions of a filter and of computed columns", arguments: [65_536, 33])
  func scalars(batchRows: Int) async throws {
    let check = udf("check") { (id: Int64, amount: Int64) throws -> Bool in
      if amount < 0 { throw Refused(id: id) }
      return amount % 3 != 0
    }
    let spell = udf("spell") { (id: Int64, amount: Int64) throws -> String in
      if amount < 0 { throw Refused(id: id) }
      return "\(id) \(amount)"
    }
    try await compare("filter-2", function: "udf:check", batchRows: batchRows) { stream in
      stream.filter(check(col("id"), col("amount"))).select(col("user"), spell(col("id"), col("amount")).as("text"))
    }
    try await compare("select-2", function: "udf:spell", batchRows: batchRows) { stream in
      stream.select(col("user"), spell(col("id"), col("amount")).as("text"))
    }
  }

  @Test(
    "an asynchronous function, one row or several a call, in order or not",
    arguments: [(AnswerOrder.ordered, 1, 16), (.ordered, 16, 40), (.unordered, 7, 20)])
  func answers(order: AnswerOrder, rowsPerCall: Int, capacity: Int) async throws {
    try await compare("later-2", function: "later:2", sorted: order == .unordered, batchRows: 500) { stream in
      stream.asyncMap("later", capacity: capacity, rowsPerCall: rowsPerCall, timeout: nil, order: order) {
        (order: Order) in
        await Task.yield()
        if order.isBad { throw Refused(id: order.id) }
        return Told(user: order.user, text: "\(order.id)")
      }
    }
  }

  @Test("one record more than the limit ends the job with a sentence; up to it they are counted as dead letters")
  func limit() throws {
    let rows = (0..<100 as Range<Int64>).map {
      Order(id: $0, user: "u", amount: $0 % 10 == 5 ? -1 : 1, ts: Timestamp(microseconds: $0))
    }
    let rig = try JobRig { env in
      env.fromSource(.rows { rows }, uid: "orders").map { (order: Order) in
        if order.isBad { throw Refused(id: order.id) }
        return Told(user: order.user, text: "\(order.id)")
      }.toSink(.blackhole, uid: "out")
    }
    let folder = TemporaryFolder()
    let reports = try rig.run(quarantine: options(folder, limit: 10))
    #expect(reports.map(\.counts.deadLetters).reduce(0, +) == 10)
    #expect(try lines(folder, "map-1").count == 10)
    let again = TemporaryFolder()
    let failure = #expect(throws: Failure.self) { try rig.run(quarantine: options(again, limit: 9)) }
    #expect(
      failure?.message
        == "stage 'map': 9 records of 'map-1' are in quarantine, as many as --quarantine-limit allows in a subtask, and one more "
        + "was refused: plugin 'sdk': function 'map:1' failed in 'process': order 95 is not for us")
  }

  @Test("a failure that is not the records' ends the job as before: of something outside, and of a timer")
  func others() throws {
    let folder = TemporaryFolder()
    let rows = [Order(id: 1, user: "u", amount: 1, ts: Timestamp(microseconds: 1))]
    let outside = try JobRig { env in
      env.fromSource(.rows { rows }, uid: "orders").map { (order: Order) -> Order in
        throw VolleyError("the broker is away", domain: .external)
      }.toSink(.blackhole, uid: "out")
    }
    let failure = #expect(throws: Failure.self) { try outside.run(quarantine: options(folder)) }
    #expect(failure?.message.hasSuffix("failed in 'process': the broker is away") == true)
  }
}
