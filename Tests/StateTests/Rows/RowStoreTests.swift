import Arrow
import ArrowTestSupport
import TestSupport
import Testing
import VolleyPlan

@testable import State

@Suite("A row store")
struct RowStoreTests {
  private func values(_ types: [DataType], _ count: Int, _ generator: inout SeededGenerator) -> [[Literal]] {
    (0..<count).map { _ in types.map { RandomColumns.values($0, 1, nulls: 6, &generator)[0] } }
  }

  private func run(_ types: [DataType], steps: Int, rows: Int, slotCount: UInt32, _ generator: inout SeededGenerator)
    throws
  {
    let model = RowStoreModel(types, expiring: true, slotCount: Int(slotCount), "\(types), \(generator)")
    func slots(_ count: Int) -> [UInt32] {
      (0..<count).map { _ in UInt32.random(in: 0..<slotCount, using: &generator) }
    }
    for step in 0..<steps {
      let count = Int.random(in: 0...rows, using: &generator)
      let now = Int64(step) * 100
      let times = (0..<count).map { _ in now + Int64.random(in: -150...150, using: &generator) }
      try model.append(
        values(types, count, &generator), slots(count), times, offset: step % 4, selected: step % 3 == 0)
      let asked = slots(rows / 4) + [slotCount + 5, RowStore.missing]
      let bounds = asked.map { _ in
        (now - Int64.random(in: 0...300, using: &generator), now + Int64.random(in: -50...100, using: &generator))
      }
      try model.match(asked, step % 2 == 0 ? bounds : nil, limit: Int.random(in: 1...20, using: &generator))
      let some = model.rows.map(\.number).shuffled(using: &generator).prefix(model.rows.count / 5)
      model.mark(Array(some.prefix(10)))
      try model.read(some + [RowStore.missing] + some.prefix(3))
      switch step % 4 {
      case 0: model.remove(Array(some))
      case 1: model.remove(rowsOf: slots(Int(slotCount) / 4) + slots(1))
      case 2:
        let expired = try model.popExpired(before: now - 200, limit: Int.random(in: 1...30, using: &generator))
        // Those that stay are named no more.
        model.remove(Array(expired.dropFirst(expired.count / 4)))
      default: break
      }
    }
    model.remove(model.rows.map(\.number).shuffled(using: &generator))
    try model.append(
      values(types, rows, &generator), slots(rows), [Int64](repeating: 5, count: rows), offset: 0, selected: false)
    try model.match(Array(0..<slotCount), nil, limit: 100)
    #expect(try model.popExpired(before: 6, limit: 100).count == rows, "\(generator)")
  }

  @Test("keeps a column of each type", arguments: RandomColumns.types)
  func oneColumn(type: DataType) throws {
    var generator = SeededGenerator()
    try run([type], steps: 12, rows: 60, slotCount: 10, &generator)
  }

  @Test("finds large rows some at a time, so that their columns can be read, and each as often as it is asked for")
  func largeRows() throws {
    let store = RowStore(Schema([Field("s", .utf8)]), expiring: false)
    store.grow(to: 2)
    let texts = ColumnBuilder(.utf8)
    for text in ["a", String(repeating: "x", count: 262_144), "b"] { texts.append(.utf8(text)) }
    let batch = RecordBatch(schema: store.schema, columns: [texts.finish()], length: 3)
    var numbers: [UInt32] = [0, 0, 0]
    try store.append(batch, slots: [0, 0, 1], numbers: &numbers)
    // All at once would be 2 GiB, which no column of text can have.
    let asked = [UInt32](repeating: 0, count: 8_192) + [1]
    var cursor = RowCursor()
    var found: [(index: UInt32, number: UInt32)] = []
    while true {
      let matches = store.match(asked, count: asked.count, cursor: &cursor, limit: 20_000)
      if matches.count == 0 { break }
      for row in 0..<matches.count {
        found.append((matches.indices.values(UInt32.self)[row], matches.numbers.values(UInt32.self)[row]))
      }
      let part = found.suffix(matches.count)
      #expect(part.filter { $0.number == numbers[1] }.count <= 64)
      if found.count < 200 {
        let columns = try store.columns(of: part.map(\.number), count: part.count, [0])
        for (row, (_, number)) in part.enumerated() {
          #expect(columns[0].bytes(at: row).count == (number == numbers[1] ? 262_144 : 1))
        }
      }
      if matches.isLast { break }
    }
    let expected = (0..<8_192).flatMap { [($0, numbers[0]), ($0, numbers[1])] } + [(8_192, numbers[2])]
    #expect(found.map { "\($0.index) \($0.number)" } == expected.map { "\($0.0) \($0.1)" })
    #expect(store.blockRows(8_192) < 64 && store.blockRows(8_192) > 32)
    // The last row of each is the large one.
    cursor = RowCursor()
    var lasts: [UInt32] = []
    while true {
      let matches = store.matchLast(asked, count: asked.count, cursor: &cursor, limit: 20_000)
      #expect(matches.count <= 65)
      for row in 0..<matches.count { lasts.append(matches.numbers.values(UInt32.self)[row]) }
      if matches.isLast { break }
    }
    #expect(lasts == [UInt32](repeating: numbers[1], count: 8_192) + [numbers[2]])
    store.remove(numbers, count: 3)
    #expect(store.blockRows(8_192) == 8_192)
  }

  @Test("keeps columns of many types side by side")
  func manyColumns() throws {
    var generator = SeededGenerator()
    for _ in 0..<4 {
      let types = RandomColumns.types.shuffled(using: &generator)
      try run(Array(types.prefix(12)), steps: 12, rows: 40, slotCount: 10, &generator)
    }
  }

  @Test("keeps rows of no columns, which may be counted")
  func noColumns() throws {
    var generator = SeededGenerator()
    try run([], steps: 20, rows: 30, slotCount: 4, &generator)
  }

  @Test("keeps structs in structs, and dictionaries and lists in them")
  func nested() throws {
    var generator = SeededGenerator()
    let inner = DataType.struct([Field("x", .dictionary(of: .utf8)), Field("y", .list(of: .int32)), Field("z", .bool)])
    let type = DataType.struct([Field("a", .int64), Field("b", inner), Field("c", .largeUtf8)])
    try run([type, .utf8, .list(of: inner)], steps: 30, rows: 40, slotCount: 5, &generator)
  }

  /// Every way to remove two of up to four rows of two slots.
  @Test("keeps the order of a slot's rows when any of them is removed")
  func order() throws {
    for count in 1...4 {
      for assignment in 0..<(1 << count) {
        for first in 0..<count {
          for second in 0..<count {
            let model = RowStoreModel(
              [.int32], expiring: false, slotCount: 2, "\(count) \(assignment) \(first) \(second)")
            let slots = (0..<count).map { UInt32(assignment >> $0 & 1) }
            try model.append(
              (0..<count).map { [.int32(Int32($0))] }, slots, (0..<count).map { Int64($0) }, offset: 0, selected: false)
            let numbers = model.rows.map(\.number)
            model.remove([numbers[first]])
            if second != first { model.remove([numbers[second]]) }
            try model.match([0, 1, 0], nil, limit: 2)
            try model.append([[.int32(9)], [.int32(10)]], [1, 0], [9, 10], offset: 0, selected: false)
            try model.match([1, 0], [(0, 9), (1, 20)], limit: 1)
          }
        }
      }
    }
  }

  @Test("keeps rows of any size, small ones beside some larger than a page")
  func sizes() throws {
    var generator = SeededGenerator()
    let model = RowStoreModel([.utf8, .int32], expiring: false, slotCount: 3, "\(generator)")
    let lengths = [0, 1, 15, 16, 17, 100, 30_000, 40_000, 65_400, 65_440, 65_480, 65_536, 70_000, 200_000]
    for step in 0..<30 {
      let rows = (0..<6).map { index -> [Literal] in
        let length = lengths.randomElement(using: &generator)! + Int.random(in: 0...3, using: &generator)
        return [.utf8(String(repeating: "\(index)", count: length)), .int32(Int32(step))]
      }
      try model.append(
        rows, (0..<6).map { _ in UInt32.random(in: 0..<3, using: &generator) }, .init(repeating: 0, count: 6),
        offset: 0, selected: false)
      try model.match([0, 1, 2], nil, limit: 7)
      model.remove(Array(model.rows.map(\.number).shuffled(using: &generator).prefix(5)))
      try model.match([0, 1, 2], nil, limit: 1_000)
    }
  }

  /// Random removals leave holes everywhere; without moving the others they would stay.
  @Test("keeps about twice the bytes of its rows at most, however many come and go, and gives all back at the end")
  func memory() throws {
    var generator = SeededGenerator()
    let store = RowStore(Schema([Field("id", .int64), Field("text", .utf8)]), expiring: true)
    store.grow(to: 100)
    let empty = store.byteCount
    var alive: [UInt32] = []
    var most = 0
    for round in 0..<120 {
      let ids = FixedBuilder<Int64>(.int64)
      let texts = Utf8Builder()
      for row in 0..<2_000 {
        ids.append(Int64(round * 2_000 + row))
        texts.append(String(repeating: "x", count: 50 + row % 100))
      }
      let batch = RecordBatch(schema: store.schema, columns: [ids.finish(), texts.finish()], length: 2_000)
      var numbers = [UInt32](repeating: 0, count: 2_000)
      let slots = (0..<2_000).map { UInt32($0 % 100) }
      try store.append(batch, slots: slots, times: (0..<2_000).map { Int64(1 << 50 + $0) }, numbers: &numbers)
      alive += numbers
      if alive.count > 20_000 {
        alive.shuffle(using: &generator)
        store.remove(Array(alive[20_000...]), count: alive.count - 20_000)
        alive.removeSubrange(20_000...)
      }
      if round == 30 { most = store.byteCount }
      if round > 30 { #expect(store.byteCount <= most + most / 4, "\(generator)") }
    }
    // 20,000 rows of about 8 + 12 + 1 + 100 bytes, and their numbers and times.
    #expect(store.byteCount < 2 * 20_000 * (121 + 32 + 16) + 3_000_000, "\(store.byteCount)")
    let column = try store.columns(of: alive, count: alive.count, [0])[0]
    #expect(Set((0..<alive.count).map { column.values(Int64.self)[$0] }).count == 20_000, "rows were mixed up")
    store.remove(alive, count: alive.count)
    #expect(store.rowCount == 0 && store.byteCount < empty + 2_000_000, "\(store.byteCount)")
  }

  @Test("that expires names rows before a time, not at it, and the past at once")
  func expiry() throws {
    let model = RowStoreModel([.int32], expiring: true, slotCount: 1, "")
    let times: [Int64] = [.min, -1, 0, 1, 253_402_300_799_999_999, .max]
    try model.append(
      times.map { [.int32(Int32(truncatingIfNeeded: $0))] }, .init(repeating: 0, count: 6), times, offset: 0,
      selected: false)
    #expect(model.store.earliestTime == .min)
    for (index, time) in times.enumerated() {
      #expect(try model.popExpired(before: time, limit: 2).count == (index == 0 ? 0 : 1))
    }
    try model.append([[.int32(1)]], [0], [5], offset: 0, selected: false)
    #expect(try model.popExpired(before: 0, limit: 10).count == 1)
  }

  @Test("forgets all rows, and is then as new")
  func removeAll() throws {
    let store = RowStore(Schema([Field("id", .int64)]), expiring: true)
    for _ in 0..<3 {
      store.grow(to: 10)
      let ids = FixedBuilder<Int64>(.int64)
      for id in 0..<5_000 { ids.append(Int64(id)) }
      let batch = RecordBatch(schema: store.schema, columns: [ids.finish()], length: 5_000)
      try store.append(batch, slots: (0..<5_000).map { UInt32($0 % 10) }, times: (0..<5_000).map { Int64($0) })
      #expect(store.rowCount == 5_000)
      #expect(store.popExpired(before: 100).count == 100)
      store.removeAll()
      #expect(store.rowCount == 0 && store.earliestTime == nil && !store.hasRows(3))
    }
  }
}
