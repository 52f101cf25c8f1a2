import Arrow
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("A key table")
struct KeyTableTests {
  /// Checks a batch against a dictionary: equal keys have one slot, new keys the next, touched slots come once, in order.
  private func check(
    _ table: any KeyTable, _ keys: [Column], _ rows: Int, known: inout [[Value]: UInt32], _ hint: String
  ) throws {
    let slots = UnsafeMutablePointer<UInt32>.allocate(capacity: rows + 1)
    defer { slots.deallocate() }
    let announced = table.byteCount + table.growth(keys, rowCount: rows)
    try table.find(keys, rowCount: rows, into: slots)
    #expect(table.byteCount <= announced, "\(hint)")
    let columns = keys.map { values($0).map(\.asKey) }
    var touched: [UInt32] = []
    var firstRows: [UInt32] = []
    for row in 0..<rows {
      let key = columns.map { $0[row] }
      let slot = known[key] ?? UInt32(known.count)
      known[key] = slot
      #expect(slots[row] == slot, "row \(row): \(hint)")
      if !touched.contains(slot) {
        touched.append(slot)
        firstRows.append(UInt32(row))
      }
    }
    #expect(table.count == known.count, "\(hint)")
    let found = table.touched
    #expect(found.count == touched.count, "\(hint)")
    #expect((0..<found.count).map { found.slots.values(UInt32.self)[$0] } == touched, "\(hint)")
    #expect((0..<found.count).map { found.rows.values(UInt32.self)[$0] } == firstRows, "\(hint)")
  }

  @Test("one column of each type", arguments: allTypes)
  func oneColumn(type: DataType) throws {
    var random = SeededGenerator()
    let table = makeKeyTable([type.layout])
    var known: [[Value]: UInt32] = [:]
    for batch in 0..<30 {
      let rows = Int.random(in: 0...300, using: &random)
      let column = randomColumn(type, rows: rows, distinct: 40 * (batch + 1), padding: batch % 3 * 5, &random)
      try check(table, [column], rows, known: &known, "\(type), batch \(batch), \(random)")
    }
  }

  @Test("any two columns")
  func twoColumns() throws {
    var random = SeededGenerator()
    for first in allTypes {
      for second in allTypes {
        let table = makeKeyTable([first.layout, second.layout])
        var known: [[Value]: UInt32] = [:]
        for batch in 0..<4 {
          let keys = [first, second].map { randomColumn($0, rows: 120, distinct: 8, padding: batch, &random) }
          try check(table, keys, 120, known: &known, "\(first) and \(second), \(random)")
        }
      }
    }
  }

  @Test("many keys make it grow, and forgetting them all makes it new")
  func growth() throws {
    var random = SeededGenerator()
    for type in [DataType.int64, .utf8] {
      let table = makeKeyTable([type.layout])
      for _ in 0..<2 {
        var known: [[Value]: UInt32] = [:]
        for _ in 0..<6 {
          let column = randomColumn(type, rows: 2_000, distinct: 1_000_000, &random)
          try check(table, [column], 2_000, known: &known, "\(type), \(random)")
        }
        table.removeAll()
        #expect(table.count == 0)
      }
    }
  }

  @Test("keys that differ in their high bits only, or are multiples of a power of two, do not collide much")
  func patterns() throws {
    for shift in stride(from: 0, through: 44, by: 4) {
      let builder = FixedBuilder<Int64>(.int64)
      for key in 0..<20_000 { builder.append(Int64(key) << Int64(shift)) }
      let column = builder.finish()
      var known: [[Value]: UInt32] = [:]
      for key in values(column) { known[[key]] = UInt32(known.count) }
      let table = makeKeyTable([.fixed(width: 8)])
      let slots = UnsafeMutablePointer<UInt32>.allocate(capacity: 20_000)
      defer { slots.deallocate() }
      try table.find([column], rowCount: 20_000, into: slots)
      #expect(table.count == 20_000)
      #expect((0..<20_000).allSatisfy { slots[$0] == UInt32($0) })
    }
  }
}
