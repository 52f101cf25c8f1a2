import Base
import Testing
import Volley

@testable import Operators

/// What a keyed process function keeps for a time only.
extension ProcessTests {
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

}
