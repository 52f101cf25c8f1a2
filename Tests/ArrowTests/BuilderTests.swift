import Arrow
import ArrowTestSupport
import TestSupport
import Testing
import VolleyPlan

@Suite("Builders")
struct BuilderTests {
  @Test("build what was appended, in any mix of ways", arguments: RandomColumns.types)
  func mixed(type: DataType) {
    var generator = SeededGenerator()
    for _ in 0..<60 {
      let builder = ColumnBuilder(type, capacity: Int.random(in: 0...3, using: &generator))
      var expected: [Literal] = []
      for _ in 0..<Int.random(in: 0...40, using: &generator) {
        let count = Int.random(in: 0...70, using: &generator)
        switch Int.random(in: 0...5, using: &generator) {
        case 0:
          builder.appendNulls(count)
          expected += Array(repeating: .null(type), count: count)
        case 1:
          let value = RandomColumns.value(type, &generator)
          builder.append(value, count: count)
          expected += Array(repeating: value, count: count)
        case 2:
          let values = RandomColumns.values(type, count, nulls: Int.random(in: 0...3, using: &generator), &generator)
          let offset = Int.random(in: 0...65, using: &generator)
          let start = count / 3
          builder.append(RandomColumns.column(type, values, offset: offset), start..<count)
          expected += values[start...]
        case 3:
          let keep = Int.random(in: 0...expected.count, using: &generator)
          builder.truncate(to: keep)
          expected.removeLast(expected.count - keep)
        default:
          let value = RandomColumns.value(type, &generator)
          builder.append(value)
          expected.append(value)
        }
        #expect(builder.count == expected.count, "\(generator)")
      }
      let column = builder.finish()
      #expect(column.type == type)
      #expect(column.literals == expected, "\(generator)")
      #expect((column.validity == nil) == !expected.contains(.null(type)), "\(generator)")
      #expect(builder.count == 0)
      builder.append(RandomColumns.value(type, &generator))
      #expect(builder.finish().length == 1)
      #expect(column.literals == expected, "a finished column does not change, \(generator)")
    }
  }

  @Test("align their buffers to 64 bytes", arguments: RandomColumns.types)
  func aligned(type: DataType) {
    var generator = SeededGenerator()
    let column = RandomColumns.column(type, RandomColumns.values(type, 1000, nulls: 3, &generator))
    for buffer in column.buffers + [column.validity!] { #expect(UInt(bitPattern: buffer.address) % 64 == 0) }
  }

  @Test("make constant columns and columns of nulls", arguments: RandomColumns.types)
  func constants(type: DataType) {
    var generator = SeededGenerator()
    for count in [0, 1, 64, 100] {
      let value = RandomColumns.value(type, &generator)
      #expect(Column.constant(value, count: count).literals == Array(repeating: value, count: count))
      #expect(Column.nulls(type, count: count).literals == Array(repeating: .null(type), count: count))
      #expect(Column.constant(.null(type), count: count).nullCount == count)
    }
  }

  @Test("take bytes that are not UTF-8 as they are, and none at all")
  func bytes() {
    let builder = Utf8Builder()
    [0xFF, 0x00].withUnsafeBufferPointer { builder.append($0) }
    builder.append(UnsafeBufferPointer(start: nil, count: 0))
    builder.append("a€b".dropFirst())
    let column = builder.finish()
    #expect(Array(column.utf8(at: 0)) == [0xFF, 0x00])
    #expect(column.utf8(at: 1).count == 0)
    #expect(column.literal(at: 2) == .utf8("€b"))
  }

  @Test("append runs of fixed-width values in place")
  func runs() {
    let builder = FixedBuilder<Int64>(.int64)
    builder.appendNull()
    let room = builder.appendUninitialized(100)
    for index in 0..<100 { room[index] = Int64(index) }
    [7, 8].withUnsafeBufferPointer { builder.append($0) }
    let column = builder.finish()
    #expect(column.literals == [.null(.int64)] + (0..<100).map { .int64($0) } + [.int64(7), .int64(8)])
  }

  @Test("of strings say when a column is full")
  func full() {
    let builder = Utf8Builder()
    #expect(builder.hasRoom(for: Int(Int32.max)))
    #expect(!builder.hasRoom(for: Int(Int32.max) + 1))
    builder.append("a")
    #expect(builder.byteCount == 1)
    #expect(!builder.hasRoom(for: Int(Int32.max)))
  }
}
