import Arrow
import Base
import Dataflow
import Synchronization
import TestSupport
import Testing
import Volley
import VolleyPlan

@testable import Operators

private typealias Field = VolleyPlan.Field

/// Keyed process functions of the SDK's behind the host's operator and adapter.
struct ProcessTests {
  struct Row: Codable {
    var value: Int64
  }

  struct Result: Codable {
    var user: String
    var number: Int64
  }

  struct Note: Codable {
    var text: String
  }

  struct Broken: Error, CustomStringConvertible {
    var description: String { "the row is broken" }
  }

  static let fields: [VolleyPlan.Field] = [
    Field("user", .utf8, nullable: false), Field("value", .int64, nullable: false),
    Field("ts", .timestamp, nullable: false),
  ]

  func rig<Function: KeyedProcessFunction>(
    memory: StateMemory? = nil, hasEventTime: Bool = true, sides: Bool = false,
    _ make: @escaping @Sendable () -> Function
  ) throws -> ProcessRig {
    try ProcessRig(input: Self.fields, keys: ["user"], hasEventTime: hasEventTime, memory: memory) { stream in
      let result = stream.process(
        "test", sideOutputs: sides ? ["notes": Note.self, "others": Row.self] : [:], uid: "test", make)
      if sides {
        result.sideOutput("notes").toSink(.blackhole, uid: "notes")
        result.sideOutput("others").toSink(.blackhole, uid: "others")
      }
      result.toSink(.blackhole, uid: "out")
    }
  }

  func give(_ rig: ProcessRig, _ rows: [(String, Int64, Int64)]) throws(Failure) {
    try rig.give([.texts(rows.map(\.0)), .of(.int64, rows.map { $0.1 }), .times(rows.map(\.2))])
  }

  final class Sums: KeyedProcessFunction {
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

  /// Does with a list what a number says, and with an array, which is what it should be.
  private final class ListTwins: KeyedProcessFunction, @unchecked Sendable {  // One thread at a time.
    @State var list = ListState<Int64>()
    var models: [String: [Int64]] = [:]
    var committed: [String: [Int64]] = [:]
    struct Thrown: Error {}

    func process(_ row: Row, context: Context<String, Result>) throws {
      let (kind, item) = row.value.quotientAndRemainder(dividingBy: 1_000)
      var model = models[context.key] ?? []
      defer { models[context.key] = model }
      switch kind {
      case 0...7:
        list.append(item)
        model.append(item)
      case 8:
        list.append(contentsOf: [item, 1, 2])
        model += [item, 1, 2]
      case 9:
        list.clear()
        model = []
      case 10:
        list.items = [item, item]
        model = [item, item]
      case 11:
        list.items.removeAll { $0 % 3 == 0 }
        model.removeAll { $0 % 3 == 0 }
      case 12: guard list.items == model else { throw Broken() }
      default: throw Thrown()
      }
    }
  }

  @Test("random appends, replacements and failures leave a list's items as they should be")
  func randomLists() throws {
    var random = SeededGenerator()
    let seed = random
    for _ in 0..<10 {
      let made = Mutex<ListTwins?>(nil)
      let rig = try rig {
        let twins = ListTwins()
        made.withLock { $0 = twins }
        return twins
      }
      let twins = try #require(made.withLock { $0 })
      for round in 0..<60 {
        let fails = Int.random(in: 0..<4, using: &random) == 0
        // One round is of more items than go together.
        var rows = (0..<(round == 30 ? 20_000 : Int.random(in: 1...200, using: &random))).map { _ in
          let kind = Int64.random(in: 0...(round == 30 ? 8 : 12), using: &random)
          let key = ["a", "a", "a", "b"].randomElement(using: &random) ?? "a"
          return (key, kind * 1_000 + Int64.random(in: 0..<1_000, using: &random), Int64(0))
        }
        rows += [("a", 12_000, 0), ("b", 12_000, 0)]
        if fails { rows.append(("a", 13_000, 0)) }
        twins.committed = twins.models
        do throws(Failure) {
          try give(rig, rows)
          #expect(!fails, "\(seed)")
        } catch {
          guard fails, "\(error)".contains("Thrown") else {
            Issue.record("\(error), \(seed)")
            return
          }
          twins.models = twins.committed
        }
      }
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

}
