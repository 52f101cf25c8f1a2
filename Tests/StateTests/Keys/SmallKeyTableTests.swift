import Arrow
import Base
import Testing
import VolleyPlan

@testable import State

@Suite("Small tables of keys")
struct SmallKeyTableTests {
  @Test("a table of few keys takes few bytes, however many rows bring them", arguments: [1, 10, 100])
  func fewKeys(_ keyCount: Int) throws {
    for types in [[DataType.utf8], [.utf8, .int64]] {
      let table = makeKeyTable(types, keepingKeys: true)
      #expect(table.byteCount <= 4_096, "\(types)")
      let texts = ColumnBuilder(.utf8)
      let numbers = ColumnBuilder(.int64)
      for row in 0..<8_192 {
        texts.append(.utf8("the key of number \(row % keyCount)"))
        numbers.append(.int64(Int64(row % keyCount)))
      }
      let keys = [texts.finish(), numbers.finish()]
      let slots = Buffer(byteCount: 8_192 * 4)
      for _ in 0..<3 {
        try table.find(
          Array(keys.prefix(types.count)), rowCount: 8_192, into: slots.unsafeMutableValues(UInt32.self))
        #expect(table.count == keyCount)
        #expect((0..<8_192).allSatisfy { slots.values(UInt32.self)[$0] == UInt32($0 % keyCount) })
      }
      #expect(table.byteCount <= 8_192 + 512 * keyCount, "\(types): \(table.byteCount)")
    }
  }
}
