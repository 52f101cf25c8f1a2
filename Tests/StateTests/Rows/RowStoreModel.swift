import Arrow
import ArrowTestSupport
import TestSupport
import Testing
import VolleyPlan

@testable import State

/// A row store beside a list of the rows that it should hold.
final class RowStoreModel {
  struct Row {
    var number: UInt32
    var slot: UInt32
    var time: Int64
    var values: [Literal]
    var isMarked = false
    /// Whether `popExpired` has named it.
    var isNamed = false
  }

  let store: RowStore
  let schema: Schema
  /// In the order of appending.
  private(set) var rows: [Row] = []
  private var horizon = Int64.min
  private let hint: String

  convenience init(_ types: [DataType], expiring: Bool, slotCount: Int, _ hint: String) {
    self.init(RowStore(Self.schema(types), expiring: expiring), slotCount: slotCount, hint)
  }

  /// - Parameter store: without rows.
  init(_ store: RowStore, slotCount: Int, _ hint: String) {
    schema = store.schema
    self.store = store
    store.grow(to: slotCount)
    self.hint = hint
  }

  static func schema(_ types: [DataType]) -> Schema { Schema(types.enumerated().map { Field("c\($0)", $1) }) }

  func append(_ values: [[Literal]], _ slots: [UInt32], _ times: [Int64], offset: Int, selected: Bool) throws {
    var columns = schema.fields.indices.map { index in
      RandomColumns.column(schema.fields[index].type, values.map { $0[index] }, offset: offset)
    }
    var batch = RecordBatch(schema: schema, columns: columns, length: values.count)
    if selected, !values.isEmpty {
      // Every row twice, of which the second one counts.
      let twice = Selection((0..<2 * values.count).map { $0 / 2 })
      columns = columns.map { $0.gather(twice) }
      batch = RecordBatch(
        schema: schema, columns: columns, length: 2 * values.count,
        selection: Selection((0..<values.count).map { 2 * $0 + 1 }))
    }
    let announced = store.byteCount + store.growth(appending: batch, slotCount: 0)
    var numbers = [UInt32](repeating: 0, count: values.count)
    try store.append(batch, slots: slots, times: times, numbers: &numbers)
    #expect(store.byteCount <= announced, "\(hint)")
    let taken = Set(rows.map(\.number))
    #expect(Set(numbers).count == numbers.count && taken.isDisjoint(with: numbers), "\(hint)")
    for index in values.indices {
      rows.append(Row(number: numbers[index], slot: slots[index], time: times[index], values: values[index]))
    }
    #expect(store.rowCount == rows.count, "\(hint)")
  }

  /// Finds the rows of slots in pieces, and reads them.
  func match(_ slots: [UInt32], _ bounds: [(Int64, Int64)]?, limit: Int) throws {
    var pairs: [(UInt32, UInt32)] = []
    var cursor = RowCursor()
    while true {
      let matches = store.match(
        slots, count: slots.count, from: bounds?.map(\.0), to: bounds?.map(\.1), cursor: &cursor, limit: limit)
      if matches.count == 0 { break }
      #expect(matches.count <= limit)
      let (indices, numbers) = (matches.indices.values(UInt32.self), matches.numbers.values(UInt32.self))
      for row in 0..<matches.count { pairs.append((indices[row], numbers[row])) }
    }
    var expected: [(UInt32, UInt32)] = []
    for (index, slot) in slots.enumerated() {
      for row in rows where row.slot == slot {
        if let bounds, row.time < bounds[index].0 || row.time > bounds[index].1 { continue }
        expected.append((UInt32(index), row.number))
      }
    }
    #expect(pairs.map(\.0) == expected.map(\.0) && pairs.map(\.1) == expected.map(\.1), "\(hint)")
    for slot in slots { #expect(store.hasRows(slot) == rows.contains { $0.slot == slot }, "\(hint)") }
    try read(pairs.map(\.1))
  }

  /// The rows of these numbers, and rows of nulls, have the values that were appended.
  func read(_ numbers: [UInt32]) throws {
    let byNumber = Dictionary(uniqueKeysWithValues: rows.map { ($0.number, $0) })
    let batch = try store.batch(of: numbers, count: numbers.count)
    #expect(batch.schema == schema)
    for (index, field) in schema.fields.enumerated() {
      let expected = numbers.map { byNumber[$0]?.values[index] ?? .null(field.type) }
      #expect(batch.columns[index] == RandomColumns.column(field.type, expected), "\(field.type), \(hint)")
    }
    let known = numbers.filter { $0 != RowStore.missing }
    readValues(batch, numbers)
    var times = [Int64](repeating: 0, count: known.count)
    store.times(of: known, count: known.count, into: &times)
    #expect(times == known.map { byNumber[$0]?.time }, "\(hint)")
    var slots = [UInt32](repeating: 0, count: known.count)
    store.slots(of: known, count: known.count, into: &slots)
    #expect(slots == known.map { byNumber[$0]?.slot }, "\(hint)")
    var marks = [Bool](repeating: false, count: known.count)
    store.marks(of: known, count: known.count, into: &marks)
    #expect(marks == known.map { byNumber[$0]?.isMarked }, "\(hint)")
  }

  /// Single values are what the columns that were read have, of layouts in which a value is its bytes.
  private func readValues(_ batch: RecordBatch, _ numbers: [UInt32]) {
    for (index, field) in schema.fields.enumerated() {
      let column = batch.columns[index]
      switch (field.type, field.type.layout) {
      case (.bool, _):
        for (row, number) in numbers.enumerated() where number != RowStore.missing {
          #expect(
            store.bytes(of: number, index)?.first == (column.isValid(row) ? column.bit(row) ? 1 : 0 : nil), "\(hint)")
        }
      case (_, .fixed), (_, .variable32), (_, .variable64), (_, .view):
        for (row, number) in numbers.enumerated() where number != RowStore.missing {
          let found = store.bytes(of: number, index).map { Array($0) }
          #expect(found == (column.isValid(row) ? Array(column.bytes(at: row)) : nil), "\(field.type), \(hint)")
        }
      default: break
      }
    }
  }

  func mark(_ numbers: [UInt32]) {
    store.mark(numbers, count: numbers.count)
    for index in rows.indices where numbers.contains(rows[index].number) { rows[index].isMarked = true }
  }

  func remove(_ numbers: [UInt32]) {
    let emptied = store.remove(numbers, count: numbers.count)
    let gone = Set(numbers)
    let touched = Set(rows.filter { gone.contains($0.number) }.map(\.slot))
    rows.removeAll { gone.contains($0.number) }
    let left = Set(rows.map(\.slot))
    #expect(Set(emptied) == touched.subtracting(left) && Set(emptied).count == emptied.count, "\(hint)")
    #expect(store.rowCount == rows.count, "\(hint)")
  }

  func removeAll() {
    store.removeAll()
    rows.removeAll()
    horizon = .min
  }

  func remove(rowsOf slots: [UInt32]) {
    store.remove(rowsOf: slots, count: slots.count)
    rows.removeAll { slots.contains($0.slot) }
    #expect(store.rowCount == rows.count, "\(hint)")
  }

  /// Names expired rows in the order of their times; they are still there.
  func popExpired(before time: Int64, limit: Int) throws -> [UInt32] {
    horizon = max(horizon, time)
    var named: [UInt32] = []
    while true {
      let numbers = store.popExpired(before: time, limit: limit)
      #expect(numbers.count <= limit)
      if numbers.isEmpty { break }
      try read(numbers)
      named += numbers
    }
    let expected = rows.filter { $0.time < horizon && !$0.isNamed }
    #expect(Set(named) == Set(expected.map(\.number)) && named.count == expected.count, "\(hint)")
    let times = Dictionary(uniqueKeysWithValues: rows.map { ($0.number, $0.time) })
    #expect(named.map { times[$0] ?? 0 } == expected.map(\.time).sorted(), "\(hint)")
    for index in rows.indices where named.contains(rows[index].number) { rows[index].isNamed = true }
    return named
  }
}
