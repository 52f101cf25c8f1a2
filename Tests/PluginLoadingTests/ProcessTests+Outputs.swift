import Arrow
import Base
import Testing
import Volley

/// What a keyed process function gives, and what it is told.
extension ProcessTests {
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
    var nullable = Self.fields
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

}
