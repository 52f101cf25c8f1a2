import Arrow
import ArrowTestSupport
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

@Suite("Blackhole sink") struct BlackholeTests {
  /// The definition, value by value.
  private func checksum(_ batch: RecordBatch) -> UInt64 {
    var sum: UInt64 = 0
    for row in 0..<batch.length {
      for column in batch.columns where column.isValid(row) {
        switch column.literal(at: row) {
        case .bool(let value): sum &+= value ? 1 : 0
        case .int32(let value): sum &+= UInt64(bitPattern: Int64(value))
        case .int64(let value): sum &+= UInt64(bitPattern: value)
        case .timestamp(let value, _, _): sum &+= UInt64(bitPattern: value)
        case .float64(let value): sum &+= value.bitPattern
        case .utf8(let value): for byte in value.utf8 { sum &+= UInt64(byte) }
        case .null: break
        default: preconditionFailure("no wide value is made here")
        }
      }
    }
    return sum
  }

  @Test("the checksum is the sum of all values, over slices, nulls and instances")
  func checksums() throws {
    var generator = SeededGenerator()
    let factory = try makeSink("blackhole", [], everyType)
    let sinks = try (0..<3).map { try factory.make(subtask($0, of: 3)) }
    var expected = BlackholeChecksum()
    for round in 0..<12 {
      let all = randomBatch(&generator, rows: 200)
      let part = all.slice((round * 3)..<(round * 3 + Int.random(in: 0..<150, using: &generator)))
      expected = expected + BlackholeChecksum(rows: part.length, bits: checksum(part))
      #expect(!sinks[round % 3].blocks)
      try sinks[round % 3].write(part)
    }
    let totals = try #require(factory.blackhole)
    #expect(totals.checksum == expected, "\(generator)")
  }

  @Test("without nulls the fast sums are the same")
  func withoutNulls() throws {
    let fields = [Field("b", .bool), Field("i", .int32), Field("l", .int64), Field("d", .float64), Field("s", .utf8)]
    var rows: [[Literal?]] = []
    for row in 0..<300 {
      let double = Double(row) / 7
      rows.append([
        .bool(row % 3 == 0), .int32(Int32(-row)), .int64(Int64.max - Int64(row)), .float64(double), .utf8("r\(row)ä"),
      ])
    }
    let all = batch(fields, rows)
    for slice in [0..<300, 7..<7, 5..<6, 13..<250] {
      var sum = BlackholeChecksum()
      sum.add(all.slice(slice))
      #expect(sum == BlackholeChecksum(rows: slice.count, bits: checksum(all.slice(slice))))
    }
  }

  @Test(
    "bytes are summed however many and great they are", arguments: [0, 1, 31, 32, 33, 4_095, 4_096, 4_129, 100_000])
  func manyBytes(count: Int) throws {
    let column = ColumnBuilder(.binary)
    column.append(.binary([UInt8](repeating: 0xFF, count: count), .binary))
    let batch = RecordBatch(schema: Schema([Field("b", .binary)]), columns: [column.finish()], length: 1)
    var sum = BlackholeChecksum()
    sum.add(batch)
    #expect(sum == BlackholeChecksum(rows: 1, bits: UInt64(255 * count)))
  }

  /// The sum of the bytes of a value of a type without a sum of its own.
  private func bytes(_ value: Literal) -> UInt64 {
    switch value {
    case .bool(let value): return value ? 1 : 0
    case .int32(let value): return bytes(.integer(Int128(value), .int32))
    case .int64(let value): return bytes(.integer(Int128(value), .int64))
    case .integer(let value, let type):
      guard case .fixed(let width) = type.layout else { preconditionFailure("\(type) has no width") }
      return (0..<width).reduce(0) { $0 &+ UInt64(truncatingIfNeeded: value >> (8 * Int128($1)) & 255) }
    case .utf8(let value): return value.utf8.reduce(0) { $0 &+ UInt64($1) }
    case .binary(let value, _): return value.reduce(0) { $0 &+ UInt64($1) }
    case .nested(let items, _): return items.reduce(0) { $0 &+ bytes($1) }
    case .null: return 0
    default: preconditionFailure("no \(value) is made here")
    }
  }

  @Test(
    "values of other types are the sum of their bytes, those of structs and lists too",
    arguments: [
      DataType.int8, .uint16, .decimal128(precision: 20, scale: 3), .binary, .list(of: .utf8),
      .struct([
        Field("a", .int64), Field("b", .utf8, nullable: false),
        Field("c", .struct([Field("d", .int32), Field("e", .bool), Field("f", .decimal128(precision: 9, scale: 0))])),
      ]),
    ])
  func others(type: DataType) {
    var generator = SeededGenerator()
    for (rows, nulls, offset) in [(1, 0, 0), (1, 1, 3), (100, 0, 0), (100, 4, 7), (333, 3, 64), (50, 1, 1)] {
      let values = RandomColumns.values(type, rows, nulls: nulls, &generator)
      var sum = BlackholeChecksum()
      let column = RandomColumns.column(type, values, offset: offset)
      sum.add(RecordBatch(schema: Schema([Field("x", type)]), columns: [column], length: rows))
      let expected = values.reduce(0 as UInt64) { $0 &+ bytes($1) }
      #expect(sum == BlackholeChecksum(rows: rows, bits: expected), "\(type), \(rows) rows at \(offset), \(generator)")
    }
  }
}
