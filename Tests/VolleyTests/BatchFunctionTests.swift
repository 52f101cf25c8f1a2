import CVolley
import Testing
import Volley
import VolleyPlan

@Suite("Batch functions")
struct BatchFunctionTests {
  private let host = MiniHost()
  private let fields = [Field("a", .int64), Field("c", .utf8)]

  /// Puts even and odd rows apart, holds the last number back until the end, and counts.
  final class Splitter: BatchFunction {
    var last: Int?
    var context: TaskContext?
    func open(_ context: TaskContext) { self.context = context }
    func process(_ batch: Batch, to output: Output) throws {
      let numbers = try batch.column("a", as: Int.self)
      let texts = try batch.column("c", as: String.self)
      let odd = output.builder(1)
      var oddNumbers = try odd.column("a", as: Int.self)
      var oddTexts = try odd.column("c", as: String.self)
      for row in 0..<batch.rowCount {
        guard let number = numbers[row] else { continue }
        last = number
        if number % 2 != 0 {
          oddNumbers.append(number)
          oddTexts.append(texts[row])
        }
      }
      try output.emit(odd, output: 1)
      try output.emit(batch, output: 0)
      try context?.count("batches")
      try context?.count("rows", by: batch.rowCount)
    }
    func flush(to output: Output) throws {
      let builder = output.builder(1)
      var numbers = try builder.column("a", as: Int.self)
      numbers.append(last)
      var texts = try builder.column("c", as: String.self)
      texts.append("last, of \(context?.parameter("total", as: Int.self) ?? -1)")
      try output.emit(builder, output: 1)
    }
  }

  private func split() throws -> (Built, MiniHost.Instance) {
    let built = try Built.of { [fields] env in
      let streams = env.example().batchFunction("split", outputs: [Schema(fields), Schema(fields)]) { Splitter() }
      streams[0].toSink(.blackhole, uid: "even")
      streams[1].toSink(.blackhole, uid: "odd")
    }
    let instance = try built.create(
      host, kind: VOLLEY_KIND_BATCH_FUNCTION, function: "split:1", inputs: [fields], outputs: [fields, fields],
      subtask: 1, parallelism: 3)
    return (built, instance)
  }

  @Test("emit on several outputs, keep state, count, log and read parameters")
  func outputs() throws {
    host.state.parameters["total"] = "12"
    let (built, instance) = try split()
    try instance.open()
    for (numbers, texts) in [([1, nil, 2], ["x", "y", nil]), ([4], ["z"]), ([5, 7], [nil, "seven"])]
      as [([Int64?], [String?])]
    {
      var batch = ArrowArray()
      let isAlive = ArrayMemory.make([.int64(numbers), .text(texts)], padding: 2, parentOffset: 3, into: &batch)
      try MiniHost.check { instance.batch.process(instance.pointer, 0, &batch, $0) }
      // The batch that was passed on was a view of the input's memory; the host has released it.
      #expect(!isAlive())
    }
    try MiniHost.check { instance.batch.flush(instance.pointer, $0) }
    try instance.close()
    let odd = host.state.emitted.filter { $0.output == 1 }.map(\.columns)
    let all = host.state.emitted.filter { $0.output == 0 }.map(\.columns)
    #expect(
      odd == [
        [.int64([1]), .text(["x"])], [.int64([5, 7]), .text([nil, "seven"])],
        [.int64([7]), .text(["last, of 12"])],
      ])
    #expect(
      all == [
        [.int64([1, nil, 2]), .text(["x", "y", nil])], [.int64([4]), .text(["z"])],
        [.int64([5, 7]), .text([nil, "seven"])],
      ])
    #expect(host.state.counters == ["batches": 3, "rows": 6])
    withExtendedLifetime(built) {}
  }

  @Test("stop with the host's error when it refuses a batch, and leak nothing")
  func refusal() throws {
    let (built, instance) = try split()
    host.state.refusal = "the job stops"
    try instance.open()
    var batch = ArrowArray()
    let isAlive = ArrayMemory.make([.int64([1]), .text(["x"])], into: &batch)
    #expect(
      throws: MiniHost.Refused(
        message: "the job stops", domain: VOLLEY_DOMAIN_EXTERNAL, retry: VOLLEY_RETRY_LATER, code: 7)
    ) { try MiniHost.check { instance.batch.process(instance.pointer, 0, &batch, $0) } }
    #expect(!isAlive())
    try instance.close()
    withExtendedLifetime(built) {}
  }

  private func run(
    _ output: Schema, host: MiniHost? = nil, _ body: @escaping @Sendable (Batch, Output) throws -> Void
  ) throws -> [[MiniHost.Cells]] {
    let host = host ?? self.host
    let built = try Built.of { $0.example().batchFunction("f", output: output, body).toSink(.blackhole, uid: "out") }
    let instance = try built.create(
      host, kind: VOLLEY_KIND_BATCH_FUNCTION, function: "f:1", inputs: [fields], outputs: [output.fields])
    try instance.open()
    var batch = ArrowArray()
    let isAlive = ArrayMemory.make([.int64([1, 2, nil]), .text(["x", nil, "z"])], padding: 1, into: &batch)
    defer { #expect(!isAlive()) }
    defer { try? instance.close() }
    try MiniHost.check { instance.batch.process(instance.pointer, 0, &batch, $0) }
    return host.state.emitted.map(\.columns)
  }

  @Test("pass columns on beside new ones, and rows beside columns are refused when they do not fit")
  func columns() throws {
    let passed = try run(["c": .utf8, "n": .int64, "same": .int64]) { batch, output in
      let builder = output.builder()
      try builder.pass("c", from: batch)
      try builder.pass("same", from: batch, column: "a")
      var n = try builder.column("n", as: Int.self)
      n.append(contentsOf: 0..<batch.rowCount)
      #expect(builder.rowCount == 3)
      try output.emit(builder)
      #expect(builder.rowCount == 0)
      try output.emit(builder)
    }
    #expect(passed == [[.text(["x", nil, "z"]), .int64([0, 1, 2]), .int64([1, 2, nil])]])
  }

  struct Row: Codable {
    var n: Int
    var c: String?
  }

  @Test("build batches from rows")
  func rows() throws {
    let built = try run(["c": .utf8, "n": .int64, "other": .bool]) { batch, output in
      let builder = output.builder()
      for n in 0..<2000 { try builder.append(Row(n: n, c: n % 2 == 0 ? nil : "odd")) }
      try output.emit(builder)
    }
    #expect(
      built == [
        [
          .text((0..<2000).map { $0 % 2 == 0 ? nil : "odd" }), .int64((0..<2000).map { $0 }),
          .bool([Bool?](repeating: nil, count: 2000)),
        ]
      ])
  }

  @Test("read columns in place")
  func spans() throws {
    _ = try run(["x": .float64]) { batch, output in
      let column = try batch.column("a", as: Int.self)
      #expect(column.count == 3 && column.nullCount == 1)
      #expect(column[0] == 1 && column[2] == nil && column.isNull(2) && !column.isNull(0))
      #expect(column.withUnsafeValues { values in values[0] + values[1] } == 3)
      #expect(try batch.rows(as: Pair.self).map(\.c) == ["x", nil, "z"])
      let builder = output.builder()
      var x = try builder.column("x", as: Double.self)
      x.append(0.5)
      x.appendNull()
      try output.emit(builder)
    }
    #expect(host.state.emitted.map(\.columns) == [[.double([0.5, nil])]])
  }

  struct Pair: Codable {
    var a: Int?
    var c: String?
  }

  @Test("are told what is wrong with a batch")
  func refused() {
    func message(_ output: Schema, _ body: @escaping @Sendable (Batch, Output) throws -> Void) -> String? {
      do {
        _ = try run(output, body)
        return nil
      } catch { return "\(error)" }
    }
    let x: Schema = ["x": .int64, "y": .int64]
    #expect(
      message(x) { batch, output in _ = try batch.column("b", as: Int.self) }
        == "there is no column 'b': the columns are a, c")
    #expect(
      message(x) { batch, output in _ = try batch.column("a", as: Double.self) }
        == "column 'a' is int64, not float64 (Double)")
    #expect(
      message(x) { batch, output in _ = try output.builder().column("z", as: Int.self) }
        == "there is no column 'z': the columns are x, y")
    #expect(
      message(x) { batch, output in
        let builder = output.builder()
        var column = try builder.column("x", as: Int.self)
        column.append(1)
        try output.emit(builder)
      } == "column 'y' has 0 rows and another has 1: give each column the same number")
    #expect(
      message(x) { batch, output in try output.emit(batch) }
        == "output 0 has the columns x: int64, y: int64, and the batch has a: int64, c: utf8")
    #expect(
      message(x) { batch, output in try output.emit(output.builder(), output: 1) }
        == "there is no output 1: the function declared 1")
    #expect(
      message(x) { batch, output in try output.builder().pass("x", from: batch, column: "c") }
        == "column 'x' is int64, and the column to pass is utf8")
    #expect(
      message(Schema([Field("x", .int64, nullable: false)])) { batch, output in
        let builder = output.builder()
        try builder.pass("x", from: batch, column: "a")
        try output.emit(builder)
      } == "column 'x' may not be null, and 1 of its rows are")
  }

  @Test("say so when the host cannot take batches, and go without its log and counters")
  func poorHost() throws {
    let poor = MiniHost(interfaces: false)
    #expect(
      throws: MiniHost.Refused(
        message: "this host lacks the interface emit/1, so a batch function cannot give rows: use a newer host")
    ) { try run(Schema(fields), host: poor) { batch, output in try output.emit(batch) } }
    _ = try run(Schema(fields), host: poor) { batch, output in
      log(.error, "nobody hears")
      try TaskContext.current?.count("nothing")
      #expect(TaskContext.current?.parameter("p", as: Int.self) == nil)
    }
  }

  @Test("count up only")
  func negativeCount() throws {
    #expect(
      throws: MiniHost.Refused(
        message: "counter 'left' was to change by -1: counters only grow, so count what goes down apart")
    ) { try run(Schema(fields), host: host) { _, _ in try TaskContext.current?.count("left", by: -1) } }
    #expect(host.state.counters.isEmpty)
  }

  @Test("are asked for by id and kind")
  func unknown() throws {
    let built = try Built.of { $0.fromSource(.rows { [Row(n: 1)] }, uid: "in").toSink(.blackhole, uid: "out") }
    #expect(
      throws: MiniHost.Refused(
        message: "pipeline 'example' has no function 'source:9'", domain: VOLLEY_DOMAIN_INTERNAL)
    ) { _ = try built.create(host, kind: VOLLEY_KIND_SOURCE, function: "source:9") }
    #expect(
      throws: MiniHost.Refused(
        message: "function 'source:0' is of kind 3, and the host asked for kind 4", domain: VOLLEY_DOMAIN_INTERNAL)
    ) { _ = try built.create(host, kind: VOLLEY_KIND_SINK, function: "source:0") }
  }

  @Test("refuse batches that do not have the declared shape, and free them")
  func malformed() throws {
    let (built, instance) = try split()
    try instance.open()
    func process(_ columns: [MiniHost.Cells], _ change: (inout ArrowArray) -> Void = { _ in }) -> String? {
      var batch = ArrowArray()
      let isAlive = ArrayMemory.make(columns, into: &batch)
      change(&batch)
      defer { #expect(!isAlive()) }
      do {
        try MiniHost.check { instance.batch.process(instance.pointer, 0, &batch, $0) }
        return nil
      } catch { return error.message }
    }
    #expect(process([.int64([1])]) == "a batch came with 1 columns where 2 were declared")
    #expect(
      process([.int64([1]), .int64([1])])
        == "column 'c' came with 2 buffers and 1 rows: expected 3 buffers and 1 rows for utf8")
    #expect(
      process([.int64([1]), .text(["x"])]) { $0.children[0]!.pointee.length = 0 }
        == "column 'a' came with 2 buffers and 0 rows: expected 2 buffers and 1 rows for int64")
    try instance.close()
    withExtendedLifetime(built) {}
  }
}
