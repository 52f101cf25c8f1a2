import Base
import TestSupport
import Testing
import Volley

/// Aggregates of the author's in running aggregates and windows of every kind, beside a reference that keeps the rows.
struct AggregateFunctionTests {
  struct Trade: Codable, Sendable {
    var symbol: String?
    var price: Double
    var volume: Int64?
    var note: String?
    var ts: Timestamp
  }

  /// A struct of several kinds of fields, an optional one among them, and a result that may be null.
  private struct Vwap: AggregateFunction {
    struct Row: Codable {
      var price: Double
      var volume: Int64?
    }
    struct Sums: Codable {
      var value = 0.0
      var volume: Int64 = 0
      var largest: Int64?
    }
    func makeAccumulator() -> Sums { Sums() }
    func add(_ row: Row, to sums: inout Sums) throws {
      guard let volume = row.volume else { return }
      if volume == 666 { throw VolleyError("the volume is 666") }
      sums.value += row.price * Double(volume)
      sums.volume += volume
      sums.largest = max(sums.largest ?? .min, volume)
    }
    func merge(_ other: Sums, into sums: inout Sums) {
      sums.value += other.value
      sums.volume += other.volume
      if let largest = other.largest { sums.largest = max(sums.largest ?? .min, largest) }
    }
    func result(of sums: Sums) -> Double? {
      sums.volume == 0 ? nil : sums.value / Double(sums.volume) + Double(sums.largest ?? 0)
    }
  }

  /// Texts in their order: shows that merging keeps it, and what lies outside of the accumulator's own bytes.
  private struct Texts: AggregateFunction {
    func makeAccumulator() -> String { "" }
    func add(_ text: String, to texts: inout String) { texts += text + ";" }
    func merge(_ other: String, into texts: inout String) { texts += other }
    func result(of texts: String) -> String { texts }
  }

  /// An argument and an accumulator that may be null: the greatest number, and nulls are counted as 7.
  private struct Greatest: AggregateFunction {
    func makeAccumulator() -> Int64? { nil }
    func add(_ number: Int64?, to greatest: inout Int64?) { greatest = max(greatest ?? .min, number ?? 7) }
    func merge(_ other: Int64?, into greatest: inout Int64?) {
      if let other { greatest = max(greatest ?? .min, other) }
    }
    func result(of greatest: Int64?) -> Int64? { greatest }
  }

  struct Result: Codable, Sendable, Hashable {
    var symbol: String?
    var windowStart: Timestamp?
    var windowEnd: Timestamp?
    var vwap: Double?
    var texts: String
    var greatest: Int64?
    var large: Int64?

    enum CodingKeys: String, CodingKey {
      case symbol
      case windowStart = "window_start"
      case windowEnd = "window_end"
      case vwap
      case texts
      case greatest
      case large
    }

    var text: String {
      let window = "\(windowStart?.microseconds ?? -1)..\(windowEnd?.microseconds ?? -1)"
      return "\(symbol ?? "null") \(window) \(vwap ?? -1) \(texts) \(greatest ?? -1) \(large ?? -1)"
    }
  }

  /// A result without a window.
  private struct Unbounded: Codable, Sendable {
    var symbol: String?
    var vwap: Double?
    var texts: String
    var greatest: Int64?
    var large: Int64?

    var result: Result { Result(symbol: symbol, vwap: vwap, texts: texts, greatest: greatest, large: large) }
  }

  /// What the aggregates of rows come to.
  private static func reference(
    _ symbol: String?, _ rows: [Trade], _ start: Int64? = nil, _ end: Int64? = nil
  ) -> Result {
    let sold = rows.filter { $0.volume != nil }
    let volume = sold.reduce(0) { $0 + ($1.volume ?? 0) }
    let value = sold.reduce(0.0) { $0 + $1.price * Double($1.volume ?? 0) }
    let largest = sold.compactMap(\.volume).max()
    return Result(
      symbol: symbol, windowStart: start.map { Timestamp(microseconds: $0) },
      windowEnd: end.map { Timestamp(microseconds: $0) },
      vwap: volume == 0 ? nil : value / Double(volume) + Double(largest ?? 0),
      texts: rows.compactMap { $0.note.map { $0 + ";" } }.joined(), greatest: rows.map { $0.volume ?? 7 }.max(),
      large: rows.filter { $0.price >= 50 }.map { $0.volume ?? 7 }.max())
  }

  /// Whole prices, so that sums of them are exact in any order.
  private func trades(_ generator: inout SeededGenerator, _ count: Int) -> [Trade] {
    var time: Int64 = -5_000
    return (0..<count).map { index in
      time += Int64.random(in: 0...40, using: &generator)
      return Trade(
        symbol: Int.random(in: 0..<9, using: &generator) == 0
          ? nil : "s\(Int.random(in: 0..<6, using: &generator))",
        price: Double(Int.random(in: 1...100, using: &generator)),
        volume: Int.random(in: 0..<5, using: &generator) == 0 ? nil : Int64.random(in: 1...50, using: &generator),
        note: Int.random(in: 0..<4, using: &generator) == 0 ? nil : "note \(index) which is longer than 12 bytes",
        ts: Timestamp(microseconds: time))
    }
  }

  private static func stream(_ env: StreamExecutionEnvironment, _ rows: [Trade]) -> DataStream {
    env.fromSource(.rows { rows }, uid: "trades").eventTime("ts", outOfOrderness: .zero)
  }

  private static func aggregates() -> (
    AggregateExpression, AggregateExpression, AggregateExpression, AggregateExpression
  ) {
    let greatest = udaf("greatest") { Greatest() }
    return (
      udaf("vwap") { Vwap() }().as("vwap"), udaf("texts") { Texts() }(col("note")).as("texts"),
      greatest(col("volume")).as("greatest"), greatest(col("volume")).filter(col("price") >= 50).as("large")
    )
  }

  private func check(
    _ rows: [Trade], _ label: String, _ wanted: [Result], parallelism: Int, batchRows: Int,
    _ assigner: @escaping @Sendable () -> WindowAssigner
  ) throws {
    let taken = Taken<Result>()
    let rig = try JobRig { env in
      let (vwap, texts, greatest, large) = Self.aggregates()
      Self.stream(env, rows).keyBy("symbol").window(assigner())
        .aggregate(vwap, texts, greatest, large, uid: "windows")
        .toSink(.eachRow { (row: Result) in taken.add(row) }, uid: "out", parallelism: 1)
    }
    try rig.run(parallelism: parallelism, batchRows: batchRows)
    #expect(taken.all.map(\.text).sorted() == wanted.map(\.text).sorted(), "\(label)")
  }

  private func windows(_ rows: [Trade], _ spans: (Trade) -> [Range<Int64>]) -> [Result] {
    struct Place: Hashable {
      var symbol: String?
      var span: Range<Int64>
    }
    var groups: [Place: [Trade]] = [:]
    for row in rows {
      for span in spans(row) { groups[Place(symbol: row.symbol, span: span), default: []].append(row) }
    }
    return groups.map { Self.reference($0.key.symbol, $0.value, $0.key.span.lowerBound, $0.key.span.upperBound) }
  }

  private func floor(_ time: Int64, _ size: Int64) -> Int64 {
    let rest = time % size
    return time - (rest < 0 ? rest + size : rest)
  }

  @Test(
    "in tumbling, sliding and session windows, merged from panes, sessions and other subtasks",
    arguments: [(1, 65_536), (1, 3), (2, 65_536), (2, 7)])
  func windows(parallelism: Int, batchRows: Int) throws {
    var generator = SeededGenerator()
    let rows = trades(&generator, 600)
    let label = "\(generator)"
    try check(
      rows, label,
      windows(rows) { row in
        let start = floor(row.ts.microseconds, 500)
        return [start..<(start + 500)]
      }, parallelism: parallelism, batchRows: batchRows
    ) { .tumbling(.microseconds(500)) }
    try check(
      rows, label,
      windows(rows) { row in
        let last = floor(row.ts.microseconds, 200)
        return (0..<4).map { last - $0 * 200 }.filter { $0 + 700 > row.ts.microseconds }.map { $0..<($0 + 700) }
      }, parallelism: parallelism, batchRows: batchRows
    ) { .sliding(.microseconds(700), by: .microseconds(200)) }
    var sessions: [Result] = []
    for (symbol, own) in Dictionary(grouping: rows, by: \.symbol) {
      var session: [Trade] = []
      func end() {
        guard let first = session.first, let last = session.last else { return }
        sessions.append(
          Self.reference(symbol, session, first.ts.microseconds, last.ts.microseconds + 150))
      }
      for row in own {
        if let last = session.last, row.ts.microseconds - last.ts.microseconds >= 150 {
          end()
          session = []
        }
        session.append(row)
      }
      end()
    }
    try check(rows, label, sessions, parallelism: parallelism, batchRows: batchRows) {
      .session(gap: .microseconds(150))
    }
  }

  @Test("running: the last result of each key, and each result per record", arguments: [1, 2])
  func running(parallelism: Int) throws {
    var generator = SeededGenerator()
    let rows = trades(&generator, 500)
    let (perBatch, perRecord) = (Taken<Result>(), Taken<Result>())
    for (taken, emission) in [(perBatch, Emission.perBatch), (perRecord, .perRecord)] {
      let rig = try JobRig { env in
        let (vwap, texts, greatest, large) = Self.aggregates()
        Self.stream(env, rows).keyBy("symbol")
          .aggregate(vwap, texts, greatest, large, uid: "running", emission: emission)
          .toSink(.eachRow { (row: Unbounded) in taken.add(row.result) }, uid: "out", parallelism: 1)
      }
      try rig.run(parallelism: parallelism, batchRows: 16)
    }
    let groups = Dictionary(grouping: rows, by: \.symbol)
    var last: [String?: Result] = [:]
    for result in perBatch.all { last[result.symbol] = result }
    #expect(
      last.values.map(\.text).sorted()
        == groups.map { Self.reference($0.key, $0.value).text }.sorted(), "\(generator)")
    let wanted = groups.flatMap { key, rows in
      rows.indices.map { Self.reference(key, Array(rows[...$0])).text }
    }
    #expect(perRecord.all.map(\.text).sorted() == wanted.sorted(), "\(generator)")
  }

  @Test("windows of a number of rows, and of all rows")
  func otherWindows() throws {
    var generator = SeededGenerator()
    let rows = trades(&generator, 300)
    var counts: [Result] = []
    for (symbol, own) in Dictionary(grouping: rows, by: \.symbol) {
      for start in stride(from: 0, to: own.count, by: 10) {
        counts.append(Self.reference(symbol, Array(own[start..<min(start + 10, own.count)])))
      }
    }
    let taken = Taken<Result>()
    let rig = try JobRig { env in
      let (vwap, texts, greatest, large) = Self.aggregates()
      Self.stream(env, rows).keyBy("symbol").window(.count(10)).aggregate(vwap, texts, greatest, large, uid: "counts")
        .toSink(
          .eachRow { (row: Unbounded) in taken.add(row.result) }, uid: "out", parallelism: 1)
    }
    try rig.run(parallelism: 1, batchRows: 7)
    #expect(taken.all.map(\.text).sorted() == counts.map(\.text).sorted(), "\(generator)")
    struct All: Codable, Sendable {
      var windowEnd: Timestamp
      var greatest: Int64?

      enum CodingKeys: String, CodingKey {
        case windowEnd = "window_end"
        case greatest
      }
    }
    let all = Taken<String>()
    let whole = try JobRig { env in
      let (_, _, greatest, _) = Self.aggregates()
      Self.stream(env, rows).windowAll(.tumbling(.microseconds(1_000))).aggregate(greatest, uid: "all")
        .toSink(
          .eachRow { (row: All) in all.add("\(row.windowEnd.microseconds) \(row.greatest ?? -1)") }, uid: "out",
          parallelism: 1)
    }
    try whole.run(parallelism: 2)
    let wanted = Dictionary(grouping: rows) { floor($0.ts.microseconds, 1_000) + 1_000 }
      .map { "\($0.key) \($0.value.map { $0.volume ?? 7 }.max() ?? -1)" }
    #expect(all.all.sorted() == wanted.sorted(), "\(generator)")
  }

  @Test("what the author's code throws ends the job with its text and the aggregate's name")
  func thrown() throws {
    let rows = [
      Trade(symbol: "a", price: 1, volume: 666, note: nil, ts: Timestamp(microseconds: 0))
    ]
    let rig = try JobRig { env in
      Self.stream(env, rows).keyBy("symbol").aggregate(udaf("vwap") { Vwap() }().as("v"), uid: "running")
        .toSink(.blackhole, uid: "out")
    }
    let failure = #expect(throws: Failure.self) { try rig.run() }
    #expect(failure?.message.contains("aggregate 'udaf:vwap' failed in 'accumulate': the volume is 666") == true)
  }

  private struct Nested: AggregateFunction {
    struct Parts: Codable { var parts: [String] }
    func makeAccumulator() -> Parts { Parts(parts: []) }
    func add(_ row: Int64, to parts: inout Parts) {}
    func merge(_ other: Parts, into parts: inout Parts) {}
    func result(of parts: Parts) -> Int64 { 0 }
  }

  @Test("what cannot be an aggregate is refused with a sentence when the plan is made")
  func refusals() {
    func refusal<F: AggregateFunction>(
      _ make: @escaping @Sendable () -> F, _ call: @escaping @Sendable (UserAggregate<F>) -> AggregateExpression
    ) -> String {
      JobRig.refusal { env in
        Self.stream(env, []).keyBy("symbol").aggregate(call(udaf("mine", make)), uid: "sums")
          .toSink(.blackhole, uid: "out")
      } ?? "not refused"
    }
    #expect(
      refusal({ Nested() }, { $0(col("volume")) }).contains(
        "aggregate 'mine': field 'parts' of row type Parts is a Array<String>: a field is a Bool"))
    #expect(
      refusal({ Texts() }, { $0() }).contains("aggregate 'mine': it takes an argument: call it with an expression"))
    #expect(
      refusal({ Texts() }, { $0(col("volume")) }).contains(
        "the argument 'argument' is int64, and the function takes utf8; cast it before, or change the function's type"))
    #expect(refusal({ Texts() }, { $0(col("nots")) }).contains("nots"))
  }
}
