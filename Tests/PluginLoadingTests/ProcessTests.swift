import Arrow
import Base
import CPlatform
import Dataflow
import Glibc
import Synchronization
import TestSupport
import Testing
import Volley
import VolleyPlan

@testable import Operators

private typealias Field = VolleyPlan.Field

private struct Row: Codable {
  var value: Int64
}

private struct Result: Codable {
  var user: String
  var number: Int64
}

private struct Note: Codable {
  var text: String
}

private struct Broken: Error, CustomStringConvertible {
  var description: String { "the row is broken" }
}

private let fields = [
  Field("user", .utf8, nullable: false), Field("value", .int64, nullable: false),
  Field("ts", .timestamp, nullable: false),
]

/// Keyed process functions of the SDK's behind the host's operator and adapter.
struct ProcessTests {
  private func rig<Function: KeyedProcessFunction>(
    memory: StateMemory? = nil, hasEventTime: Bool = true, sides: Bool = false,
    _ make: @escaping @Sendable () -> Function
  ) throws -> ProcessRig {
    try ProcessRig(input: fields, keys: ["user"], hasEventTime: hasEventTime, memory: memory) { stream in
      let result = stream.process(
        "test", sideOutputs: sides ? ["notes": Note.self, "others": Row.self] : [:], uid: "test", make)
      if sides {
        result.sideOutput("notes").toSink(.blackhole, uid: "notes")
        result.sideOutput("others").toSink(.blackhole, uid: "others")
      }
      result.toSink(.blackhole, uid: "out")
    }
  }

  private func give(_ rig: ProcessRig, _ rows: [(String, Int64, Int64)]) throws(Failure) {
    try rig.give([.texts(rows.map(\.0)), .of(.int64, rows.map { $0.1 }), .times(rows.map(\.2))])
  }

  // MARK: States

  private final class Sums: KeyedProcessFunction {
    @State var sum = ValueState<Int64>()
    func process(_ row: Row, context: Context<String, Result>) throws {
      if row.value < 0 { throw Broken() }
      sum.value = (sum.value ?? 0) + row.value
      if row.value == 0 { sum.clear() }
      try context.emit(Result(user: context.key, number: sum.value ?? -1))
    }
  }

  @Test("rows of one key in one batch see each other's writes, and those of former batches; a cleared value is gone")
  func values() throws {
    let rig = try rig { Sums() }
    try give(rig, [("a", 1, 0), ("b", 10, 0), ("a", 2, 0)])
    try give(rig, [("b", 5, 0), ("a", 0, 0), ("a", 7, 0), ("c", 0, 0)])
    #expect(rig.rows() == ["a 1", "b 10", "a 3", "b 15", "a -1", "a 7", "c -1"])
    // A key that has nothing is forgotten.
    #expect(rig.made.keyCount == 2)
  }

  @Test("what a call that throws wrote, set and emitted has not happened")
  func failure() throws {
    let rig = try rig { Sums() }
    try give(rig, [("a", 1, 0)])
    let failure = #expect(throws: Failure.self) { try give(rig, [("a", 100, 0), ("z", 3, 0), ("a", -1, 0)]) }
    #expect(failure?.message == "plugin 'sdk': function 'test:2' failed in 'process': the row is broken")
    try give(rig, [("a", 1, 0), ("z", 1, 0)])
    #expect(rig.rows() == ["a 1", "a 2", "z 1"])
  }

  private struct Everything: Codable, Equatable {
    var flag: Bool
    var small: Int8
    var number: Double
    var name: String
    var long: String?
    var bytes: [UInt8]
    var time: Timestamp?
    var count: Int?
  }

  /// A struct function with structs of every kind of field in each kind of state.
  private struct Structs: KeyedProcessFunction {
    @State var last = ValueState<Everything>()
    @State var all = ListState<Everything>()
    @State var byNumber = MapState<Int32, Everything>()
    @State var byText = MapState<String, String>()
    @State var mean = AggregatingState<Int64, Row, Double>(
      initial: Row(value: 0), add: { $0.value += $1 }, result: { Double($0.value) })

    func process(_ row: Row, context: Context<String, Result>) throws {
      let value = Self.sample(row.value)
      if row.value > 0 {
        guard last.value == Self.sample(row.value - 1), all.items == (0..<row.value).map(Self.sample),
          byNumber[Int32(row.value - 1)] == Self.sample(row.value - 1),
          byText["key \(row.value - 1) that is longer than twelve bytes"] == "text \(row.value - 1)",
          try byText.entries.count == row.value
        else { throw Broken() }
      }
      last.value = value
      all.append(value)
      byNumber[Int32(row.value)] = value
      byText["key \(row.value) that is longer than twelve bytes"] = "text \(row.value)"
      mean.add(row.value)
      try context.emit(Result(user: context.key, number: Int64(mean.result ?? -1)))
    }

    static func sample(_ number: Int64) -> Everything {
      Everything(
        flag: number % 2 == 0, small: Int8(truncatingIfNeeded: number), number: Double(number) / 3, name: "n\(number)",
        long: number % 3 == 0 ? nil : String(repeating: "ü", count: Int(number)),
        bytes: (0..<UInt8(number % 20)).map { $0 },
        time: number % 2 == 0 ? nil : Timestamp(microseconds: number), count: number % 5 == 0 ? nil : Int(number))
    }
  }

  @Test(
    "structs of all kinds of fields are kept as values, items, entries and accumulators, across batches of any size")
  func structs() throws {
    let rig = try rig { Structs() }
    var random = SeededGenerator()
    var next = 0
    while next < 60 {
      let count = Int.random(in: 1...7, using: &random)
      // Two keys that go side by side.
      try give(rig, (next..<next + count).flatMap { [("a", Int64($0), 0), ("b", Int64($0), 0)] })
      next += count
    }
    #expect(rig.rows() == (0..<next).flatMap { ["a \($0 * ($0 + 1) / 2)", "b \($0 * ($0 + 1) / 2)"] })
  }

  private final class Maps: KeyedProcessFunction {
    @State var seen = MapState<Int64, Int64>()
    func process(_ row: Row, context: Context<String, Result>) throws {
      switch row.value {
      case ..<0:
        seen[100] = 1
        seen[-row.value] = nil
        seen[7] = 7
        seen[7] = nil
        throw Broken()
      case 1000:
        // Removed and put while pages go on.
        try seen.forEachEntry { key, value in
          seen[key] = nil
          if key % 2 == 0 { seen[key] = value + 1 }
        }
      case 2000: seen.clear()
      default: seen[row.value] = (seen[row.value] ?? 0) + 1
      }
      var sum: Int64 = 0
      try seen.forEachEntry { sum += $0 * $1 }
      try context.emit(Result(user: context.key, number: sum))
    }
  }

  @Test("entries are put, removed, paged and cleared; a call that throws leaves them as they were")
  func maps() throws {
    let rig = try rig { Maps() }
    for value in 1...600 { try give(rig, [("a", Int64(value), 0)]) }
    #expect(rig.rows().last == "a \(600 * 601 / 2)")
    #expect(throws: Failure.self) { try give(rig, [("a", -5, 0)]) }
    try give(rig, [("b", 3, 0), ("a", 1000, 0)])
    // Even keys stay, with a value of 2.
    #expect(rig.rows() == ["b 3", "a \(300 * 301 * 2)"])
    try give(rig, [("a", 2000, 0), ("b", 2000, 0)])
    #expect(rig.rows() == ["a 0", "b 0"])
    #expect(rig.made.keyCount == 0)
  }

  /// Does with a map what a number says, and with a list of entries in their order, which is what it should be.
  private final class Twins: KeyedProcessFunction, @unchecked Sendable {  // One thread at a time.
    @State var map = MapState<Int64, Int64>()
    var model: [(key: Int64, value: Int64)] = []
    /// What the map was when a call last returned.
    var committed: [(key: Int64, value: Int64)] = []

    func process(_ row: Row, context: Context<String, Result>) throws {
      let (kind, key) = row.value.quotientAndRemainder(dividingBy: 1_000)
      switch kind {
      case 0...5: put(key, row.value)
      case 6, 7: remove(key)
      case 8:
        map.clear()
        model = []
      case 9:
        // Removes some that it has seen or will see, puts some again, and must end.
        var seen: [Int64] = []
        let before = model.map(\.key)
        try map.forEachEntry { entry, _ in
          seen.append(entry)
          if entry % 3 == 0 { remove(entry) }
          if entry % 7 == 0 { put(entry, key) }
          remove((entry &* 31 &+ key) % 1_000)
        }
        guard Set(seen).count == seen.count, Set(seen).isSubset(of: before) else { throw Broken() }
        let missed = Set(before).subtracting(seen)
        guard model.allSatisfy({ !missed.contains($0.key) || $0.value == key }) else { throw Broken() }
      default: throw Thrown()
      }
      let entries = try map.entries
      guard entries.elementsEqual(model, by: { $0 == $1 }) else { throw Broken() }
      guard map[key] == model.first(where: { $0.key == key })?.value else { throw Broken() }
    }

    private func put(_ key: Int64, _ value: Int64) {
      map[key] = value
      if let index = model.firstIndex(where: { $0.key == key }) {
        model[index].value = value
      } else {
        model.append((key, value))
      }
    }

    private func remove(_ key: Int64) {
      map[key] = nil
      model.removeAll { $0.key == key }
    }

    struct Thrown: Error {}
  }

  @Test("random writes, clears, pages and failures leave a map's entries in the order in which they were put")
  func randomMaps() throws {
    var random = SeededGenerator()
    for _ in 0..<10 {
      let made = Mutex<Twins?>(nil)
      let rig = try rig {
        let twins = Twins()
        made.withLock { $0 = twins }
        return twins
      }
      let twins = try #require(made.withLock { $0 })
      for _ in 0..<40 {
        let count = Int.random(in: 1...200, using: &random)
        let fails = Int.random(in: 0..<4, using: &random) == 0
        var rows = (0..<count).map { _ -> (String, Int64, Int64) in
          // Mostly puts; a pass over all now and then.
          let kind = [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 9, 8].randomElement(using: &random) ?? 0
          return ("a", Int64(kind) * 1_000 + Int64.random(in: 0..<700, using: &random), 0)
        }
        if fails { rows.append(("a", 10_000, 0)) }
        twins.committed = twins.model
        do throws(Failure) {
          try give(rig, rows)
          #expect(!fails)
        } catch {
          guard fails, "\(error)".contains("Thrown") else {
            Issue.record("\(error), \(random)")
            return
          }
          twins.model = twins.committed
        }
      }
    }
  }

  /// Puts an entry and clears the map, row by row.
  private final class Clearing: KeyedProcessFunction {
    @State var map = MapState<Int64, Int64>()
    func process(_ row: Row, context: Context<String, Result>) throws {
      map[row.value] = 1
      map.clear()
      guard try map.entries.isEmpty else { throw Broken() }
    }
  }

  @Test("a map that is cleared in each row of a batch is empty each time")
  func clearing() throws { try give(try rig { Clearing() }, (0..<32_000).map { ("a", $0, Int64(0)) }) }

  private final class Lists: KeyedProcessFunction {
    @State var items = ListState<String>()
    func process(_ row: Row, context: Context<String, Result>) throws {
      switch row.value {
      case -1:
        items.append("lost")
        items.clear()
        items.append("lost as well, and longer")
        throw Broken()
      case -2: items.items = items.items.reversed()
      case -3: items.clear()
      default: items.append("item \(row.value) of \(context.key)")
      }
      try context.emit(Result(user: items.items.joined(separator: ","), number: Int64(items.items.count)))
    }
  }

  @Test("lists are appended to, replaced and cleared; a call that throws leaves them as they were")
  func lists() throws {
    let rig = try rig { Lists() }
    try give(rig, [("a", 1, 0), ("b", 1, 0), ("a", 2, 0)])
    _ = rig.rows()
    #expect(throws: Failure.self) { try give(rig, [("a", 3, 0), ("a", -1, 0)]) }
    try give(rig, [("a", -2, 0), ("b", 2, 0)])
    #expect(rig.rows() == ["item 2 of a,item 1 of a 2", "item 1 of b,item 2 of b 2"])
    try give(rig, [("a", -3, 0), ("a", 9, 0), ("b", -3, 0)])
    #expect(rig.rows() == [" 0", "item 9 of a 1", " 0"])
    #expect(rig.made.keyCount == 1)
  }

  // MARK: Time to live

  private final class Mortal: KeyedProcessFunction {
    @State var value = ValueState<Int64>(timeToLive: .seconds(10))
    @State var list = ListState<Int64>(timeToLive: .seconds(20))
    @State var map = MapState<Int64, Int64>(timeToLive: .seconds(30))
    func process(_ row: Row, context: Context<String, Result>) throws {
      try context.emit(
        Result(
          user: context.key,
          number: (value.value == nil ? 0 : 100) + Int64(list.items.count) * 10 + Int64(try map.entries.count)))
      if row.value > 0 {
        value.value = row.value
        list.append(row.value)
        map[row.value] = row.value
      }
    }
  }

  @Test("what was not written for its time to live is gone, entries of a map one by one, and its memory with it")
  func timeToLive() throws {
    let rig = try rig { Mortal() }
    func at(_ seconds: Int64, _ value: Int64) throws {
      rig.manual.advance(to: ProcessingTime(microseconds: seconds * 1_000_000))
      try give(rig, [("a", value, 0)])
    }
    try at(0, 1)
    try at(9, 0)
    try at(10, 0)
    try at(15, 2)
    try at(24, 0)
    try at(29, 0)
    try at(30, 0)
    try at(35, 0)
    try at(45, 0)
    #expect(rig.rows() == ["a 0", "a 111", "a 11", "a 11", "a 122", "a 22", "a 21", "a 1", "a 0"])
    #expect(rig.made.keyCount == 0)
    try give(rig, (0..<1000).map { ("key \($0)", 1, 0) })
    #expect(rig.made.keyCount == 1000)
    // Without input: the operator wakes by itself.
    try rig.wait(until: 100_000_000)
    #expect(rig.made.keyCount == 0)
    #expect(rig.made.wakeTime == nil)
  }

  // MARK: Timers

  private final class Alarms: KeyedProcessFunction {
    @State var last = ValueState<Int64>()
    func process(_ row: Row, context: Context<String, Result>) throws {
      last.value = row.value
      switch row.value {
      case 0..<1000: context.timers.register(at: Timestamp(microseconds: row.value))
      case 1000..<2000: context.timers.delete(at: Timestamp(microseconds: row.value - 1000))
      case 2000..<3000: context.timers.registerProcessingTime(at: Timestamp(microseconds: row.value - 2000))
      case 3000..<4000: context.timers.deleteProcessingTime(at: Timestamp(microseconds: row.value - 3000))
      default:
        context.timers.register(at: Timestamp(microseconds: -row.value))
        throw Broken()
      }
    }

    func onTimer(_ timer: FiredTimer, context: Context<String, Result>) throws {
      #expect(context.timestamp == timer.time)
      let clock = timer.clock == .eventTime ? "" : "!"
      try context.emit(Result(user: context.key + clock, number: timer.time.microseconds))
      if timer.time.microseconds == 50 && timer.clock == .eventTime {
        // Before another one of the key that is due as well, one in its place, and one in the past.
        context.timers.register(at: Timestamp(microseconds: 55))
        context.timers.delete(at: Timestamp(microseconds: 60))
        context.timers.register(at: Timestamp(microseconds: 5))
      }
      if timer.time.microseconds == 990 { context.timers.register(at: Timestamp(microseconds: 995)) }
    }
  }

  @Test("event timers fire by their times when the watermark reaches them, each once, and not when they were deleted")
  func eventTimers() throws {
    let rig = try rig { Alarms() }
    try give(rig, [("a", 30, 0), ("a", 20, 0), ("b", 20, 0), ("a", 20, 0), ("a", 40, 0), ("a", 1030, 0)])
    try rig.watermark(19)
    #expect(rig.rows() == [])
    try rig.watermark(20)
    #expect(rig.rows() == ["a 20", "b 20"])
    // In the past: right after the call. One that is deleted in the call that sets it never fires.
    try give(rig, [("c", 3, 0), ("c", 15, 0), ("c", 1015, 0)])
    #expect(rig.rows() == ["c 3"])
    try rig.watermark(45)
    #expect(rig.rows() == ["a 40"])
    try give(rig, [("a", 50, 0), ("a", 60, 0), ("a", 70, 0), ("b", 52, 0)])
    try rig.watermark(100)
    #expect(rig.rows().filter { $0.hasPrefix("a") } == ["a 50", "a 5", "a 55", "a 70"])
  }

  @Test("timers that a call that throws set are not set")
  func failedTimers() throws {
    let rig = try rig { Alarms() }
    #expect(throws: Failure.self) { try give(rig, [("a", 20, 0), ("a", -30, 0)]) }
    try rig.watermark(1000)
    #expect(rig.rows() == [])
    #expect(rig.made.keyCount == 0)
  }

  @Test("processing timers fire by the clock, also without input; at the end they do not, and all event timers do")
  func processingTimers() throws {
    let rig = try rig { Alarms() }
    rig.manual.advance(to: ProcessingTime(microseconds: 100))
    try give(rig, [("a", 2300, 0), ("a", 2050, 0), ("a", 2200, 0), ("b", 2200, 0), ("b", 3200, 0), ("a", 2900, 0)])
    #expect(rig.rows() == ["a! 50"])
    #expect(rig.made.wakeTime == ProcessingTime(microseconds: 200))
    try rig.wait(until: 299)
    #expect(rig.rows() == ["a! 200"])
    try rig.wait(until: 300)
    #expect(rig.rows() == ["a! 300"])
    try give(rig, [("a", 990, 0), ("b", 10, 0), ("a", 500, 0)])
    try rig.finish()
    // What fires at the end sets none for later.
    #expect(rig.rows() == ["b 10", "a 500", "a 990"])
  }

  @Test("a key with many timers that are due gets them in their order, one a call")
  func manyTimersOfOneKey() throws {
    let rig = try rig { Alarms() }
    try give(rig, (100..<900).reversed().map { ("a", $0, 0) } + [("b", 500, 0)])
    try rig.watermark(10_000)
    let rows = rig.rows()
    #expect(rows.filter { $0.hasPrefix("a") } == (100..<900).map { "a \($0)" })
    #expect(rows.filter { $0.hasPrefix("b") } == ["b 500"])
  }

  @Test("an event timer for rows without event time ends the job with a sentence")
  func noEventTime() throws {
    let rig = try rig(hasEventTime: false) { Alarms() }
    let failure = #expect(throws: Failure.self) { try give(rig, [("a", 1, 0)]) }
    #expect(
      failure?.message
        == "plugin 'sdk': function 'test:2': an event-time timer was set, and the rows have no event time; call eventTime before "
        + "keyBy and keep its column, or set a timer of processing time")
    #expect(failure?.kind == .usage)
  }

  // MARK: Outputs and context

  private final class Split: KeyedProcessFunction {
    func process(_ row: Row, context: Context<String, Result>) throws {
      if row.value == 1 {
        try context.output("notes", Note(text: context.key))
      } else if row.value == 2 {
        try context.output("others", row)
      } else if row.value == 3 {
        try context.output("nowhere", row)
      } else {
        try context.emit(
          Result(
            user: "\(context.watermark?.microseconds ?? -1)", number: context.timestamp?.microseconds ?? -1))
      }
    }
  }

  @Test("side outputs by name, event time of rows, watermark")
  func sideOutputs() throws {
    let rig = try rig(sides: true) { Split() }
    try give(rig, [("a", 1, 5), ("b", 2, 6), ("c", 4, 7)])
    try rig.watermark(9)
    try give(rig, [("c", 4, 8)])
    #expect(rig.rows(0) == ["-1 7", "9 8"])
    #expect(rig.rows(1) == ["a"])
    #expect(rig.rows(2) == ["2"])
    let failure = #expect(throws: Failure.self) { try give(rig, [("c", 3, 7)]) }
    #expect(
      failure?.message
        == "plugin 'sdk': function 'test:2' failed in 'process': there is no side output 'nowhere' (known are 'notes', 'others'): "
        + "name it in sideOutputs of process")
  }

  private final class Nullable: KeyedProcessFunction {
    @State var count = ValueState<Int>()
    func process(_ row: Row, context: Context<String?, Result>) throws {
      count.value = (count.value ?? 0) + 1
      context.timers.register(at: Timestamp(microseconds: 5))
      try context.emit(Result(user: context.key ?? "nobody", number: Int64(count.value ?? 0)))
    }
    func onTimer(_ timer: FiredTimer, context: Context<String?, Result>) throws {
      try context.emit(Result(user: context.key ?? "nobody at all", number: Int64(count.value ?? 0)))
    }
  }

  private struct Pair: Codable {
    var user: String?
    var value: Int64
  }

  private final class Pairs: KeyedProcessFunction {
    @State var count = ValueState<Int>()
    func process(_ row: Row, context: Context<Pair, Result>) throws {
      count.value = (count.value ?? 0) + 1
      try context.emit(
        Result(user: "\(context.key.user ?? "nobody") \(context.key.value)", number: Int64(count.value ?? 0)))
    }
  }

  @Test("null keys are a key where it is optional, and a sentence where it is not; keys of several columns are structs")
  func nullKeys() throws {
    var nullable = fields
    nullable[0].nullable = true
    let rig = try ProcessRig(input: nullable, keys: ["user"]) {
      $0.process("test", uid: "test") { Nullable() }.toSink(.blackhole, uid: "out")
    }
    let columns: [Column] = [
      .texts(["a", nil, "a", nil, nil]), .of(.int64, [1, 1, 1, 1, 1]), .times([1, 1, 1, 1, 1]),
    ]
    try rig.give(columns)
    #expect(rig.rows() == ["a 1", "nobody 1", "a 2", "nobody 2", "nobody 3"])
    try rig.watermark(5)
    #expect(rig.rows() == ["a 2", "nobody at all 3"])
    let strict = try ProcessRig(input: nullable, keys: ["user"]) {
      $0.process("test", uid: "test") { Sums() }.toSink(.blackhole, uid: "out")
    }
    let failure = #expect(throws: Failure.self) { try strict.give(columns) }
    #expect(
      failure?.message
        == "plugin 'sdk': function 'test:2' failed in 'process': the key 'user' is null in a row, and String is not optional: make "
        + "Key String?, or filter such rows out before")
    let pairs = try ProcessRig(input: nullable, keys: ["user", "value"]) {
      $0.process("test", uid: "test") { Pairs() }.toSink(.blackhole, uid: "out")
    }
    try pairs.give([.texts(["a", nil, "a", nil]), .of(.int64, [1, 1, 2, 1]), .times([1, 1, 1, 1])])
    #expect(pairs.rows() == ["a 1 1", "nobody 1 1", "a 2 1", "nobody 1 2"])
  }

  // MARK: Limits and refusals

  @Test("a state that outgrows its share of the memory ends the job with a sentence")
  func memoryLimit() throws {
    let rig = try rig(memory: StateMemory(limit: 4 << 20)) { Sums() }
    let failure = #expect(throws: Failure.self) {
      for first in 0..<100 { try give(rig, (0..<1000).map { ("key \(first) \($0)", 1, 0) }) }
    }
    #expect(failure?.message.hasPrefix("the state of ") == true)
  }

  private struct Nested: Codable {
    var name: String
    var parts: [String]
  }
  private final class Refused: KeyedProcessFunction {
    @State var nested = ValueState<Nested>()
    func process(_ row: Row, context: Context<String, Result>) throws {}
  }
  private final class Bare: KeyedProcessFunction {
    let bare = ValueState<Int64>()
    func process(_ row: Row, context: Context<String, Result>) throws {}
  }
  private final class Floats: KeyedProcessFunction {
    @State var byFloat = MapState<Double, Int64>()
    func process(_ row: Row, context: Context<String, Result>) throws {}
  }
  private struct Idle: KeyedProcessFunction {
    @State var count = ValueState<Int64>(timeToLive: .zero)
    func process(_ row: Row, context: Context<String, Result>) throws {}
    func onTimer(_ timer: FiredTimer, context: Context<String, Result>) throws {}
  }

  @Test("states that cannot be kept are refused when the plan is made, with the names of state and field")
  func refusals() throws {
    func refusal<F: KeyedProcessFunction>(_ make: @escaping @Sendable () -> F) -> String? {
      ProcessRig.refusal { $0.process("test", uid: "t", make).toSink(.blackhole, uid: "out") }
    }
    #expect(
      refusal { Refused() }?.hasSuffix(
        "test 't': state 'nested': field 'parts' of row type Nested is a Array<String>: a field is a Bool, an integer of 8 to 64 bits, "
          + "a Float16, Float, Double, String, [UInt8], CalendarDate, Timestamp or Duration, or an optional one")
        == true)
    #expect(
      refusal { Bare() }?.hasSuffix("'bare' of Bare is a state without @State: mark it with @State var bare = …")
        == true)
    #expect(
      refusal { Floats() }?.hasSuffix(
        "state 'byFloat': a map's key is a Double, which is no sound one: take an integer or a text") == true)
    #expect(
      refusal { Idle() }?.hasSuffix("state 'count': its time to live is 0.0 seconds: give it more than zero") == true)
    let side = ProcessRig.refusal {
      $0.process("test", sideOutputs: ["late": Row.self], uid: "t") { Sums() }.toSink(.blackhole, uid: "out")
    }
    #expect(side?.contains("output 1 of test 't' leads nowhere") == true)
  }

  // MARK: Traps

  private final class Trapping: KeyedProcessFunction {
    func process(_ row: Row, context: Context<String, Result>) throws {
      if row.value == 13 { fatalError("thirteen") }
      context.timers.register(at: Timestamp(microseconds: row.value))
    }
    func onTimer(_ timer: FiredTimer, context: Context<String, Result>) throws { fatalError("a timer") }
  }

  @Test("a trap in process and in onTimer is blamed on plugin, function and call", arguments: ["process", "timers"])
  func traps(call: String) async throws {
    let folder = TemporaryFolder()
    let path = folder.write("report", [UInt8](repeating: 0, count: MemoryLayout<platform_crash_report>.size))
    await #expect(processExitsWith: .failure) { [call = call as String, path = path as String] in
      guard platform_install_crash_handlers(open(path, O_RDWR)) == 0 else { exit(0) }
      do {
        let rig = try ProcessTests().rig { Trapping() }
        try rig.give([
          .texts(["a"]), .of(.int64, [call == "process" ? 13 : 5]), .times([1]),
        ])
        try rig.watermark(10)
      } catch {
        exit(0)
      }
      exit(0)
    }
    let bytes = try #require(folder.read("report"))
    let report = bytes.withUnsafeBytes { $0.loadUnaligned(as: platform_crash_report.self) }
    func text<Field>(_ field: KeyPath<platform_crash_report, Field>) -> String {
      withUnsafeBytes(of: report[keyPath: field]) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
    #expect(report.signal == SIGILL || report.signal == SIGTRAP)
    #expect([text(\.plugin), text(\.function), text(\.call)] == ["sdk", "test:2", call])
  }
}
