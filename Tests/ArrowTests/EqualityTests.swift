import Arrow
import ArrowTestSupport
import TestSupport
import Testing
import VolleyPlan

@Suite("Equality of columns")
struct EqualityTests {
  @Test("is of values, wherever they lie", arguments: RandomColumns.types)
  func slices(type: DataType) {
    var generator = SeededGenerator()
    for nulls in [0, 3] {
      let values = RandomColumns.values(type, 70, nulls: nulls, &generator)
      let column = RandomColumns.column(type, values)
      for offset in 0...65 { #expect(RandomColumns.column(type, values, offset: offset) == column, "\(generator)") }
    }
  }

  // Nulls do not differ.
  @Test("sees every single difference", arguments: RandomColumns.types.filter { $0 != .null })
  func differences(type: DataType) {
    var generator = SeededGenerator()
    let values = RandomColumns.values(type, 70, nulls: 3, &generator)
    let column = RandomColumns.column(type, values, offset: 3)
    for row in values.indices {
      var changed = values
      var other: Literal
      repeat { other = RandomColumns.value(type, &generator) } while other == values[row]
      changed[row] = other
      #expect(RandomColumns.column(type, changed) != column, "row \(row) \(generator)")
      changed[row] = values[row] == .null(type) ? other : .null(type)
      #expect(RandomColumns.column(type, changed) != column, "row \(row) \(generator)")
    }
    #expect(column.slice(0..<69) != column)
  }

  @Test("holds for NaNs, not for zeros of different signs, and not across types")
  func special() {
    #expect(Column.constant(.float64(.nan), count: 1) == Column.constant(.float64(-.nan), count: 1))
    #expect(Column.constant(.float64(0), count: 1) != Column.constant(.float64(-0.0), count: 1))
    #expect(Column.constant(.int64(0), count: 1) != Column.constant(.float64(0), count: 1))
    #expect(Column.nulls(.int64, count: 0) != Column.nulls(.utf8, count: 0))
  }

  @Test("does not look behind nulls")
  func behindNulls() {
    let validity = Buffer(byteCount: 1)
    validity.unsafeMutableValues(UInt8.self)[0] = 0b10
    let columns = [Int64(1), 2].map { hidden in
      let values = Buffer(byteCount: 16)
      values.unsafeMutableValues(Int64.self)[0] = hidden
      values.unsafeMutableValues(Int64.self)[1] = 5
      return Column(type: .int64, length: 2, validity: validity, buffers: [values])
    }
    #expect(columns[0] == columns[1])
  }

  @Test("of batches is of the rows that count")
  func batches() {
    let schema = Schema([Field("a", .int64)])
    func batch(_ values: [Int64]) -> RecordBatch {
      RecordBatch(
        schema: schema, columns: [RandomColumns.column(.int64, values.map { .int64($0) })], length: values.count)
    }
    #expect(batch([1, 2, 3]).selecting(Selection([0, 2])) == batch([1, 3]))
    #expect(batch([1, 2, 3]) != batch([1, 3]))
    #expect(batch([1, 2]) != batch([1, 3]))
  }
}
