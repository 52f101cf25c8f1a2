import Base
import TestSupport
import Testing
import Volley

/// Window functions of the author's: all rows of a window at once.
struct WindowFunctionTests {
  struct Event: Codable, Sendable {
    var user: String?
    var number: Int64
    var note: String?
    var ts: Timestamp
  }
  struct Told: Codable, Sendable {
    var user: String?
    var windowStart: Timestamp?
    var windowEnd: Timestamp?
    var numbers: String

    enum CodingKeys: String, CodingKey {
      case user
      case windowStart = "window_start"
      case windowEnd = "window_end"
      case numbers
    }

    var text: String {
      "\(user ?? "null") \(windowStart?.microseconds ?? -1)..\(windowEnd?.microseconds ?? -1) \(numbers)"
    }
  }
  struct Late: Codable, Sendable { var number: Int64 }
  struct Many: Codable, Sendable { var count: Int64 }

  private final class List: ProcessWindowFunction {
    struct Row: Codable {
      var number: Int64
      var note: String?
      /// The key is a column as well.
      var user: String?
    }
    func process(_ rows: [Row], context: WindowContext<String?, Told>) throws {
      if rows.contains(where: { $0.number == 666 }) { throw VolleyError("the number is 666") }
      if rows.contains(where: { $0.user != context.key }) { throw VolleyError("a row of another key") }
      try context.emit(
        Told(
          user: context.key, windowStart: context.start, windowEnd: context.end,
          numbers: rows.map { "\($0.number)\($0.note ?? "")" }.joined(separator: ",")))
      if rows.count > 5 { try context.output("many", Many(count: Int64(rows.count))) }
    }
  }

  private final class All: ProcessWindowFunction {
    struct Row: Codable { var number: Int64 }
    func process(_ rows: [Row], context: WindowContext<NoKey, Told>) throws {
      try context.emit(
        Told(
          user: nil, windowStart: context.start, windowEnd: context.end,
          numbers: "\(rows.reduce(0) { $0 + $1.number })"))
    }
  }

  private func events(_ generator: inout SeededGenerator, _ count: Int) -> [Event] {
    var time: Int64 = -3_000
    return (0..<count).map { index in
      time += Int64.random(in: 0...30, using: &generator)
      return Event(
        user: Int.random(in: 0..<9, using: &generator) == 0 ? nil : "u\(Int.random(in: 0..<5, using: &generator))",
        number: Int64(index), note: Int.random(in: 0..<3, using: &generator) == 0 ? nil : "n\(index % 7)",
        ts: Timestamp(microseconds: time))
    }
  }

  private func told(_ user: String?, _ rows: [Event], _ start: Int64? = nil, _ end: Int64? = nil) -> Told {
    Told(
      user: user, windowStart: start.map { Timestamp(microseconds: $0) },
      windowEnd: end.map { Timestamp(microseconds: $0) },
      numbers: rows.map { "\($0.number)\($0.note ?? "")" }.joined(separator: ","))
  }

  private func floor(_ time: Int64, _ size: Int64) -> Int64 {
    let rest = time % size
    return time - (rest < 0 ? rest + size : rest)
  }

  @Test(
    "every window comes once, with its key, bounds and rows in their order", arguments: [(1, 65_536), (1, 3), (2, 11)])
  func windows(parallelism: Int, batchRows: Int) throws {
    var generator = SeededGenerator()
    let rows = events(&generator, 500)
    let kinds: [(WindowAssigner, (Event) -> [Range<Int64>])] = [
      (
        .tumbling(.microseconds(400)),
        { row in
          let start = floor(row.ts.microseconds, 400)
          return [start..<(start + 400)]
        }
      ),
      (
        .sliding(.microseconds(600), by: .microseconds(200)),
        { row in
          let last = floor(row.ts.microseconds, 200)
          return (0..<3).map { (last - $0 * 200)..<(last - $0 * 200 + 600) }
        }
      ),
    ]
    for (assigner, spans) in kinds {
      struct Place: Hashable {
        var user: String?
        var span: Range<Int64>
      }
      var groups: [Place: [Event]] = [:]
      for row in rows { for span in spans(row) { groups[Place(user: row.user, span: span), default: []].append(row) } }
      let (taken, many) = (Taken<Told>(), Taken<Int64>())
      let rig = try JobRig { env in
        let made = env.fromSource(.rows { rows }, uid: "in").eventTime("ts", outOfOrderness: .zero).keyBy("user")
          .window(assigner).process("list", sideOutputs: ["many": Many.self], uid: "list") { List() }
        made.toSink(.eachRow { (row: Told) in taken.add(row) }, uid: "out", parallelism: 1)
        made.sideOutput("many").toSink(.eachRow { (row: Many) in many.add(row.count) }, uid: "many", parallelism: 1)
      }
      try rig.run(parallelism: parallelism, batchRows: batchRows)
      let wanted = groups.map { told($0.key.user, $0.value, $0.key.span.lowerBound, $0.key.span.upperBound).text }
      #expect(taken.all.map(\.text).sorted() == wanted.sorted(), "\(generator)")
      #expect(
        many.all.sorted() == groups.values.map { Int64($0.count) }.filter { $0 > 5 }.sorted(), "\(generator)")
    }
  }

  @Test("sessions, windows of a number of rows, windows of all rows")
  func otherWindows() throws {
    var generator = SeededGenerator()
    let rows = events(&generator, 300)
    var (sessions, counts): ([String], [String]) = ([], [])
    for (user, own) in Dictionary(grouping: rows, by: \.user) {
      var session: [Event] = []
      for (index, row) in own.enumerated() {
        session.append(row)
        let isLast = index + 1 == own.count || own[index + 1].ts.microseconds - row.ts.microseconds >= 100
        guard isLast, let first = session.first else { continue }
        sessions.append(told(user, session, first.ts.microseconds, row.ts.microseconds + 100).text)
        session = []
      }
      for start in stride(from: 0, to: own.count, by: 4) {
        counts.append(told(user, Array(own[start..<min(start + 4, own.count)])).text)
      }
    }
    let (ofSession, ofCount, ofAll) = (Taken<String>(), Taken<String>(), Taken<String>())
    let rig = try JobRig { env in
      let stream = env.fromSource(.rows { rows }, uid: "in").eventTime("ts", outOfOrderness: .zero)
      func keyed(_ assigner: WindowAssigner, _ uid: String, _ taken: Taken<String>) {
        let made = stream.keyBy("user").window(assigner)
          .process("list", sideOutputs: ["many": Many.self], uid: uid) { List() }
        made.toSink(.eachRow { (row: Told) in taken.add(row.text) }, uid: uid + "-out", parallelism: 1)
        made.sideOutput("many").toSink(.blackhole, uid: uid + "-many")
      }
      keyed(.session(gap: .microseconds(100)), "sessions", ofSession)
      keyed(.count(4), "counts", ofCount)
      stream.windowAll(.tumbling(.microseconds(1_000))).process("all", uid: "all") { All() }
        .toSink(.eachRow { (row: Told) in ofAll.add(row.text) }, uid: "all-out", parallelism: 1)
    }
    try rig.run(parallelism: 2, batchRows: 13)
    #expect(ofSession.all.sorted() == sessions.sorted(), "\(generator)")
    #expect(ofCount.all.sorted() == counts.sorted(), "\(generator)")
    let wanted = Dictionary(grouping: rows) { floor($0.ts.microseconds, 1_000) }.map { start, rows in
      "null \(start)..\(start + 1_000) \(rows.reduce(0) { $0 + $1.number })"
    }
    #expect(ofAll.all.sorted() == wanted.sorted(), "\(generator)")
  }

  @Test("late rows go to their stream, behind the function's outputs; its results are windowed further by window_end")
  func lateRows() throws {
    let rows = [(0, 10), (1, 20), (2, 250), (3, 30), (4, 260)].map { number, time in
      Event(user: "a", number: Int64(number), note: nil, ts: Timestamp(microseconds: Int64(time)))
    }
    struct Bounded: Codable, Sendable {
      var windowEnd: Timestamp
      var rows: Int64

      enum CodingKeys: String, CodingKey {
        case windowEnd = "window_end"
        case rows
      }
    }
    final class Counting: ProcessWindowFunction {
      struct Row: Codable { var number: Int64 }
      func process(_ rows: [Row], context: WindowContext<String?, Bounded>) throws {
        try context.emit(
          Bounded(windowEnd: context.end ?? Timestamp(microseconds: 0), rows: Int64(rows.count)))
      }
    }
    struct Sum: Codable, Sendable {
      var windowEnd: Timestamp
      var all: Int64

      enum CodingKeys: String, CodingKey {
        case windowEnd = "window_end"
        case all
      }
    }
    let (late, sums) = (Taken<Int64>(), Taken<String>())
    let rig = try JobRig { env in
      env.fromSource(.rows { rows }, uid: "in").eventTime("ts", outOfOrderness: .zero).keyBy("user")
        .window(.tumbling(.microseconds(100)))
        .sideOutputLate { $0.toSink(.eachRow { (row: Late) in late.add(row.number) }, uid: "late", parallelism: 1) }
        .process("count", uid: "count") { Counting() }
        .windowAll(.tumbling(.microseconds(1_000))).aggregate(sum(col("rows")).as("all"), uid: "sum")
        .toSink(
          .eachRow { (row: Sum) in sums.add("\(row.windowEnd.microseconds) \(row.all)") }, uid: "out", parallelism: 1)
    }
    try rig.run(batchRows: 1)
    #expect(late.all == [3])
    #expect(sums.all == ["1000 4"])
  }

  @Test("what it throws ends the job with its text; what does not fit is refused before")
  func refusals() throws {
    @Sendable func stream(_ env: StreamExecutionEnvironment, _ number: Int64 = 1) -> DataStream {
      env.fromSource(
        .rows { [Event(user: "a", number: number, note: nil, ts: Timestamp(microseconds: 0))] }, uid: "in"
      ).eventTime("ts", outOfOrderness: .zero)
    }
    let rig = try JobRig { env in
      let made = stream(env, 666).keyBy("user").window(.tumbling(.seconds(1)))
        .process("list", sideOutputs: ["many": Many.self], uid: "list") { List() }
      made.toSink(.blackhole, uid: "out")
      made.sideOutput("many").toSink(.blackhole, uid: "many")
    }
    let failure = #expect(throws: Failure.self) { try rig.run() }
    #expect(failure?.message.contains("function 'list:3' failed in 'process': the number is 666") == true)
    let noKey = JobRig.refusal { env in
      stream(env).keyBy("user").window(.tumbling(.seconds(1))).process("all", uid: "all") { All() }
        .toSink(.blackhole, uid: "out")
    }
    #expect(
      noKey?.contains("all 'all': its Key is NoKey, and the windows are of one key each: take the key's type") == true)
    let updating = JobRig.refusal { env in
      stream(env).windowAll(.tumbling(.seconds(1))).emission(.updating).process("all", uid: "all") { All() }
        .toSink(.blackhole, uid: "out")
    }
    #expect(
      updating?.contains("a window function is given the rows of a closed window; take final results, and no trigger")
        == true)
  }
}
